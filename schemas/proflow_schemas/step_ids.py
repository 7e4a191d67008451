"""Inngest step ids, derived from node ids alone and unique by construction.

`x` is the node's own step, `x/wait` and `x/notify` are parts of an approval, `x#k` the k-th
execution of a node in a loop (k ≥ 2), `x[i]` that for item i of a container, `x[i][j]` for item j of
a container inside it, `x[i]#k/wait` all of it. The characters that carry this meaning are
percent-escaped in node ids, so that no node id can imitate another's step.
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
    """What a step id says: which execution (from 1) of a node, for which items, which part of it."""

    node: str
    items: tuple[int, ...] = ()
    execution: int = 1
    part: str | None = None

    @property
    def whole(self) -> str:
        """The id without the part."""
        return step_id(self.node, items=self.items, execution=self.execution)


def escape(node: str) -> str:
    """A node id as it stands in step ids."""
    return _SPECIAL.sub(lambda m: f"%{ord(m[0]):02X}", node)


def step_id(
    node: str, part: str | None = None, *, items: Sequence[int] = (), execution: int = 1
) -> str:
    """The step id of a node, or of one part of it, for an item, at its k-th execution there."""
    own = escape(node) + "".join(f"[{index}]" for index in items)
    if execution > 1:
        own += f"#{execution}"
    return f"{own}/{part}" if part else own


def node_of(step: str) -> str:
    """The node id a step id was derived from."""
    own = re.split(r"[#\[/]", step, maxsplit=1)[0]
    return _ESCAPE.sub(lambda m: chr(int(m[1], 16)), own)


def choice_id(node: str, outcome: str) -> str:
    """The id of the choice among the edges by which a node goes on after an outcome."""
    return f"{node}?{outcome}"


def outcome_of_choice(choice: str, node: str) -> str:
    """The outcome that a `choice_id` of a node stands for."""
    return choice.removeprefix(f"{node}?")


def exit_id(header: str) -> str:
    """The id of which the exits of the loop that begins with `header` are outcomes."""
    return f"{header}?exit"


def loop_of(exits: str) -> str:
    """The first node of the loop whose exits are outcomes of an `exit_id`.

    Such an id may have got a question mark and a number that tell it from what is drawn.
    """
    return _EXITS.sub("", exits)


def parse(step: str) -> Step | None:
    """What a step id says; None if it is none."""
    found = _STEP.fullmatch(step)
    if found is None:
        return None
    items = tuple(int(index) for index in re.findall(r"[0-9]+", found[2]))
    return Step(node_of(found[1]), items, int(found[3] or 1), found[4])
