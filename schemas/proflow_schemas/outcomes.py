"""The outcomes that the nodes of a definition can take, as its branches refer to them."""

from collections.abc import Iterable, Sequence
from typing import Any

from proflow_schemas.definition import (
    ApprovalOp,
    ChooseOp,
    ForeachOp,
    InvokeOp,
    LeaveOp,
    LoopOp,
    TaskOp,
    WaitOp,
    walk,
)

APPROVAL = ("approved", "rejected", "timeout", "returned")
WAIT = ("received", "timeout")
CAUGHT = ("default", "error")


class Outcomes:
    """The outcomes of all nodes of a program, as far as branches can depend on them.

    Args:
        blocks: The outermost blocks of the program.
    """

    def __init__(self, blocks: Iterable[Sequence[Any]]) -> None:
        self._by_node: dict[str, list[str]] = {}
        self.exits: set[str] = set()
        """The ids whose outcomes are exits of loops (`exit_id`)."""
        self.caught: set[str] = set()
        """The nodes whose outcomes are `default` and `error`: a failure does not fail the run."""
        for block in blocks:
            for op in walk(list(block)):
                self._add(op)

    def of(self, node: str) -> Sequence[str]:
        """Return all outcomes that a node can take; empty if they are not known."""
        return self._by_node.get(node, ())

    def _add(self, op: Any) -> None:
        match op:
            case ApprovalOp():
                self._by_node[op.node] = list(APPROVAL)
            case WaitOp():
                self._by_node[op.node] = list(WAIT)
            case ChooseOp():
                rules = [rule.outcome for rule in op.rules]
                self._by_node[op.node] = rules + ([] if op.default is None else [op.default])
            case TaskOp() | InvokeOp() | ForeachOp() | LoopOp() if op.catch:
                self._by_node[op.node] = list(CAUGHT)
                self.caught.add(op.node)
            case LeaveOp():
                self.exits.add(op.node)
                exits = self._by_node.setdefault(op.node, [])
                if op.exit not in exits:
                    exits.append(op.exit)
            case _:
                pass
