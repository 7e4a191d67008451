"""Writes the node states that replays of a run have observed to the database.

Only changes are written, in one transaction for each request of Inngest.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime

from proflow_schemas.node_types import type_of
from tortoise.backends.base.client import BaseDBAsyncClient

from proflow_runtime.dispatch.callees import INVOKED
from proflow_runtime.service.canvases import canvas_of
from proflow_runtime.service.step_records import StepRecords, Taken
from proflow_runtime.status import OPEN, ItemKey, NodeState, Snapshot, merged
from proflow_runtime.status.redaction import Redact
from proflow_runtime.store import outbox, runs
from proflow_runtime.store.database import transaction
from proflow_runtime.store.models.runs import NodeChange, NodeStateRow, Run
from proflow_runtime.store.outages import through_outages
from proflow_runtime.store.outbox import Effect
from proflow_runtime.store.runs import announce
from proflow_runtime.values import JSON

ROWS = 500
"""How many rows are read at once."""
KEPT = 2048
"""How many runs a process remembers."""
OVER = ("completed", "failed", "skipped", "cancelled")
WRITTEN = (
    "status",
    "outcome",
    "attempts",
    "error",
    "started_at",
    "ended_at",
    "round",
    "view",
    "notes",
)


@dataclass
class _Remembered:
    """What this process knows of a run.

    Attributes:
        revision: The run's revision after the last write of this process.
        states: The node states that are in the database as of that revision.
        unwritten: The snapshots that have not been written yet.
        resumed: What the run has gone on from, as far as the outbox knows.
        called: The runs that it has called, as far as the outbox knows.
        writing: The lock for writing; its holder also writes the snapshots of those who wait.
    """

    revision: int = -1
    states: dict[ItemKey, NodeState] = field(default_factory=dict)
    unwritten: list[Snapshot] = field(default_factory=list)
    resumed: set[str] = field(default_factory=set)
    called: set[str] = field(default_factory=set)
    writing: asyncio.Lock = field(default_factory=asyncio.Lock)
    steps: StepRecords = field(default_factory=StepRecords)

    def clear(self) -> None:
        """Drop what has not been written."""
        self.unwritten.clear()
        self.steps.clear()


class Recorder:
    """Records the node states of the service's runs; called with a snapshot after each replay.

    Runs without a row in the table, which are those of compiled modules, are ignored. The snapshot
    of a run's last replay is written by `finish`, together with the end of the run.
    """

    def __init__(self, moved: Callable[[str], None], redact: Redact | None = None) -> None:
        """Create the recorder.

        Args:
            moved: Called with the id of a run after a change of it was committed.
            redact: Redacts the inputs and outputs of steps, after the service has.
        """
        self._moved, self._redact = moved, redact
        self._remembered: OrderedDict[str, _Remembered] = OrderedDict()

    async def __call__(self, snapshot: Snapshot) -> None:
        if snapshot.tenant_id is None:
            return
        remembered = self._remember(snapshot.run_id)
        remembered.unwritten.append(snapshot)
        remembered.steps.observe(snapshot)
        if snapshot.status == "completed":
            return
        async with remembered.writing:
            if not any(one is snapshot for one in remembered.unwritten):
                return  # another replay has written it
            await through_outages(self._write, snapshot.tenant_id, snapshot.run_id, remembered)

    async def _write(self, tenant_id: int, run_id: str, remembered: _Remembered) -> None:
        revision = await _revision(tenant_id, run_id)
        if revision is None:
            remembered.clear()
            return
        nothing = revision == remembered.revision and not _has_changes(remembered)
        if nothing and not remembered.steps.has_news:
            remembered.clear()
            return
        with remembered.steps.taken() as steps:
            is_open = await self._written(tenant_id, run_id, remembered, steps)
        if is_open:
            self._moved(run_id)
        else:
            remembered.unwritten.clear()

    async def _written(
        self, tenant_id: int, run_id: str, remembered: _Remembered, steps: Taken
    ) -> bool:
        """Write in one transaction; returns False if the run has ended."""
        async with transaction() as client:
            run = await Run.select_for_update().get_or_none(id=run_id, tenant_id=tenant_id)
            if run is None:
                return False
            # A step may end after its run has failed. It counts if the run goes on later.
            await steps.write(run, self._redact)
            if run.status not in OPEN:
                return False
            await _record(client, run, remembered)
        return True

    async def finish(self, tenant_id: int, run_id: str, answer: JSON, attempt: int = 1) -> None:
        """Write the states of the last replay and the completion of the run, in one transaction.

        Args:
            tenant_id: The tenant that owns the run.
            run_id: The run.
            answer: The return value of the run's function.
            attempt: The number of the attempt that has completed.
        """
        remembered = self._remember(run_id)
        async with remembered.writing:
            with remembered.steps.taken() as steps:
                async with transaction() as client:
                    run = await _locked(tenant_id, run_id)
                    if run is not None:
                        await steps.write(run, self._redact, results=False)
                        await _record(client, run, remembered)
                    await runs.finish(
                        tenant_id, run_id, "completed", answer=answer, attempt=attempt
                    )
        self._remembered.pop(run_id, None)
        self._moved(run_id)

    def _remember(self, run_id: str) -> _Remembered:
        found = self._remembered.setdefault(run_id, _Remembered())
        self._remembered.move_to_end(run_id)
        while len(self._remembered) > KEPT:
            self._remembered.popitem(last=False)
        return found


def _states_in(snapshot: Snapshot) -> dict[ItemKey, NodeState]:
    return {(node, ()): state for node, state in snapshot.nodes.items()} | dict(snapshot.items)


def _has_changes(remembered: _Remembered) -> bool:
    return bool(_resumed(remembered) or _called(remembered)) or any(
        remembered.states.get(key) != state
        for snapshot in remembered.unwritten
        for key, state in _states_in(snapshot).items()
    )


def _resumed(remembered: _Remembered) -> set[str]:
    """The approvals and calls that unwritten snapshots have gone on from."""
    found = {step for one in remembered.unwritten for step in one.resumed}
    return found - remembered.resumed


def _called(remembered: _Remembered) -> set[str]:
    """The runs that unwritten snapshots have called."""
    return {run for one in remembered.unwritten for run in one.called} - remembered.called


async def _revision(tenant_id: int, run_id: str) -> int | None:
    found = await Run.get_or_none(id=run_id, tenant_id=tenant_id).only("revision")
    return None if found is None else found.revision


async def _locked(tenant_id: int, run_id: str) -> Run | None:
    open_runs = Run.select_for_update().filter(status__in=OPEN)
    return await open_runs.get_or_none(id=run_id, tenant_id=tenant_id)


async def _record(client: BaseDBAsyncClient, run: Run, remembered: _Remembered) -> None:
    """Write the changes, in the transaction that holds the run's lock."""
    if run.revision != remembered.revision:
        remembered.states = {}  # another process has written meanwhile
    taken = len(remembered.unwritten)
    pending = [one for one in remembered.unwritten if one.attempt == run.attempt]
    for child in (called := _called(remembered)):
        effect = Effect("begun", child, run.id)
        await outbox.watch(client, f"call:{child}", run.tenant_id, INVOKED, effect)
    if resumed := _resumed(remembered):
        await outbox.mark_seen(run.tenant_id, run.id, ["resumed"], steps=resumed)
    news = [
        {
            key: state
            for key, state in _states_in(one).items()
            if remembered.states.get(key) != state
        }
        for one in pending
    ]
    rows = await _rows(run, {key for found in news for key in found})
    changed: dict[ItemKey, NodeStateRow] = {}
    for snapshot, found in zip(pending, news, strict=True):
        for key, state in found.items():
            row = _merged(run, rows.get(key), key, state, snapshot)
            if row is not None:
                rows[key] = changed[key] = row
    if changed:
        await NodeStateRow.bulk_create(
            changed.values(), on_conflict=("run_id", "node", "items"), update_fields=WRITTEN
        )
        run.revision += 1
        run.status = await _status_of(run)
        await run.save(update_fields=["revision", "status"])
        at = max(one.at for one in pending)
        await NodeChange.bulk_create([_change(row, run, at) for row in changed.values()])
        await announce(run.id)
    for snapshot in pending:
        remembered.states.update(_states_in(snapshot))
    remembered.resumed |= resumed
    remembered.called |= called
    remembered.revision = run.revision
    del remembered.unwritten[:taken]


async def _rows(run: Run, keys: Collection[ItemKey]) -> dict[ItemKey, NodeStateRow]:
    """Read the rows of these nodes and items."""
    items: dict[str, list[str]] = {}
    for node, path in keys:
        items.setdefault(node, []).append(items_text(path))
    found: dict[ItemKey, NodeStateRow] = {}
    for node, texts in items.items():
        for start in range(0, len(texts), ROWS):
            of_node = NodeStateRow.filter(run_id=run.id, node=node)
            async for row in of_node.filter(items__in=texts[start : start + ROWS]):
                found[row.node, path_of(row.items)] = row
    return found


def _merged(
    run: Run, row: NodeStateRow | None, key: ItemKey, observed: NodeState, snapshot: Snapshot
) -> NodeStateRow | None:
    """Merge an observed state into a row; returns None if there is nothing to write."""
    known = None if row is None else state_of(row)
    view = 0 if row is None else row.view
    same_round = known is not None and observed.round == known.round
    if same_round and snapshot.view < view and observed.status not in OVER:
        return None  # a later replay, which knew more of the run, has written the row already
    found = merged(known, observed, snapshot.at)
    if found == known:
        return None
    written = NodeStateRow(
        tenant_id=run.tenant_id, run_id=run.id, node=key[0], items=items_text(key[1])
    )
    written.status, written.outcome, written.attempts = found.status, found.outcome, found.attempts
    written.error = None if found.error is None else dict(found.error)
    written.started_at, written.ended_at = found.started_at, found.ended_at
    written.round, written.view = found.round, max(snapshot.view, view)
    written.notes = list(found.notes) or None
    return written


async def _status_of(run: Run) -> str:
    """Return `waiting` if no node is running and some wait for a time or an event."""
    canvas = await canvas_of(run.digest)
    inner = {node.id for node in canvas.nodes if type_of(node.type).encloses} if canvas else set()
    opened = NodeStateRow.filter(run_id=run.id).exclude(node__in=inner)
    if await opened.filter(status="running").exists():
        return "running"
    return "waiting" if await opened.filter(status="waiting").exists() else "running"


def state_of(row: NodeStateRow) -> NodeState:
    """Convert a row to a node state."""
    return NodeState(
        row.status,  # type: ignore[arg-type]  # as it was written
        row.outcome,
        row.attempts,
        row.error,
        row.started_at,
        row.ended_at,
        row.round,
        tuple(row.notes or ()),
    )


def items_text(path: tuple[int, ...]) -> str:
    """Convert the path of an item to the text that `path_of` reads."""
    return ",".join(map(str, path))


def path_of(items: str) -> tuple[int, ...]:
    """`0,3`: the fourth item inside the first."""
    return tuple(int(one) for one in items.split(",")) if items else ()


def _change(row: NodeStateRow, run: Run, at: datetime) -> NodeChange:
    change = NodeChange(
        tenant_id=run.tenant_id,
        run_id=run.id,
        revision=run.revision,
        at=at,
        node=row.node,
        items=row.items,
        round=row.round,
        status=row.status,
        attempts=row.attempts,
    )
    change.outcome, change.error, change.notes = row.outcome, row.error, row.notes
    return change
