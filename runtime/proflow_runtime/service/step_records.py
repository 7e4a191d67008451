"""Writes what replays know of steps: their results, for a later attempt at the run, and each attempt."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from proflow_runtime.dispatch.running import PIN
from proflow_runtime.flow.memos import hashed
from proflow_runtime.status import Snapshot
from proflow_runtime.status.redaction import REDACTED, Redact, to_keep
from proflow_runtime.status.step_attempts import StepAttempt, error_json, logs_json
from proflow_runtime.store.models.attempts import StepAttemptRow, StepResult
from proflow_runtime.store.models.runs import Run
from proflow_runtime.values import JSON

log = logging.getLogger("proflow.steps")
OWN = frozenset({hashed(PIN)})
"""The steps that each attempt at a run executes itself."""


class StepRecords:
    """The results of one run's steps that this process knows to be stored, and those to store."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, str], set[str]] = {}
        self._results: dict[tuple[int, str], dict[str, Any]] = {}
        self._attempts: list[tuple[int, StepAttempt]] = []

    @property
    def has_news(self) -> bool:
        """True if there is something to write."""
        return bool(self._attempts) or any(self._results.values())

    def observe(self, snapshot: Snapshot) -> None:
        """Note what a replay knows that is not stored yet."""
        key = snapshot.attempt, snapshot.part
        known = self._known.setdefault(key, set(OWN))
        self._results.setdefault(key, {}).update(snapshot.results(known))
        self._attempts += [(snapshot.attempt, one) for one in snapshot.step_attempts]

    def clear(self) -> None:
        """Drop what has not been written."""
        self._results, self._attempts = {}, []

    @contextmanager
    def taken(self) -> Iterator[Taken]:
        """Take what has not been written; it is put back if the block around a transaction fails."""
        results, attempts = self._results, self._attempts
        self.clear()
        try:
            yield Taken(results, attempts)
        except BaseException:
            for key, found in self._results.items():
                results.setdefault(key, {}).update(found)
            self._results, self._attempts = results, attempts + self._attempts
            raise
        for key, found in results.items():
            self._known.setdefault(key, set(OWN)).update(found)


class Taken:
    """What one transaction writes of a run's steps."""

    def __init__(
        self,
        results: dict[tuple[int, str], dict[str, Any]],
        attempts: list[tuple[int, StepAttempt]],
    ) -> None:
        self._results, self._attempts = results, attempts

    async def write(self, run: Run, redact: Redact | None, *, results: bool = True) -> None:
        """Write it, in the transaction that holds the run's lock.

        Args:
            run: The run. What belongs to an earlier attempt at it is dropped: the current one has
                begun without it.
            redact: The host's hook.
            results: False if the run has completed, so that no later attempt needs them.
        """
        rows = [
            StepResult(
                tenant_id=run.tenant_id,
                run_id=run.id,
                part=part,
                step=step,
                attempt=attempt,
                result=result,
            )
            for (attempt, part), found in self._results.items()
            if results and attempt == run.attempt and run.status != "completed"
            for step, result in found.items()
        ]
        if rows:
            await StepResult.bulk_create(
                rows,
                on_conflict=("run_id", "part", "step"),
                update_fields=("attempt", "result"),
            )
        made = [_row(run, attempt, one, redact) for attempt, one in self._attempts]
        if made:
            await StepAttemptRow.bulk_create(made)


def _row(run: Run, run_attempt: int, attempt: StepAttempt, redact: Redact | None) -> StepAttemptRow:
    row = StepAttemptRow(
        tenant_id=run.tenant_id,
        run_id=run.id,
        run_attempt=run_attempt,
        node=attempt.node,
        step=attempt.step,
        number=attempt.number,
        started_at=attempt.started_at,
        ended_at=attempt.ended_at,
    )
    row.error = error_json(attempt.error)
    row.logs = logs_json(attempt.logs) or None
    row.input = _kept(run, attempt, attempt.input, redact)
    row.output = _kept(run, attempt, attempt.output, redact)
    return row


def _kept(run: Run, attempt: StepAttempt, value: JSON, redact: Redact | None) -> JSON:
    if value is None:
        return None
    try:
        return to_keep(attempt.node, value, redact)
    except Exception:
        about = {"run_id": run.id, "tenant_id": run.tenant_id, "node_id": attempt.node}
        log.exception("the host's hook has failed to redact a value", extra=about)
        return REDACTED
