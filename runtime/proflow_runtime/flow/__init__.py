"""Internal: `Flow`, the primitives of a run, which generated code and the interpreter call.

Generated code and the interpreter call nothing else, so both issue the same steps in the same order.
"""

from __future__ import annotations

from typing import Any

from proflow_runtime.flow.choosing import Choices
from proflow_runtime.flow.containers import Containers
from proflow_runtime.flow.parts import Parts
from proflow_runtime.flow.waiting import Waits
from proflow_runtime.values.results import ItemEnded, Result, Stopped, combined


class Flow(Choices, Waits, Containers, Parts):
    """One replay of a run, with a method for every op of a definition.

    The body of a workflow is given a `Flow` and calls its methods. Inngest executes the run one
    request at a time; every request replays the body from the start, and a step that has been
    executed returns its stored output. Therefore a body must be deterministic, apart from what it
    does in steps.
    """

    def end(
        self, node: str, status: str = "completed", *, output: Any = None, terminate: bool = False
    ) -> Result:
        """End this path of the run, or of the item.

        Args:
            node: The id of the end.
            status: The status of the run if this end decides it.
            output: The result of the run or the item; lazy values in it are computed.
            terminate: End the whole run, whatever else is going on.

        Returns:
            The result, for the body to return.

        Raises:
            Stopped: If `terminate` is set. `Flow`'s caller handles it.
            Failed: If the output cannot be computed.
        """
        result = Result(node, status, self._output(node, output))
        self._frame.ends.append(result)
        self._record_status(node, "completed")
        if terminate:
            raise Stopped(result)
        return result

    def fail(self, node: str, status: str, *, output: Any = None) -> Result:
        """Fail the run, or the container that catches the failure.

        Args:
            node: The id of the end.
            status: The status of the end, for the message.
            output: What the message shows besides.

        Raises:
            Failed: Always.
        """
        found = self._output(node, output)
        detail = "" if found is None else f": {found}"
        self._fail(node, f"the run failed at `{node}` with `{status}`{detail}")

    def stop(self, node: str, outcome: str) -> Result:
        """End the run, or the item or iteration, because an outcome has no edge.

        Args:
            node: The node with the outcome.
            outcome: The outcome that is not drawn.

        Raises:
            ItemEnded: Inside a container: only the item or iteration ends.
            Stopped: Elsewhere: the run ends with the outcome as its status.
        """
        if self._frame.inner:
            raise ItemEnded(node, outcome, self._groups.depth)
        raise Stopped(Result(node, outcome))

    def concluded(self, returned: Result | None) -> Result:
        """Return the result of the run.

        Args:
            returned: What the body returned.

        Returns:
            The result of all ends that were reached, else what the body returned, else `completed`.
        """
        if self._root.ends:
            return combined(self._root.ends)
        return returned or Result("", "completed")
