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

from proflow_runtime.passes import Pass, step_id
from proflow_runtime.results import Failed, Result, Stopped
from proflow_runtime.subprocess import LINEAGE
from proflow_runtime.values import JSON


@dataclass(frozen=True)
class Handed:
    """What a run hands to a part of it."""

    run_id: str
    event: inngest.Event
    steps: Mapping[str, dict[str, JSON]]

    def data(self) -> dict[str, JSON]:
        """As the data of an event."""
        event = {
            "name": self.event.name,
            "id": self.event.id,
            "ts": self.event.ts,
            "data": dict(self.event.data),
        }
        own = {"parent": self.run_id, "event": event, "steps": self.steps}
        tenant = self.event.data.get("tenant_id")
        return {LINEAGE: own, **({} if tenant is None else {"tenant_id": tenant})}

    @classmethod
    def of(cls, event: inngest.Event) -> Handed:
        """What the event that began a part holds. Raises `NonRetriableError`."""
        own: Any = event.data.get(LINEAGE)
        try:
            started = own["event"]
            return cls(
                own["parent"],
                inngest.Event(
                    name=started["name"],
                    id=started["id"],
                    ts=started["ts"],
                    data=started["data"],
                ),
                own["steps"],
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
    steps: dict[str, dict[str, JSON]] = field(default_factory=dict)
    outcomes: dict[str, Any] = field(default_factory=dict)

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
            own["steps"],
            own["outcomes"],
        )


class Parts(Pass):
    """How a run goes on in a part of it."""

    async def part(self, node: str, part: str, reads: Sequence[str] = ()) -> Result | None:
        """Runs the part that begins with `node`. None: it arrived; a result: it ended.

        `reads` are the nodes before it that it reads.
        """
        frame = self._frame
        steps = {name: frame.steps[name] for name in reads if name in frame.steps}
        handed = Handed(self.run_id, self._ctx.event, steps)
        call = partial(
            self._step.invoke_by_id,
            step_id(node, "part"),
            function_id=function_id(self.workflow.id, part),
            data=handed.data(),
        )
        try:
            back = HandedBack.of(await self._groups.one(call))
        except (inngest.StepError, inngest.NonRetriableError) as error:
            name = error.name if isinstance(error, inngest.StepError) else type(error).__name__
            raise Failed("", str(error), name) from None
        if back is None:
            raise Failed("", f"the part of the run that begins with `{node}` was cancelled")
        frame.steps.update(back.steps)
        frame.outcomes.update(back.outcomes)
        frame.ends += back.ends
        if back.stopped and back.ended is not None:
            raise Stopped(back.ended)
        return back.ended

    def handed_back(
        self, ended: Result | None, stopped: bool, keeps: Iterable[str]
    ) -> dict[str, JSON]:
        """What this part returns to the run it belongs to; it keeps the steps of some nodes."""
        root = self._root
        steps = {name: root.steps[name] for name in keeps if name in root.steps}
        return HandedBack(ended, stopped, root.ends, steps, self.outcomes).data()

    def take(self, handed: Handed) -> None:
        """This is a pass over a part."""
        self._root.steps.update(handed.steps)


def function_id(workflow: str, part: str) -> str:
    """The id of the Inngest function that runs a part."""
    return f"{workflow}-{part}"


def part_event(workflow: str, part: str) -> str:
    """The event that a part's function is registered for, since it needs one; nobody sends it."""
    return f"{workflow}/{part}"
