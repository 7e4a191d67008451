"""How an item or an iteration is over at once, whatever else is open in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any, TypeVar

from proflow_runtime.flow.bodies import Body, run_body
from proflow_runtime.flow.calling import Calls
from proflow_runtime.flow.frames import Stretch
from proflow_runtime.flow.groups import MissedTarget, Stall
from proflow_runtime.flow.passes import step_id
from proflow_runtime.flow.progress import Progress, executed
from proflow_runtime.values import JSON
from proflow_runtime.values.results import Failed, ItemEnded, Left, Returned, Stopped

T = TypeVar("T")

_LEAVING = re.compile(r"/(returned|ended)(-\d+)?$")


def is_leaving(step: str) -> bool:
    """Whether a step, by its id, is one that keeps what was known as something was left."""
    return _LEAVING.search(step) is not None


@dataclass(frozen=True, slots=True)
class LeftBy:
    """What has ended an item or an iteration: a node, and its outcome.

    `limit` and `of` are those of the back edge that a return takes.
    """

    node: str
    outcome: str
    limit: int = 0
    of: str | None = None


class Leaving(Calls):
    """What runs until something ends it.

    Inngest goes on behind the run's back with what is open then. So what the run knew at that moment
    is memoised, as a step `<node>/returned` or `<node>/ended`. Later passes come to that moment
    again, whatever was answered since, and are taken back to it.
    """

    async def _leavable(
        self,
        node: str,
        part: str,
        stretch: Stretch,
        execution: int,
        body: Body[T],
        ends: Callable[[Left], bool],
    ) -> T | LeftBy:
        """What a body comes to, or what has ended it at once.

        `ends`: whether what was raised ends this stretch, and not one around it.
        """
        left: Left | None = None

        async def memo() -> JSON:
            self._groups.executed = True
            if left is None:
                return None
            self._open.discard(step)
            if self._closer is not None:
                await self._closer(progress.asked)
            back = left.back if isinstance(left, Returned) else None
            return {
                "node": left.node,
                "outcome": self.outcome_of(left.node),
                "limit": back.limit if back else 0,
                "of": back.of if back else None,
                **progress.told(),
            }

        async def memoised() -> Any:
            self._located(step)
            return await self._stepped(step, partial(self._step.run, step, memo))

        with Progress(self) as progress:
            known: Any = None
            for step in self._leaving(node, part, execution):
                if not self._is_memoised(step):
                    break
                if (known := await memoised()) is not None:
                    break
            if known is not None:
                stretch.left, stretch.begun = frozenset(known["open"]), executed(known)
                self._groups.left.append(known["node"])
            depth = self._groups.depth
            try:
                return await run_body(body)
            except (Failed, Stopped, Left, Stall, MissedTarget) as error:
                if not isinstance(error, Left) or not ends(error):
                    if known is None and self._is_target(step):
                        # It was planned, and something else came first: it has to be answered.
                        await self._groups.one(memoised)
                    raise
                left = error
            finally:
                if known is not None:
                    self._groups.left.pop()
                    stretch.left, stretch.begun = frozenset(), None
            if isinstance(left, ItemEnded) and left.depth == depth:
                return LeftBy(left.node, left.outcome)  # nothing else was at work
            if known is None:
                known = await self._groups.one(memoised)
            items = self._frame.items
            await self._cancel_left(
                step_id(node, f"{part}-left", items=items, execution=execution), known
            )
            progress.restore(known)
            return LeftBy(known["node"], known["outcome"], known["limit"], known["of"])

    def _leaving(self, node: str, part: str, execution: int) -> Iterator[str]:
        """The ids of the step that ends something: the next one where it was overtaken."""
        for number in count(1):
            name = part if number == 1 else f"{part}-{number}"
            yield step_id(node, name, items=self._frame.items, execution=execution)
