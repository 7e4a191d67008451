"""What happens outside of the fixtures' runs, made to happen in a world that has no virtual time."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any

from fixtures.cases import Case
from live.worlds import World
from parity.playing import compiled
from proflow_compiler.facts.needs import needs_of
from proflow_runtime.approvals.resolving import ApproverSpec, Context
from proflow_runtime.handlers.task import Handler, Task
from proflow_runtime.service.compiling import DesignCompiler
from proflow_runtime.simulation import Outside, Simulated, read_outside, simulate
from proflow_runtime.simulation.outside import Failure
from proflow_runtime.simulation.plausible import plausible_outputs
from proflow_runtime.simulation.turns import Turns
from proflow_runtime.store.models import Approval, Assignment, Run
from proflow_runtime.values import JSON
from proflow_schemas.definition import ApprovalOp, Definition, blocks, walk
from proflow_schemas.step_ids import node_of

BOSS = "ben"
"""Who decides everything."""
VOTES = {"approved": "approve", "rejected": "reject", "returned": "return"}
MOST_NODES = 2_000
DEFAULT_TIME = "2026-01-05T00:00:00+00:00"


class Boss:
    """A resolver that knows one person."""

    async def resolve(self, tenant_id: int, spec: ApproverSpec, context: Context) -> list[str]:
        return [BOSS]


@dataclass(frozen=True)
class Answered:
    """A wait that an event has ended."""

    workflow: str
    step: str
    event: dict[str, Any]

    @property
    def outcome(self) -> str:
        """Of an approval."""
        data = self.event["data"]
        if "outcome" in data:
            return str(data["outcome"])
        return "approved" if data.get("approved") else "rejected"


class Fixture:
    """One run of a fixture, as `proflow run` simulates it."""

    def __init__(self, case: Case) -> None:
        self.case = case
        found = compiled(case.location)
        # Among one tenant's designs, none is told apart by its tenant.
        code = case.outside.get("code", found.id).partition("-t")[0]
        self.definition = found.model_copy(update={"id": code}) if "code" in case.outside else found
        self.children = [compiled(path) for path in case.children]

    @cached_property
    def outside(self) -> Outside:
        world = self.case.world
        return read_outside(
            self.definition,
            data=json.dumps(world["data"]) if world.get("data") is not None else None,
            at=world.get("at") or DEFAULT_TIME,
            answers=world.get("answers", ()),
            sends=world.get("sends", ()),
            outputs=world.get("outputs", ()),
            failures=world.get("fails", ()),
        )

    @property
    def tenant_id(self) -> int:
        found = self.outside.data.get("tenant_id", 1)
        assert isinstance(found, int)
        return found

    async def simulated(self) -> Simulated:
        return await simulate(self.definition, self.outside, children=self.children)

    def designs(self) -> Iterator[tuple[str, Any]]:
        """What is to be published, by code: the subprocesses first."""
        for child, path in zip(self.children, self.case.children, strict=True):
            yield child.id, _drawn(path)
        yield self.definition.id, _drawn(self.case.location)


def _drawn(location: str) -> Any:
    """The canvas at `PATH` or `PATH#CODE`, as it is saved: one of an export's rows."""
    path, _, code = location.partition("#")
    with open(path, encoding="utf-8") as file:
        found = json.load(file)
    if not code:
        return found
    name, _, tenant = code.partition("-t")
    (row,) = [
        one
        for one in found
        if one["code"] == name and str(one["tenant_id"]) == (tenant or str(one["tenant_id"]))
    ]
    return row


async def left_out(fixture: Fixture, most: timedelta) -> str | None:
    """Why a run cannot be had in real time, if it cannot."""
    compiling = DesignCompiler(None, max_nodes=MOST_NODES)
    published: set[str] = set()
    for code, canvas in fixture.designs():
        found = await compiling.compile(canvas, code)
        designs = [] if found.design is None else [found.design]
        called = {one.name for one in needs_of(designs) if one.kind == "workflow"}
        if not called <= published:
            return "not published: PF321"
        published.add(code)
        if not found.ok:
            errors = sorted({one["code"] for one in found.diagnostics if one["level"] == "error"})
            return f"not published: {', '.join(errors)}"
    simulated = await fixture.simulated()
    definitions = [fixture.definition, *fixture.children]
    for told in answered(simulated, definitions):
        approval = _approvals(definitions, told.workflow).get(node_of(told.step) or "")
        if approval and told.outcome == "returned" and "return" not in approval.approval.allow:
            return f"`{approval.node}` cannot be returned"
    pause, where = by_itself(simulated)
    return f"{pause} pass by themselves, most at {where}" if pause > most else None


def by_itself(simulated: Simulated) -> tuple[timedelta, str]:
    """What a run waits for although nobody is asked: how long at most, and for what the longest."""
    pauses = [
        (pause, step.id or "")
        for run in simulated.engine.runs.values()
        for step in run.steps
        for pause in [
            step.at - step.started_at
            if (step.op, step.status) in (("Sleep", "completed"), ("WaitForEvent", "timed_out"))
            else step.next_at - step.at
            if step.status == "retrying" and step.next_at is not None
            else timedelta()
        ]
    ]
    longest = max(pauses, default=(timedelta(), ""))
    node = node_of(longest[1])
    where = "retries" if node is None else f"`{node}`"
    return sum((pause for pause, _ in pauses), timedelta()), where


def answered(simulated: Simulated, definitions: Sequence[Definition]) -> list[Answered]:
    """All events that have ended waits, in order."""
    found = [
        (step.at, one.id, step)
        for run in simulated.engine.runs.values()
        for one in definitions
        if run.function_id == f"proflow-{one.id}"
        for step in run.steps
        if (step.op, step.status) == ("WaitForEvent", "completed")
    ]
    return [
        Answered(workflow, step.id or "", step.output)
        for _, workflow, step in sorted(found, key=lambda one: one[0])
    ]


class Hands:
    """Does the work of all handlers, as a simulation does it."""

    def __init__(self, fixture: Fixture) -> None:
        self._own = fixture.definition.id
        definitions = [fixture.definition, *fixture.children]
        self._plausible = {one.id: plausible_outputs(one) for one in definitions}
        self._outputs = Turns(fixture.outside.outputs)
        self._failures = fixture.outside.failures

    async def __call__(self, task: Task, _: Handler) -> JSON:
        workflow = (await Run.get(id=task.run_id)).workflow
        name = None if workflow == self._own else workflow
        step = task.idempotency_key.removeprefix(f"{task.run_id}:")
        for failure in self._failures:
            if _is_of(failure, name, task.node_id, step) and task.attempt <= (
                failure.times or task.attempt
            ):
                raise RuntimeError(failure.message)
        run = None if name is None else task.run_id
        given = self._outputs.of(task.node_id, step, name, run)
        if given is not None:
            told: JSON = given.value
            return told
        found: JSON = self._plausible[workflow].get(task.node_id, {"simulated": True})
        return found


def _is_of(failure: Failure, workflow: str | None, node: str, step: str) -> bool:
    named = failure.step in (None, step)
    return (failure.workflow, failure.node) == (workflow, node) and named


async def answer(at: World, fixture: Fixture, told: Answered) -> None:
    """Let somebody do what ended a wait, once it waits, and see that it has ended."""
    step, tenant_id = told.step.removesuffix("/wait"), fixture.tenant_id
    node = node_of(told.step)
    assert node is not None
    approvals = _approvals([fixture.definition, *fixture.children], told.workflow)

    async def waiting() -> Any:
        found = await Run.get_or_none(tenant_id=tenant_id, workflow=told.workflow)
        if found is None:
            return None
        state = (await at.proflow.status(tenant_id, found.id))["nodes"][node]
        return (found.id, state) if state["status"] == "waiting" else None

    of, before = await at.patiently(waiting)
    data = told.event["data"]
    if node in approvals:

        async def asked() -> Any:
            return await Approval.get_or_none(run_id=of, step=step, status="open")

        await _vote(at, await at.patiently(asked), VOTES[told.outcome])
    else:
        await at.send(told.event["name"], **data)

    async def moved() -> bool:
        found = await at.proflow.status(tenant_id, of)
        return found["nodes"][node] != before or found["ended_at"] is not None

    await at.patiently(moved)


def _approvals(definitions: Sequence[Definition], workflow: str) -> dict[str, ApprovalOp]:
    """The approvals of a workflow, by node."""
    return {
        op.node: op
        for one in definitions
        if one.id == workflow
        for block in blocks(one)
        for op in walk(block)
        if isinstance(op, ApprovalOp)
    }


async def _vote(at: World, approval: Approval, act: str) -> None:
    """Let all who are asked vote alike, until it is decided; administrators, if nobody is asked."""
    while (await Approval.get(id=approval.id)).status == "open":
        assignment = await Assignment.filter(approval_id=approval.id, status="open").first()
        await at.proflow.approvals.act(
            *(
                approval.tenant_id,
                BOSS if assignment is None else assignment.user,
                approval.id,
                act,
            ),
            comment="so be it",
            permissions=("approvals:admin",) if assignment is None else (),
        )
