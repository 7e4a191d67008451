"""Parts of a long program: Inngest functions that the run invokes one after the other.

A part continues with the context of its run: it receives the run's id, the event that started the
run, and the outputs it reads. It returns its result, and those of its outputs that are read elsewhere.
Approval ids, idempotency keys and node states in a part are those of the run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import inngest
from proflow_schemas.step_ids import loop_of

from proflow_runtime.flow.frames import Frame, Outcome
from proflow_runtime.flow.replay import Replay, step_id
from proflow_runtime.flow.subprocess import LINEAGE
from proflow_runtime.values import JSON
from proflow_runtime.values.results import Failed, Result, Stopped


@dataclass(frozen=True)
class Known:
    """The results of some nodes: what expressions read of them, their outcomes, the exits of loops."""

    steps: dict[str, dict[str, JSON]] = field(default_factory=dict)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    exits: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, frame: Frame, nodes: Iterable[str]) -> Known:
        """Collect the results of nodes from a frame."""
        names = list(nodes)
        return cls(
            {name: frame.steps[name] for name in names if name in frame.steps},
            {name: frame.outcomes[name] for name in names if name in frame.outcomes},
            {loop: frame.exits[loop] for loop in map(loop_of, names) if loop in frame.exits},
        )

    def put_into(self, frame: Frame) -> None:
        """Add these results to a frame."""
        for node, step in self.steps.items():
            frame.steps[node] = step
        for node, outcome in self.outcomes.items():
            frame.outcomes[node] = outcome
        frame.exits.update(self.exits)


@dataclass(frozen=True)
class Handed:
    """What a run passes to a part.

    Attributes:
        run_id: The id of the run.
        inngest_run_id: Inngest's id of the run.
        event: The event that started the run.
        known: The results that the part reads.
        timezone: The time zone of the run; None if an earlier version began the run.
    """

    run_id: str
    inngest_run_id: str
    event: inngest.Event
    known: Known
    timezone: str | None = None

    def data(self, callee: Mapping[str, JSON]) -> dict[str, JSON]:
        """Return the data of the event that starts the part; `callee` is additional data for it."""
        event = {
            "name": self.event.name,
            "id": self.event.id,
            "ts": self.event.ts,
            "data": dict(self.event.data),
        }
        lineage = {"run": self.run_id, "parent": self.inngest_run_id}
        zone = {"timezone": self.timezone}
        own = {**callee, **lineage, **zone, "event": event, **asdict(self.known)}
        tenant = self.event.data.get("tenant_id")
        return {LINEAGE: own, **({} if tenant is None else {"tenant_id": tenant})}

    @classmethod
    def of(cls, event: inngest.Event) -> Handed:
        """Read the event that started a part.

        Raises:
            NonRetriableError: If the event was not sent by a run.
        """
        own: Any = event.data.get(LINEAGE)
        try:
            started = own["event"]
            return cls(
                own["run"],
                own["parent"],
                inngest.Event(
                    name=started["name"],
                    id=started["id"],
                    ts=started["ts"],
                    data=started["data"],
                ),
                Known(own["steps"], own["outcomes"], own["exits"]),
                own.get("timezone"),
            )
        except (KeyError, TypeError):
            message = "this function is a part of a workflow, which starts it"
            raise inngest.NonRetriableError(message) from None


@dataclass(frozen=True)
class HandedBack:
    """The result of a part.

    Attributes:
        ended: The result if the run does not continue behind the part.
        stopped: Whether the whole run has ended.
        ends: The ends that the part reached.
        known: The results that are read elsewhere.
        outcomes: The outcomes of the part's nodes, for the result of the run.
    """

    ended: Result | None = None
    stopped: bool = False
    ends: list[Result] = field(default_factory=list)
    known: Known = field(default_factory=Known)
    outcomes: dict[str, Outcome] = field(default_factory=dict)

    def data(self) -> dict[str, JSON]:
        """Return the result as the return value of the part's function."""
        return {LINEAGE: asdict(self)}

    @classmethod
    def of(cls, returned: Any) -> HandedBack | None:
        """Read the return value of a part's function; None if it is no such result (cancelled)."""
        if not isinstance(returned, dict) or returned.keys() != {LINEAGE}:
            return None
        own = returned[LINEAGE]
        ended = own["ended"]
        return cls(
            None if ended is None else Result(**ended),
            own["stopped"],
            [Result(**one) for one in own["ends"]],
            Known(**own["known"]),
            own["outcomes"],
        )


class Parts(Replay):
    """The primitive that runs a part, and what a part itself needs."""

    async def part(self, node: str, part: str, reads: Sequence[str] = ()) -> Result | None:
        """Run a part of the workflow in a function of its own.

        Args:
            node: The node that the part begins with.
            part: The name of the part.
            reads: The earlier nodes whose results the part reads.

        Returns:
            None if the run continues behind the part; otherwise the result.

        Raises:
            Failed: If the part has failed or was cancelled.
            Stopped: If the part has ended the whole run.
        """
        frame = self._frame
        self.planned += 1
        step = step_id(node, part)
        earlier = self.results.earlier(step)
        if earlier is not None and (earlier.error or HandedBack.of(earlier.data) is None):
            self.results.forget(step)
        known = Known.of(frame, reads)
        handed = Handed(self.run_id, self.inngest_run_id, self._ctx.event, known, self.timezone)
        callee = self._callees.part(self.workflow.id, part)
        call = partial(
            self._step.invoke_by_id,
            step,
            function_id=callee.function_id,
            data=handed.data(callee.own),
        )
        try:
            back = HandedBack.of(await self._groups.one(call))
        except (inngest.StepError, inngest.NonRetriableError) as error:
            name = error.name if isinstance(error, inngest.StepError) else type(error).__name__
            raise Failed("", str(error), name) from None
        if back is None:
            raise Failed("", f"the part of the run that begins with `{node}` was cancelled")
        self._holds(node, asdict(back.known))
        back.known.put_into(frame)
        for name, outcome in back.outcomes.items():
            self._inner_outcomes[name] = outcome
        frame.ends += back.ends
        if back.stopped and back.ended is not None:
            raise Stopped(back.ended)
        return back.ended

    def handed_back(
        self, ended: Result | None, stopped: bool, keeps: Iterable[str]
    ) -> dict[str, JSON]:
        """Return what the function of this part returns to its run.

        Args:
            ended: The result if the run does not continue behind the part.
            stopped: Whether the whole run has ended.
            keeps: The nodes whose results are read elsewhere.
        """
        root = self._root
        known = Known.of(root, keeps)
        return HandedBack(ended, stopped, root.ends, known, self.outcomes).data()

    def take(self, handed: Handed) -> None:
        """Make this the replay of a part, with what its run has passed to it."""
        handed.known.put_into(self._root)
        self.timezone = handed.timezone or self.timezone


def function_id(workflow: str, part: str) -> str:
    """Return the id of the Inngest function that runs a part."""
    return f"{workflow}-{part}"


def part_event(workflow: str, part: str) -> str:
    """Return the event that triggers a part's function; Inngest requires one, but it is never sent."""
    return f"{workflow}/{part}"
