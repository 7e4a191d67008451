"""Inngest step ids, which are derived from node ids alone and are unique.

For a node `x`:

- `x` is its own step
- `x/wait` and `x/notify` are parts of it, if it is an approval
- `x#k` is its k-th execution in a loop, for k ≥ 2
- `x[i]` is its step for item i of a container, `x[i][j]` for item j of a container inside of that one
- `x[i]#k/wait` combines all of these

The special characters are percent-escaped in node ids, so that no node id can be mistaken for the step of
another node.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_SPECIAL = re.compile(r"[#\[\]/%]")
_ESCAPE = re.compile(r"%(23|5B|5D|2F|25)")
_EXITS = re.compile(r"\?exit(\?+[0-9]*)?$")
_STEP = re.compile(r"([^#\[\]/]+)((?:\[[0-9]{1,9}\])*)(?:#([0-9]{1,9}))?(?:/([^/]*))?")


@dataclass(frozen=True, slots=True)
class Step:
    """The components of a step id.

    Attributes:
        node: The id of the node.
        items: The index of the item in each enclosing container, from the outside in.
        execution: The number of the execution, from 1.
        part: The part of the node, such as `wait`; None for the node's own step.
    """

    node: str
    items: tuple[int, ...] = ()
    execution: int = 1
    part: str | None = None

    @property
    def whole(self) -> str:
        """The step id without the part."""
        return step_id(self.node, items=self.items, execution=self.execution)


def escape(node: str) -> str:
    """Return a node id as it is written in step ids, with special characters escaped."""
    return _SPECIAL.sub(lambda m: f"%{ord(m[0]):02X}", node)


def step_id(
    node: str, part: str | None = None, *, items: Sequence[int] = (), execution: int = 1
) -> str:
    """Return the step id of a node.

    Args:
        node: The id of the node.
        part: A part of the node, such as `wait`.
        items: The index of the item in each enclosing container, from the outside in.
        execution: The number of the execution for this item, from 1.
    """
    own = escape(node) + "".join(f"[{index}]" for index in items)
    if execution > 1:
        own += f"#{execution}"
    return f"{own}/{part}" if part else own


def node_of(step: str) -> str:
    """Return the node id that a step id was derived from."""
    own = re.split(r"[#\[/]", step, maxsplit=1)[0]
    return _ESCAPE.sub(lambda m: chr(int(m[1], 16)), own)


def choice_id(node: str, outcome: str) -> str:
    """Return the id of the choice among the edges with rules that leave a node by one outcome."""
    return f"{node}?{outcome}"


def outcome_of_choice(choice: str, node: str) -> str:
    """Return the outcome that a `choice_id` of a node was made from."""
    return choice.removeprefix(f"{node}?")


def exit_id(header: str) -> str:
    """Return the id whose outcomes are the exits of the loop with the first node `header`."""
    return f"{header}?exit"


def loop_of(exits: str) -> str:
    """Return the first node of the loop that an `exit_id` was made from.

    The id may end in a question mark and a number, which distinguish it from the ids of drawn nodes.
    """
    return _EXITS.sub("", exits)


def parse(step: str) -> Step | None:
    """Return the components of a step id; None if the text is not a step id."""
    found = _STEP.fullmatch(step)
    if found is None:
        return None
    items = tuple(int(index) for index in re.findall(r"[0-9]+", found[2]))
    return Step(node_of(found[1]), items, int(found[3] or 1), found[4])
