"""The structured program: what the graph becomes before it is lowered to ops.

A block is a list of statements. It either *falls through* to whatever follows it, or *ends*.
Every node of the graph occurs in exactly one block.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from proflow_schemas.step_ids import node_of


@dataclass(slots=True)
class Step:
    """Runs a node. A node without exits ends its block.

    `trigger` is a node that runs as soon as the wait of `node` is set up, since it may cause the
    event that is waited for.
    """

    node: str
    trigger: str | None = None


@dataclass(slots=True)
class Container:
    """Runs a container: its block once for each item or iteration."""

    node: str
    block: "Block" = field(default_factory=list)


@dataclass(slots=True)
class Repeat:
    """Runs the body of a drawn loop, which begins with `node`; each `Again` starts an iteration."""

    node: str
    block: "Block" = field(default_factory=list)


@dataclass(slots=True)
class Again:
    """Takes a back edge from `node` to the loop that begins with `to`; ends its block.

    `limit` is how often it may be taken. `at_once`: the iteration ends immediately, although other
    branches of it may still be running.
    """

    node: str
    to: str
    limit: int
    at_once: bool = False


@dataclass(slots=True)
class Leave:
    """Records by which exit a loop is left: as the outcome of `node`, an id made for this."""

    node: str
    exit: str


@dataclass(slots=True)
class Stop:
    """Ends the run, because the outcome of `node` is not drawn."""

    node: str


@dataclass(slots=True)
class Call:
    """Calls a function; always the last statement of its block.

    `once`: of several concurrent calls, only the first runs the function; the others end.
    """

    function: str
    once: bool = False

    @property
    def node(self) -> str:
        """The node that the function begins with."""
        return node_of(self.function)


@dataclass(slots=True)
class Case:
    """The block to run for any of `outcomes`."""

    outcomes: list[str]
    block: "Block" = field(default_factory=list)


@dataclass(slots=True)
class Branch:
    """Chooses a case by the outcome of `node`; an outcome without a case falls through."""

    node: str
    cases: list[Case]


@dataclass(slots=True)
class Arm:
    """One of the concurrent blocks of a fork, named after the node it begins with."""

    name: str
    block: "Block" = field(default_factory=list)


@dataclass(slots=True)
class Fork:
    """Runs its arms concurrently, as exits of `node`.

    It falls through when all arms are over and at least one fell through; if `full`, only if every
    arm did.
    """

    node: str
    arms: list[Arm]
    full: bool = False


@dataclass(slots=True)
class Dependency:
    """An edge into a task, taken if `source` falls through with one of `outcomes`.

    An empty list stands for any outcome.
    """

    source: str
    outcomes: list[str]


@dataclass(slots=True)
class Task:
    """A block of a region. It runs once all edges into it are decided, if at least one is taken.

    Attributes:
        name: The vertex that the block begins with; dependencies refer to it.
        after: The edges into the task.
        needs: How many taken edges are enough, without waiting for the others.
        full: True if all edges have to be taken.
        leaves: True if the region falls through when the block does.
        block: What the task runs.
    """

    name: str
    after: list[Dependency] = field(default_factory=list)
    needs: int | None = None
    full: bool = False
    leaves: bool = False
    block: "Block" = field(default_factory=list)


@dataclass(slots=True)
class Region:
    """Runs tasks that wait for each other, as exits of `node`; `tasks` is topologically sorted."""

    node: str
    tasks: list[Task]


Statement = Step | Container | Repeat | Again | Leave | Stop | Call | Branch | Fork | Region
Block = list[Statement]


@dataclass(slots=True)
class Program:
    """The main block, and the functions by name, callers before callees."""

    main: Block
    functions: dict[str, Block]


def statements(block: Block) -> Iterator[Statement]:
    """Yield every statement of a block, including nested ones, in reading order."""
    stack: list[Iterator[Statement]] = [iter(block)]
    while stack:
        statement = next(stack[-1], None)
        if statement is None:
            stack.pop()
            continue
        yield statement
        stack.extend(iter(inner) for inner in reversed(inner_blocks(statement)))


def inner_blocks(statement: Statement) -> list[Block]:
    """Return the blocks directly inside a statement."""
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
