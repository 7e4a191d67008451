"""The structured program: what the graph becomes before it is lowered to ops.

Blocks are lists of statements. A block *arrives* (falls through to what follows it) or *ends*.
Every node of the graph stands in exactly one block.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from proflow_schemas.step_ids import node_of


@dataclass(slots=True)
class Step:
    """Runs a node; a node without a way on ends its block.

    `trigger` is a node that runs together with it, once it waits for what that causes.
    """

    node: str
    trigger: str | None = None


@dataclass(slots=True)
class Container:
    """Runs a node, and the block in it for each item or round."""

    node: str
    block: "Block" = field(default_factory=list)


@dataclass(slots=True)
class Repeat:
    """Runs a block that begins with `node`, and again for every `Again` to it."""

    node: str
    block: "Block" = field(default_factory=list)


@dataclass(slots=True)
class Again:
    """Goes back from `node` to the repeated block that begins with `to`; ends its block.

    `at_once`: whatever else goes on in the iteration is left.
    """

    node: str
    to: str
    limit: int
    at_once: bool = False


@dataclass(slots=True)
class Leave:
    """Notes an exit of a repeated block, as an outcome of `node`, an id of its own."""

    node: str
    exit: str


@dataclass(slots=True)
class Stop:
    """The invisible end that an undrawn outcome of `node` leads to."""

    node: str


@dataclass(slots=True)
class Call:
    """Goes on with a function; always the last statement of its block.

    `once`: only the first of those that run at once does; for others the block ends.
    """

    function: str
    once: bool = False

    @property
    def node(self) -> str:
        """The node that the function begins with."""
        return node_of(self.function)


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
    """Runs its arms at once, out of `node`; arrives when all are over and one has arrived.

    `full`: it arrives only if every arm has.
    """

    node: str
    arms: list[Arm]
    full: bool = False


@dataclass(slots=True)
class Dependency:
    """An edge into a task, taken if `source` arrived by one of `outcomes` (none: by any)."""

    source: str
    outcomes: list[str]


@dataclass(slots=True)
class Task:
    """A block of a region: it runs when all edges in are settled, if one was taken.

    `needs`: so many taken ones are enough; `full`: all must be. `leaves`: where it arrives, the
    region arrives.
    """

    name: str
    after: list[Dependency] = field(default_factory=list)
    needs: int | None = None
    full: bool = False
    leaves: bool = False
    block: "Block" = field(default_factory=list)


@dataclass(slots=True)
class Region:
    """Runs tasks out of `node` that depend on each other crosswise; in topological order."""

    node: str
    tasks: list[Task]


Statement = Step | Container | Repeat | Again | Leave | Stop | Call | Branch | Fork | Region
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
        stack.extend(iter(inner) for inner in reversed(inner_blocks(statement)))


def inner_blocks(statement: Statement) -> list[Block]:
    """The blocks right inside a statement."""
    match statement:
        case Branch(_, cases):
            return [case.block for case in cases]
        case Fork(_, arms):
            return [arm.block for arm in arms]
        case Region(_, tasks):
            return [task.block for task in tasks]
        case Container(_, block) | Repeat(_, block):
            return [block]
        case _:
            return []
