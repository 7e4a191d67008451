"""Ends an item or an iteration at once, whatever else is open in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any, TypeVar

from proflow_runtime.flow.bodies import Body, run_body
from proflow_runtime.flow.calling import Calls
from proflow_runtime.flow.frames import CancelScope
from proflow_runtime.flow.groups import MissedTarget, Stall
from proflow_runtime.flow.progress import Progress, recorded_executions
from proflow_runtime.flow.replay import step_id
from proflow_runtime.values import JSON
from proflow_runtime.values.results import Failed, ItemEnded, Left, Returned, Stopped

T = TypeVar("T")

_LEAVING = re.compile(r"/(returned|ended)(-\d+)?$")


def is_leaving(step: str) -> bool:
    """Return True if a step, by its id, stores the progress of an item or iteration that was left."""
    return _LEAVING.search(step) is not None


@dataclass(frozen=True, slots=True)
class LeftBy:
    """The node and the outcome that ended an item or an iteration.

    `limit` and `of` are those of the back edge, if a return has ended an iteration (`Again`).
    """

    node: str
    outcome: str
    limit: int = 0
    of: str | None = None


class Leaving(Calls):
    """Cancel scopes: items and iterations that may end while steps in them are open.

    Inngest still completes those steps. So the progress at that moment is stored in a step,
    `<node>/returned` or `<node>/ended`. Later replays run the scope again, with whatever has completed
    since, and are then set back to the stored progress.
    """

    async def _run_until_left(
        self,
        node: str,
        part: str,
        cancel_scope: CancelScope,
        execution: int,
        body: Body[T],
        ends: Callable[[Left], bool],
    ) -> T | LeftBy:
        """Run the body of a cancel scope.

        Args:
            node: The node of the scope: the header of a loop, or the container.
            part: What the step that stores the progress is called after the node.
            cancel_scope: The scope.
            execution: The number of the execution of the node, or of the iteration.
            body: What to run.
            ends: Returns True if an exception ends this scope, False if an enclosing one.

        Returns:
            The result of the body, or what has ended the scope.
        """
        left: Left | None = None

        async def memo() -> JSON:
            self._groups.executed = True
            if left is None:
                return None
            self._open.discard(step)
            if self._closer is not None:
                await self._closer(progress.open_approvals)
            back = left.back if isinstance(left, Returned) else None
            return {
                "node": left.node,
                "outcome": self.outcome_of(left.node),
                "limit": back.limit if back else 0,
                "of": back.of if back else None,
                **progress.recorded(),
            }

        async def memoised() -> Any:
            self._located(step)
            return await self._stepped(step, partial(self._step.run, step, self._kept, step, memo))

        with Progress(self) as progress:
            known: Any = None
            for step in self._leaving_steps(node, part, execution):
                if not self._is_memoised(step):
                    break
                if (known := await memoised()) is not None:
                    break
            if known is not None:
                cancel_scope.open_steps, cancel_scope.executions = (
                    frozenset(known["open"]),
                    recorded_executions(known),
                )
                self._groups.left.append(known["node"])
            depth = self._groups.depth
            try:
                return await run_body(body)
            except (Failed, Stopped, Left, Stall, MissedTarget) as error:
                if not isinstance(error, Left) or not ends(error):
                    if known is None and self._is_target(step):
                        # The step was planned, then overtaken; its request still needs an answer.
                        await self._groups.one(memoised)
                    raise
                left = error
            finally:
                if known is not None:
                    self._groups.left.pop()
                    cancel_scope.open_steps, cancel_scope.executions = frozenset(), None
            if isinstance(left, ItemEnded) and left.depth == depth:
                return LeftBy(left.node, left.outcome)  # nothing runs concurrently
            if known is None:
                known = await self._groups.one(memoised)
            items = self._frame.items
            await self._cancel_left(
                step_id(node, f"{part}-left", items=items, execution=execution), known
            )
            progress.restore(known)
            return LeftBy(known["node"], known["outcome"], known["limit"], known["of"])

    def _leaving_steps(self, node: str, part: str, execution: int) -> Iterator[str]:
        """The possible ids of the step that stores the progress; each is for when all before it were
        overtaken."""
        for number in count(1):
            name = part if number == 1 else f"{part}-{number}"
            yield step_id(node, name, items=self._frame.items, execution=execution)
