"""Parts of a long program: functions of their own that one run invokes one after the other.

A part goes on with the scope of the run it belongs to. It is given that run's id, the event that
started it, and the steps it reads; it hands back what it came to, and those of its steps that are
read elsewhere. Of what happens in it, approval ids, idempotency keys and states are the run's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import inngest
from proflow_schemas.step_ids import loop_of

from proflow_runtime.flow.frames import Frame, Outcome
from proflow_runtime.flow.passes import Pass, step_id
from proflow_runtime.flow.subprocess import LINEAGE
from proflow_runtime.values import JSON
from proflow_runtime.values.results import Failed, Result, Stopped


@dataclass(frozen=True)
class Known:
    """What is known of some nodes: what can be read of them, and by which outcomes and exits they
    were left."""

    steps: dict[str, dict[str, JSON]] = field(default_factory=dict)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    exits: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, frame: Frame, nodes: Iterable[str]) -> Known:
        names = list(nodes)
        return cls(
            {name: frame.steps[name] for name in names if name in frame.steps},
            {name: frame.outcomes[name] for name in names if name in frame.outcomes},
            {loop: frame.exits[loop] for loop in map(loop_of, names) if loop in frame.exits},
        )

    def put_into(self, frame: Frame) -> None:
        for node, step in self.steps.items():
            frame.steps[node] = step
        for node, outcome in self.outcomes.items():
            frame.outcomes[node] = outcome
        frame.exits.update(self.exits)


@dataclass(frozen=True)
class Handed:
    """What a run hands to a part of it."""

    run_id: str
    inngest_run_id: str
    event: inngest.Event
    known: Known
    timezone: str | None = None
    """The run's, where it was begun by a version that hands it on."""

    def data(self, callee: Mapping[str, JSON]) -> dict[str, JSON]:
        """As the data of an event; `callee`: what the part's function has to know besides."""
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
        """What the event that began a part holds. Raises `NonRetriableError`."""
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
    """What a part came to: `ended` if it did not arrive; `stopped` if the whole run is over."""

    ended: Result | None = None
    stopped: bool = False
    ends: list[Result] = field(default_factory=list)
    known: Known = field(default_factory=Known)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    """What the run's result says of all nodes."""

    def data(self) -> dict[str, JSON]:
        """As what the part's function returns."""
        return {LINEAGE: asdict(self)}

    @classmethod
    def of(cls, returned: Any) -> HandedBack | None:
        """What a part's function returned; None if that is something else: it was cancelled."""
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


class Parts(Pass):
    """How a run goes on in a part of it."""

    async def part(self, node: str, part: str, reads: Sequence[str] = ()) -> Result | None:
        """Runs the part that begins with `node`. None: it arrived; a result: it ended.

        `reads` are the nodes before it that it reads.
        """
        frame = self._frame
        self.planned += 1
        known = Known.of(frame, reads)
        handed = Handed(self.run_id, self.inngest_run_id, self._ctx.event, known, self.timezone)
        callee = self._callees.part(self.workflow.id, part)
        call = partial(
            self._step.invoke_by_id,
            step_id(node, part),
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
        """What this part returns to the run it belongs to; it keeps the steps of some nodes."""
        root = self._root
        known = Known.of(root, keeps)
        return HandedBack(ended, stopped, root.ends, known, self.outcomes).data()

    def take(self, handed: Handed) -> None:
        """This is a pass over a part."""
        handed.known.put_into(self._root)
        self.timezone = handed.timezone or self.timezone


def function_id(workflow: str, part: str) -> str:
    """The id of the Inngest function that runs a part."""
    return f"{workflow}-{part}"


def part_event(workflow: str, part: str) -> str:
    """The event that a part's function is registered for, since it needs one; nobody sends it."""
    return f"{workflow}/{part}"
