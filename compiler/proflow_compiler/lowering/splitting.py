"""Splits a long program into parts that run as functions of their own.

Inngest ends a run at its thousandth step, and every step sends the outputs of all steps before it,
so that the traffic grows with the square of their number. Consecutive ops become a part, which is
invoked by a single step of the run. Parts are grouped into larger parts until the program is short
enough. Loops and containers are not split inside: iterations and items need the counters of one run
to tell their steps apart.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import is_
from typing import Any

from proflow_schemas.definition import (
    AgainOp,
    AnyOp,
    Arm,
    BranchOp,
    CallOp,
    ChooseOp,
    Definition,
    ForeachOp,
    LoopOp,
    ParallelOp,
    Part,
    PartOp,
    RegionOp,
    RepeatOp,
    SetOp,
    StopOp,
    blocks,
    walk,
)
from proflow_schemas.expressions import parse, value_references
from proflow_schemas.language import Text, Texts
from proflow_schemas.step_ids import step_id

from proflow_compiler.design import Design
from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.lowering.step_counts import Length, Lengths
from proflow_compiler.rules.too_many_steps import MOST_STEPS
from proflow_compiler.rules.too_many_steps import RULE as TOO_MANY_STEPS

TEXTS = Texts(
    "PF401",
    {
        "unsplittable": Text(
            "up to {steps:raw} steps cannot be split, and Inngest ends a run after {most}",
            "最多 {steps:raw} 个步骤无法拆分，而 Inngest 在 {most} 步后结束运行",
        ),
        "most-here": Text("most of them are here", "大部分在这里"),
        "lower-bound": Text(
            "lower the bound of the loop, or call a `subprocess` for what it does",
            "减小循环上限，或用 `subprocess` 运行其中的内容",
        ),
    },
)

MOST_UNSPLIT = 500
"""A program with at most this many steps is not split."""
PART_STEPS = 100
"""The most steps of a part, unless a single op has more."""


def split_into_parts(
    definition: Definition, most_unsplit: int = MOST_UNSPLIT, part_steps: int = PART_STEPS
) -> Definition:
    """Return the definition, split into parts if its longest run is too long for one function.

    Args:
        definition: A definition without parts.
        most_unsplit: The most steps of a definition that is returned unchanged.
        part_steps: The most steps of a part.
    """
    if Lengths(definition.functions).of(definition.steps).most <= most_unsplit:
        return definition
    splitting = _Splitting(definition, part_steps)
    steps = splitting.block(definition.steps)
    changed = definition.model_copy(
        update={"steps": steps, "functions": splitting.functions, "parts": splitting.parts}
    )
    return _with_data(changed).with_digest()


def longest_function(definition: Definition) -> tuple[int, str]:
    """Return the steps of the longest function, and its node with the most steps."""
    lengths = Lengths(definition.functions)
    found = [definition.steps, *(part.steps for part in definition.parts.values())]
    block = max(found, key=lambda one: lengths.of(one).most)
    heaviest = max(block, key=lambda op: lengths.of([op]).most)
    return lengths.of(block).most, heaviest.node


def unsplittable(definition: Definition, design: Design) -> Diagnostic | None:
    """Return a diagnostic if a function is too long for Inngest although the program is split."""
    steps, name = longest_function(definition)
    if steps <= MOST_STEPS:
        return None
    node = design.nodes.get(name)
    return TOO_MANY_STEPS.diagnostic(
        TEXTS("unsplittable", steps=f"{steps:,}", most=MOST_STEPS),
        design.pointer if node is None else f"{node.pointer}/id",
        node=None if node is None else name,
        level=Level.ERROR,
        label=TEXTS("most-here"),
        help=TEXTS("lower-bound"),
    )


class _Splitting:
    """Splits the blocks of one definition, and collects the parts."""

    def __init__(self, definition: Definition, part_steps: int) -> None:
        self.most = part_steps
        self.functions: dict[str, list[AnyOp]] = dict(definition.functions)
        self.parts: dict[str, Part] = {}
        self.lengths = Lengths(self.functions)
        repeated = _repeated(definition)
        for name in _callees_first(self.functions):
            if name in repeated:
                continue
            self.functions[name] = self.block(self.functions[name])
            self.lengths.replace(name, self.functions[name])

    def block(self, block: Sequence[AnyOp]) -> list[AnyOp]:
        """Return the block with parts in it, so that it has at most `most` steps if possible."""
        ops = [self._inside(op) for op in block]
        while self.lengths.of(ops).most > self.most:
            chunks = list(self._chunks(ops))
            fewer = [op for chunk in chunks for op in self._as_part(chunk)]
            if len(fewer) == len(ops) and all(map(is_, fewer, ops)):
                break
            ops = fewer
        return ops

    def _inside(self, op: AnyOp) -> AnyOp:
        """Return the op with its inner blocks split, if it is too long."""
        if self.lengths.of([op]).most <= self.most or self._shares_tails(op):
            return op
        match op:
            case BranchOp():
                cases = [
                    case.model_copy(update={"steps": self.block(case.steps)}) for case in op.cases
                ]
                return op.model_copy(update={"cases": cases})
            case ParallelOp():
                arms = [arm.model_copy(update={"steps": self.block(arm.steps)}) for arm in op.arms]
                return op.model_copy(update={"arms": self._grouped(op, arms)})
            case RegionOp():
                tasks = [
                    task.model_copy(update={"steps": self.block(task.steps)}) for task in op.tasks
                ]
                return op.model_copy(update={"tasks": tasks})
            case _:
                return op

    def _shares_tails(self, op: AnyOp) -> bool:
        """Return True if concurrent branches share a stop tail: as parts, each would run it."""
        if not isinstance(op, ParallelOp | RegionOp):
            return False
        seen: set[str] = set()
        stack: list[Sequence[AnyOp]] = [[op]]
        while stack:
            for one in walk(list(stack.pop())):
                if isinstance(one, CallOp):
                    if one.once:
                        return True
                    if one.function not in seen:
                        seen.add(one.function)
                        stack.append(self.functions[one.function])
        return False

    def _grouped(self, op: ParallelOp, arms: list[Arm]) -> list[Arm]:
        """Group arms that fit into a part together; each group becomes an arm that runs them."""
        while sum(self.lengths.of(arm.steps).most for arm in arms) > self.most:
            groups: list[list[Arm]] = [[]]
            steps = 0
            for arm in arms:
                own = self.lengths.of(arm.steps).most
                if groups[-1] and steps + own > self.most:
                    groups.append([])
                    steps = 0
                groups[-1].append(arm)
                steps += own
            if len(groups) == len(arms):
                break
            arms = [self._group(op, group) for group in groups]
        return arms

    def _group(self, op: ParallelOp, arms: list[Arm]) -> Arm:
        if len(arms) == 1:
            return arms[0]
        block: list[AnyOp] = [op.model_copy(update={"arms": arms})]
        first = next((one for arm in arms for one in arm.steps), op)
        return Arm(name=arms[0].name, steps=self._as_part(block, first.node))

    def _chunks(self, ops: Sequence[AnyOp]) -> Iterator[list[AnyOp]]:
        """Yield consecutive ops that fit into a part together."""
        chunk: list[AnyOp] = []
        length = Length()
        for group in _groups(ops):
            own = self.lengths.of(group)
            longer = length.then(own)
            if chunk and longer.most > self.most:
                yield chunk
                chunk, longer = [], own
            chunk = [*chunk, *group]
            length = longer
        if chunk:
            yield chunk

    def _as_part(self, chunk: list[AnyOp], node: str | None = None) -> list[AnyOp]:
        """Move ops into a part and return the op that invokes it, or the ops if that saves no step.

        `node` is the node that the step is named after, by default that of the first op.
        """
        if len(chunk) == 1 and isinstance(chunk[0], PartOp | CallOp):
            return chunk
        if self.lengths.of(chunk).most <= 1:
            return chunk
        name = f"part-{len(self.parts) + 1}"
        self.parts[name] = Part(steps=chunk)
        node = node or chunk[0].node
        return [PartOp(id=step_id(node, name), node=node, part=name)]


def _groups(ops: Sequence[AnyOp]) -> Iterator[list[AnyOp]]:
    """Yield ops that stay together: a branch or region needs the outcome of the op before it."""
    group: list[AnyOp] = []
    for op in ops:
        if group and not isinstance(op, BranchOp | RegionOp):
            yield group
            group = []
        group.append(op)
    if group:
        yield group


def _repeated(definition: Definition) -> set[str]:
    """Return the functions that loops and containers reach."""
    found: set[str] = set()
    stack = [
        op.steps
        for block in blocks(definition)
        for op in walk(block)
        if isinstance(op, RepeatOp | LoopOp | ForeachOp)
    ]
    while stack:
        for name in _called([stack.pop()]):
            if name not in found:
                found.add(name)
                stack.append(definition.functions[name])
    return found


def _callees_first(functions: Mapping[str, Sequence[AnyOp]]) -> Iterator[str]:
    done: set[str] = set()
    for root in functions:
        stack = [(root, False)]
        while stack:
            name, ready = stack.pop()
            if name in done:
                continue
            if ready:
                done.add(name)
                yield name
                continue
            stack.append((name, True))
            stack += [(one, False) for one in _called([functions[name]])]


def _called(blocks: Iterable[Sequence[AnyOp]]) -> list[str]:
    return [op.function for block in blocks for op in walk(list(block)) if isinstance(op, CallOp)]


def _with_data(definition: Definition) -> Definition:
    """Add to each part the nodes that it reads from outside, and its own that are read outside."""
    units = _Units(definition)
    return definition.model_copy(
        update={
            "parts": {
                name: part.model_copy(update=units.data_of(name))
                for name, part in definition.parts.items()
            }
        }
    )


_NAMED = ParallelOp | RegionOp | BranchOp | StopOp | CallOp | PartOp | AgainOp
"""Ops that are named after a node, but do not run it."""


class _Units:
    """Where nodes run and where they are read: a unit is a part, a function, or the main block.

    A set of units is an integer with a bit for each unit. Most nodes are read only in the unit that
    they run in; `crossing` holds the others, so that parts need not look at all nodes.
    """

    def __init__(self, definition: Definition) -> None:
        blocks = {("part", name): part.steps for name, part in definition.parts.items()}
        blocks |= {("function", name): steps for name, steps in definition.functions.items()}
        blocks["", ""] = definition.steps
        self.bits = {unit: 1 << index for index, unit in enumerate(blocks)}
        self.leads_to: dict[tuple[str, str], set[tuple[str, str]]] = {}
        there: dict[str, int] = {}
        read: dict[str, int] = {}
        for unit, block in blocks.items():
            bit = self.bits[unit]
            below = self.leads_to[unit] = set()
            for op in walk(list(block)):
                if not isinstance(op, _NAMED):
                    there[op.node] = there.get(op.node, 0) | bit
                for node in _reads(op):
                    read[node] = read.get(node, 0) | bit
                if isinstance(op, CallOp):
                    below.add(("function", op.function))
                elif isinstance(op, PartOp):
                    below.add(("part", op.part))
        self.crossing = {
            node: (there.get(node, 0), units)
            for node, units in read.items()
            if units != there.get(node) or units.bit_count() > 1
        }

    def data_of(self, part: str) -> dict[str, list[str]]:
        """Return the nodes that a part reads from outside, and those it keeps for others."""
        own = self._extent(("part", part))
        elsewhere = self._extent(("", ""), without=("part", part))
        reads, keeps = [], []
        for node, (there, read) in self.crossing.items():
            if there & own:
                if read & elsewhere:
                    keeps.append(node)
            elif read & own:
                reads.append(node)
        return {"reads": sorted(reads), "keeps": sorted(keeps)}

    def _extent(self, unit: tuple[str, str], without: tuple[str, str] | None = None) -> int:
        """Return a unit and all units it reaches without passing through `without`."""
        found, stack = self.bits[unit], [unit]
        while stack:
            for one in self.leads_to[stack.pop()]:
                if one != without and not found & self.bits[one]:
                    found |= self.bits[one]
                    stack.append(one)
        return found


def _reads(op: Any) -> set[str]:
    """Return the nodes whose outputs or outcomes an op itself reads, without its inner blocks."""
    match op:
        case SetOp():
            texts = list(op.values.values())
        case ChooseOp():
            texts = [rule.when for rule in op.rules]
        case ForeachOp():
            texts = [op.items]
        case LoopOp():
            texts = [] if op.condition is None else [op.condition]
        case BranchOp() | StopOp():
            return {op.node}
        case RegionOp():
            return {edge.source for task in op.tasks for edge in task.after}
        case ParallelOp():
            return set()
        case _:
            values = [
                value
                for key, value in op
                if key not in ("id", "node", "fn", "steps", "armed_with", "function", "part")
            ]
            return _nodes(value_references([_plain(value) for value in values]))
    return {node for text in texts for node in _nodes(parse(text).references)}


def _plain(value: Any) -> Any:
    return value.model_dump() if hasattr(value, "model_dump") else value


def _nodes(references: Iterable[Any]) -> set[str]:
    return {one.path[1] for one in references if one.path[0] == "steps" and len(one.path) > 1}
