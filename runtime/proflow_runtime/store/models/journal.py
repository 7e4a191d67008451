"""What the local engine has promised: its runs, and what they wait for.

The engine alone reads and writes these tables; their rows are of no tenant, and tell a host nothing
that `Run` and `NodeStateRow` do not tell better. Texts are JSON in ASCII, times are in milliseconds
since 1970, where they have a column.
"""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model


class JournalRun(Model):
    """A run: what it was queued with, which never changes, and how far it is."""

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
    """A settled step as the run's requests state it; in order of settling."""

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
    """A step that is planned, sleeping, waiting for an event or for another run."""

    id = fields.CharField(max_length=100, primary_key=True)
    """`<run>.<hashed step id>`"""
    run_id = fields.CharField(max_length=26, db_index=True)
    state = fields.TextField()

    class Meta:
        table = "proflow_journal_steps"
        app = "proflow"


class JournalRequest(Model):
    """A request to come, or one that is in flight: it goes when its answer is applied."""

    id = fields.CharField(max_length=26, primary_key=True)
    run_id = fields.CharField(max_length=26, db_index=True)
    state = fields.TextField()

    class Meta:
        table = "proflow_journal_requests"
        app = "proflow"


class JournalKey(Model):
    """What admission remembers of a function and a key: events seen, batches, debounces, rates."""

    id = fields.CharField(max_length=64, primary_key=True)
    """SHA-256 of function, purpose and value."""
    state = fields.TextField()
    expires_at = fields.BigIntField(null=True, db_index=True)

    class Meta:
        table = "proflow_journal_keys"
        app = "proflow"


class JournalOwner(Model):
    """One row: the process that runs the engine. Who takes over raises `epoch`, and whoever has
    another epoch commits nothing any more."""

    id = fields.CharField(max_length=10, primary_key=True)
    epoch = fields.BigIntField()
    process = fields.CharField(max_length=200)

    class Meta:
        table = "proflow_journal_owner"
        app = "proflow"
