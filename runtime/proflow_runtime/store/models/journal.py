"""The models of the local engine's journal: its runs, and what they wait for.

Only the engine reads and writes these tables. Their rows belong to no tenant; a host reads `Run` and
`NodeStateRow` instead. Texts are JSON in ASCII, and columns for times hold milliseconds since 1970.
"""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model


class JournalRun(Model):
    """A run: `origin` is what it was queued with, and never changes; `progress` is its state."""

    id = fields.CharField(max_length=26, primary_key=True)
    origin = fields.TextField()
    """`{function_id, queued_at, parent, events}`"""
    progress = fields.TextField()
    """`{status, started_at, limit, plan_only, version}`, at the end `{status, output, error}`"""
    ended_at = fields.BigIntField(null=True, db_index=True)

    class Meta:
        table = "proflow_journal_runs"
        app = "proflow"


class JournalMemo(Model):
    """A completed step in the form in which requests of the run hold it, in order of completion."""

    id = fields.BigIntField(primary_key=True)
    run_id = fields.CharField(max_length=26)
    step = fields.CharField(max_length=64)
    """The hashed step id."""
    memo = fields.TextField()

    class Meta:
        table = "proflow_journal_memos"
        app = "proflow"
        unique_together = (("run_id", "step"),)


class JournalStep(Model):
    """A step that is planned, that sleeps, or that waits for an event or another run."""

    id = fields.CharField(max_length=100, primary_key=True)
    """`<run>.<hashed step id>`"""
    run_id = fields.CharField(max_length=26, db_index=True)
    state = fields.TextField()

    class Meta:
        table = "proflow_journal_steps"
        app = "proflow"


class JournalRequest(Model):
    """A request that is queued or in flight; it is deleted when its answer has been applied."""

    id = fields.CharField(max_length=26, primary_key=True)
    run_id = fields.CharField(max_length=26, db_index=True)
    state = fields.TextField()

    class Meta:
        table = "proflow_journal_requests"
        app = "proflow"


class JournalKey(Model):
    """The state of admission for a function and a key: known events, batches, debounces, rates."""

    id = fields.CharField(max_length=64, primary_key=True)
    """SHA-256 of function, purpose and value."""
    state = fields.TextField()
    expires_at = fields.BigIntField(null=True, db_index=True)

    class Meta:
        table = "proflow_journal_keys"
        app = "proflow"


class JournalOwner(Model):
    """The process that runs the engine; the table has one row.

    A process that takes over increases `epoch`; processes with another epoch cannot commit any more.
    """

    id = fields.CharField(max_length=10, primary_key=True)
    epoch = fields.BigIntField()
    process = fields.CharField(max_length=200)

    class Meta:
        table = "proflow_journal_owner"
        app = "proflow"
