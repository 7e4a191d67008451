"""Internal: turns a round into a structured program in which every place stands exactly once.

A merge stands as low in the program as its immediate dominator allows: right after the block of
its dominator where all of the block leads there (its *tail*), else in a function that the blocks
leading there call last. Ramsey, "Beyond Relooper" (2022), does so for sequential graphs; what runs
at once is formed into parallel blocks beforehand (see `forks`). What forms no block makes a region
(see `regions`), and the program is built again around it.
"""

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass

from proflow_schemas.step_ids import step_id

from proflow_compiler.diagnostics import Diagnostic
from proflow_compiler.graph import Graph
from proflow_compiler.structuring.building import Builder
from proflow_compiler.structuring.crossings import crossing_diagnostic
from proflow_compiler.structuring.dominance import Dominance, dominance_of
from proflow_compiler.structuring.forks import Crossing, outlets_of, plan_forks
from proflow_compiler.structuring.meetings import meeting_places
from proflow_compiler.structuring.places import Round
from proflow_compiler.structuring.program import Block, Call, Container, Program, Repeat, Step
from proflow_compiler.structuring.regions import lay_out
from proflow_compiler.structuring.rounds import round_of

MAX_DEPTH = 2
"""Blocks nested deeper than this become functions, so that what is generated can be read."""
_PATIENCE = 8
"""After so many attempts, regions are widened by ever more at once."""


@dataclass(frozen=True, slots=True)
class Structured:
    """The program, and what is worth knowing about its shape."""

    program: Program
    diagnostics: list[Diagnostic]


def structure(graph: Graph) -> Structured:
    """The program of a sound design."""
    main: Block = []
    functions: dict[str, Block] = {}
    diagnostics: list[Diagnostic] = []
    nodes = {name: at for level in graph.levels() for name, at in level.nodes.items()}
    waiting: deque[tuple[Round, Block, int]] = deque([(round_of(graph), main, 0)])
    while waiting:
        round_, block, depth = waiting.popleft()
        built = _build(round_, block, depth)
        functions |= built.builder.functions
        for place in round_.places.values():
            if isinstance(place.statement, Call) and not place.statement.once:
                functions[place.statement.function] = [Step(place.node)]
        for function, tail in round_.tails.items():
            waiting.append((tail, functions.setdefault(function, []), 0))
        diagnostics += [
            crossing_diagnostic(nodes, built.tree, crossing) for crossing in built.crossings
        ]
        for place, at in built.builder.nested:
            assert isinstance(place.statement, Repeat | Container)
            assert place.inner is not None
            inner = place.statement.block
            if at + 1 > MAX_DEPTH:
                function = step_id(place.name, "round")
                inner.append(Call(function))
                inner, at = functions.setdefault(function, []), -1
            waiting.append((place.inner, inner, at + 1))
    return Structured(Program(main, functions), diagnostics)


@dataclass(frozen=True, slots=True)
class _Built:
    builder: Builder
    tree: Dominance
    crossings: list[Crossing]
    """Why there are regions, one for each that was not drawn as one."""


def _build(round_: Round, block: Block, depth: int) -> _Built:
    """Build a round, with a region wherever one turns out to be necessary."""
    early = {name for name, place in round_.places.items() if place.needs is not None}
    overtaking = meeting_places(round_) & early if early else frozenset()
    tree = dominance_of(round_, overtaking)
    outlets = outlets_of(tree)
    roots = {node for node, place in enumerate(tree.at) if place.every}
    roots |= {tree.parent[node] for node, early in enumerate(tree.overtaking) if early}
    causes: dict[int, Crossing] = {}
    attempts = 0
    while True:
        layouts = lay_out(tree, outlets, roots)
        forks = plan_forks(tree, outlets.below_forks, layouts.inside)
        crossings = forks.crossings
        if not crossings:
            builder = Builder(tree, forks, layouts, max_depth=MAX_DEPTH)
            built = builder.build(depth)
            crossings = builder.crossings(built)
            if not crossings:
                block += built
                found = [causes[root] for root in layouts.by_root if root in causes]
                return _Built(builder, tree, found)
        attempts += 1
        known = frozenset(roots)
        for crossing in crossings:
            for root in _new_roots(tree, crossing, known, 1 + attempts // _PATIENCE):
                roots.add(root)
                causes.setdefault(root, crossing)


def _new_roots(
    tree: Dominance, crossing: Crossing, known: Collection[int], count: int
) -> list[int]:
    """The deepest roots of regions that may hold what crosses, and that have not been tried."""
    found = [root for root in crossing.roots if root not in known][:count]
    root = crossing.fork
    while len(found) < count:
        if root not in known and root not in found:
            found.append(root)
        if root == 0:
            break
        root = tree.parent[root]
    assert found, "a region out of the root holds everything"
    return found
