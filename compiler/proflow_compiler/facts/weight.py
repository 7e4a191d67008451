"""Computes an upper bound of the Inngest steps that one run can take.

A loop is counted as a whole at its header, with the most iterations it can have. A container is
counted with all its iterations; a `foreach` with one item, as the number of items is unknown.

The bound holds for every acyclic graph. Without parallel branches it is exact: the weight of the
heaviest path. Otherwise it is computed on the dominator tree. Below a node without parallel
branches, the heaviest path through its children counts; below other nodes, the heaviest outcome
with everything that only follows from it. There, a path that leaves a subtree early is counted as
if it went through all of the subtree.
"""

from collections.abc import Mapping

from proflow_schemas.node_types.loop import Loop as RepeatedNodes

from proflow_compiler.graph import Graph, GraphNode
from proflow_compiler.graph.loops import Loop, natural_loops
from proflow_compiler.graph.runs import taken_at_once


def most_steps(graph: Graph) -> int:
    """Return an upper bound of the steps of one run.

    Args:
        graph: The graph of the outermost level. Each level is acyclic and has one start.
    """
    inner: dict[str | None, int] = {}
    for level in reversed([*graph.levels()]):
        own = {name: _own_steps(at, inner) for name, at in level.nodes.items()}
        for loop in reversed(natural_loops(level)):
            steps = _most_steps(loop.iteration(level), own)
            own |= dict.fromkeys(loop.nodes, 0)
            returns = sum(back_edge.limit for back_edge in loop.back)
            own[loop.header] = steps * (1 + returns) + _recording_steps(level, loop)
        inner[level.container] = _most_steps(level, own) + _item_end_steps(level)
    return inner[graph.container]


def _recording_steps(level: Graph, loop: Loop) -> int:
    """Return the number of steps that record the state of a loop when an approval returns.

    They are needed only if other branches can be running then.
    """
    if not any(is_fork(level, name) for name in loop.nodes):
        return 0
    return sum(back_edge.limit for back_edge in loop.back if back_edge.at_once)


def _item_end_steps(level: Graph) -> int:
    """Return 1 if a step may record the state of an item that ends early, else 0.

    It is needed only if other branches can be running then.
    """
    if level.container is None or not any(level.undrawn(name) for name in level.nodes):
        return 0
    return int(any(is_fork(level, name) for name in level.reachable))


def _most_steps(graph: Graph, own: Mapping[str, int]) -> int:
    if not any(is_fork(graph, name) for name in graph.reachable):
        return _heaviest_path(graph, own)
    weights = Weights(graph, own)
    return weights.steps[weights.order[0]]


def _heaviest_path(graph: Graph, own: Mapping[str, int]) -> int:
    heaviest: dict[str, int] = {}
    for name in reversed(graph.topological):
        after = (heaviest[edge.target] for edge in graph.out(name))
        heaviest[name] = own[name] + max(after, default=0)
    return heaviest[graph.starts[0]]


def is_fork(graph: Graph, name: str) -> bool:
    """Return True if a run can take several edges out of a node at once."""
    exits = graph.exits[name]
    if graph.nodes[name].every:
        return len(exits) > 1 or any(len(exit_.edges) > 1 for exit_ in exits)
    return any(len(exit_.edges) > 1 for exit_ in exits)


def _own_steps(at: GraphNode, inner: Mapping[str | None, int]) -> int:
    if not at.drawn:
        return 0
    kind, config = at.node.kind, at.node.config
    if kind.container:
        times = config.max_iterations if isinstance(config, RepeatedNodes) else 1
        return times * inner[at.node.id]
    return 0 if kind.instant else kind.steps


class Weights:
    """The weight of each node's dominator subtree: of all nodes that it dominates, with itself.

    Attributes:
        order: The nodes that the start reaches, in topological order.
        steps: For each node, the most steps that a run takes in its subtree.
        single: The nodes whose subtree a run leaves by one edge at most.
        lowest: For each node, the least depth of the immediate dominators of all nodes that edges
            out of its subtree lead to.
        aside: For each node, the merges with the same immediate dominator as the node, to which
            edges out of its subtree lead.
    """

    def __init__(self, graph: Graph, own: Mapping[str, int]) -> None:
        self._own = own
        self.graph, self.tree = graph, graph.dominator_tree
        self.order = [name for name in graph.topological if name in self.tree.parent]
        self.steps: dict[str, int] = {}
        self.single: set[str] = set()
        self.lowest: dict[str, int] = {}
        self.aside: dict[str, list[str]] = {name: [] for name in self.order}
        for name in self.order:
            above = self.tree.parent[name]
            for edge in graph.into[name]:
                if edge.source in self.tree.parent and edge.source != above:
                    child = self.tree.ancestor(edge.source, self.tree.depth[above] + 1)
                    self.aside[child].append(name)
        for name in reversed(self.order):
            self._measure(name)

    def _measure(self, name: str) -> None:
        graph, tree = self.graph, self.tree
        children, depth = tree.children[name], tree.depth[name]
        own = self._own[name]
        direct = [tree.depth[tree.parent[edge.target]] for edge in graph.out(name)]
        self.lowest[name] = min(
            [*direct, *(self.lowest[child] for child in children)], default=depth
        )
        forks = is_fork(graph, name)
        if not forks and all(child in self.single for child in children):
            self.single.add(name)
            self.steps[name] = own + self._longest_path(name)
            return
        outside = [child for child in children if self.lowest[child] < depth]
        leaves_itself = any(below < depth for below in direct)
        if not leaves_itself and (not outside or (len(outside) == 1 and outside[0] in self.single)):
            self.single.add(name)
        self.steps[name] = own + self._heaviest_outcome(name)

    def _longest_path(self, name: str) -> int:
        tree = self.tree
        longest: dict[str, int] = {}
        for child in reversed(tree.children[name]):
            after = max((longest[target] for target in self.aside[child]), default=0)
            longest[child] = self.steps[child] + after
        inside = (edge.target for edge in self.graph.out(name))
        return max((longest[one] for one in inside if tree.parent[one] == name), default=0)

    def _heaviest_outcome(self, name: str) -> int:
        """Return the most steps that can follow one outcome, each node counted once."""
        outcomes = list(taken_at_once(self.graph.nodes[name].every, self.graph.exits[name]))
        by: dict[str, int] = dict.fromkeys(self.tree.children[name], 0)
        for index, exits in enumerate(outcomes):
            for edge in (edge for exit_ in exits for edge in exit_.edges):
                if edge.target in by:
                    by[edge.target] |= 1 << index
        sums: dict[int, int] = {}
        for child in self.tree.children[name]:
            for target in self.aside[child]:
                by[target] |= by[child]
            sums[by[child]] = sums.get(by[child], 0) + self.steps[child]
        each = [0] * len(outcomes)
        always = sums.pop((1 << len(outcomes)) - 1, 0)
        for which, steps in sums.items():
            while which:
                lowest = which & -which
                each[lowest.bit_length() - 1] += steps
                which ^= lowest
        return always + max(each, default=0)
