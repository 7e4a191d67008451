"""Internal: turns the graph of a design into a structured program in which every node occurs once.

The graph is first divided into acyclic *bodies* (see `bodies`). A merge is placed at its immediate
dominator: right after the dominator's block if all of that block leads there (its *tail*), else in
a function that the blocks leading there call last. Ramsey, "Beyond Relooper" (2022), does this for
sequential graphs. Concurrent branches are formed into parallel blocks beforehand (see `forks`).
Where they form none, a region holds them (see `regions`), and the body is built again around it.
"""

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass

from proflow_schemas.step_ids import step_id

from proflow_compiler.diagnostics import Diagnostic
from proflow_compiler.graph import Graph
from proflow_compiler.structuring.bodies import Body
from proflow_compiler.structuring.building import Builder
from proflow_compiler.structuring.collapsing import body_of
from proflow_compiler.structuring.concurrent_edges import concurrently_reached
from proflow_compiler.structuring.dominance import Dominance, dominance_of
from proflow_compiler.structuring.forks import Unstructured, outlets_of, plan_forks
from proflow_compiler.structuring.program import Block, Call, Container, Program, Repeat, Step
from proflow_compiler.structuring.regions import lay_out
from proflow_compiler.structuring.unstructured import unstructured_diagnostic

MAX_DEPTH = 2
"""Blocks nested deeper than this become functions, so that generated code stays readable."""
_PATIENCE = 8
"""After each `_PATIENCE` attempts, one more root is added per cause, so that few are needed."""


@dataclass(frozen=True, slots=True)
class Structured:
    """A structured program, and the diagnostics about its shape (PF209)."""

    program: Program
    diagnostics: list[Diagnostic]


def structure(graph: Graph) -> Structured:
    """Build the structured program of a sound design.

    Args:
        graph: The graph of all levels of the design, without errors.
    """
    main: Block = []
    functions: dict[str, Block] = {}
    diagnostics: list[Diagnostic] = []
    nodes = {name: at for level in graph.levels() for name, at in level.nodes.items()}
    waiting: deque[tuple[Body, Block, int]] = deque([(body_of(graph), main, 0)])
    while waiting:
        body, block, depth = waiting.popleft()
        built = _build(body, block, depth)
        functions |= built.builder.functions
        for vertex in body.vertices.values():
            if isinstance(vertex.statement, Call) and not vertex.statement.once:
                functions[vertex.statement.function] = [Step(vertex.node)]
        for function, tail in body.tails.items():
            waiting.append((tail, functions.setdefault(function, []), 0))
        diagnostics += [
            unstructured_diagnostic(nodes, built.tree, found) for found in built.unstructured
        ]
        for vertex, at in built.builder.nested:
            assert isinstance(vertex.statement, Repeat | Container)
            assert vertex.inner is not None
            inner = vertex.statement.block
            if at + 1 > MAX_DEPTH:
                function = step_id(vertex.name, "round")
                inner.append(Call(function))
                inner, at = functions.setdefault(function, []), -1
            waiting.append((vertex.inner, inner, at + 1))
    return Structured(Program(main, functions), diagnostics)


@dataclass(frozen=True, slots=True)
class _Built:
    """A body that was built, with what it was built from."""

    builder: Builder
    tree: Dominance
    unstructured: list[Unstructured]
    """Why regions were necessary: one cause for each region that the drawing does not ask for."""


def _build(body: Body, block: Block, depth: int) -> _Built:
    """Build a body into `block`, with a region wherever one turns out to be necessary."""
    early = {name for name, vertex in body.vertices.items() if vertex.needs is not None}
    overtaking = concurrently_reached(body) & early if early else frozenset()
    tree = dominance_of(body, overtaking)
    outlets = outlets_of(tree)
    roots = {node for node, vertex in enumerate(tree.vertices) if vertex.every}
    roots |= {tree.parent[node] for node, early in enumerate(tree.overtaking) if early}
    causes: dict[int, Unstructured] = {}
    attempts = 0
    while True:
        layouts = lay_out(tree, outlets, roots)
        forks = plan_forks(tree, outlets.below_forks, layouts.inside)
        unstructured = forks.unstructured
        if not unstructured:
            builder = Builder(tree, forks, layouts, max_depth=MAX_DEPTH)
            built = builder.build(depth)
            unstructured = builder.unstructured(built)
            if not unstructured:
                block += built
                found = [causes[root] for root in layouts.by_root if root in causes]
                return _Built(builder, tree, found)
        attempts += 1
        known = frozenset(roots)
        for cause in unstructured:
            for root in _new_roots(tree, cause, known, 1 + attempts // _PATIENCE):
                roots.add(root)
                causes.setdefault(root, cause)


def _new_roots(
    tree: Dominance, cause: Unstructured, known: Collection[int], count: int
) -> list[int]:
    """Return roots for a region that holds the unstructured branches, deepest first.

    At most `count`, without those that were tried before (`known`).
    """
    found = [root for root in cause.roots if root not in known][:count]
    root = cause.fork
    while len(found) < count:
        if root not in known and root not in found:
            found.append(root)
        if root == 0:
            break
        root = tree.parent[root]
    assert found, "a region at the root of the body holds everything"
    return found
