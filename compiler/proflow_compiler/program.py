"""The structured program: what the graph becomes before it is lowered to ops.

Blocks are lists of statements. A block *arrives* (falls through to what follows it) or *ends*.
Every node of the graph stands in exactly one block, as one `Step`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(slots=True)
class Step:
    """Runs a node; a node without a way on ends its block."""

    node: str


@dataclass(slots=True)
class Stop:
    """The invisible end that an undrawn outcome of `node` leads to."""

    node: str


@dataclass(slots=True)
class Call:
    """Goes on with a function; always the last statement of its block."""

    function: str


@dataclass(slots=True)
class Case:
    """What the outcomes have in common: one block."""

    outcomes: list[str]
    block: "Block" = field(default_factory=list)


@dataclass(slots=True)
class Branch:
    """Goes on by the outcome of `node`; an outcome without a case arrives at once."""

    node: str
    cases: list[Case]


@dataclass(slots=True)
class Arm:
    """One of the blocks that a fork runs at once; named by the node it begins with."""

    name: str
    block: "Block" = field(default_factory=list)


@dataclass(slots=True)
class Fork:
    """Runs its arms at once, out of `node`; arrives when all are over and one has arrived."""

    node: str
    arms: list[Arm]


Statement = Step | Stop | Call | Branch | Fork
Block = list[Statement]


@dataclass(slots=True)
class Program:
    """The main block, and the functions by the node they begin with, callers first."""

    main: Block
    functions: dict[str, Block]


def statements(block: Block) -> Iterator[Statement]:
    """Every statement of a block, nested ones included, in reading order."""
    stack: list[Iterator[Statement]] = [iter(block)]
    while stack:
        statement = next(stack[-1], None)
        if statement is None:
            stack.pop()
            continue
        yield statement
        if isinstance(statement, Branch):
            stack.extend(iter(case.block) for case in reversed(statement.cases))
        elif isinstance(statement, Fork):
            stack.extend(iter(arm.block) for arm in reversed(statement.arms))
