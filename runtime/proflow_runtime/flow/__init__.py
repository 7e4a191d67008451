"""Internal: the primitives of a run: what generated code and the interpreter call, and nothing else."""

from __future__ import annotations

from typing import Any

from proflow_runtime.flow.choosing import Choices
from proflow_runtime.flow.containers import Containers
from proflow_runtime.flow.parts import Parts
from proflow_runtime.flow.waiting import Waits
from proflow_runtime.values.results import ItemEnded, Result, Stopped, combined


class Flow(Choices, Waits, Containers, Parts):
    """One pass over a run, with a method for every op."""

    def end(
        self, node: str, status: str = "completed", *, output: Any = None, terminate: bool = False
    ) -> Result:
        """A path of the run, or of an item, ends here; with `terminate` the whole run does."""
        result = Result(node, status, self._output(node, output))
        self._frame.ends.append(result)
        self._saw(node, "completed")
        if terminate:
            raise Stopped(result)
        return result

    def fail(self, node: str, status: str, *, output: Any = None) -> Result:
        """The run fails here."""
        found = self._output(node, output)
        detail = "" if found is None else f": {found}"
        self._fail(node, f"the run failed at `{node}` with `{status}`{detail}")

    def stop(self, node: str, outcome: str) -> Result:
        """The run, or the item, ends with an outcome that leads nowhere."""
        if self._frame.inner:
            raise ItemEnded(node, outcome, self._groups.depth)
        raise Stopped(Result(node, outcome))

    def concluded(self, returned: Result | None) -> Result:
        """The run's result, when the body has returned."""
        if self._root.ends:
            return combined(self._root.ends)
        return returned or Result("", "completed")
