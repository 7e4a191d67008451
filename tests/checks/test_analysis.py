"""What the checks conclude without looking at runs, against every run of small random graphs."""

from collections.abc import Sequence
from itertools import combinations, pairwise
from unittest.mock import patch

import networkx as nx
import pytest
from checks.random_graphs import (
    EdgeOf,
    acyclic,
    any_edges,
    design_of,
    layered,
    runs,
    unstructured,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from proflow_compiler.facts.coverage import coverage
from proflow_compiler.facts.weight import is_fork, most_steps
from proflow_compiler.graph import Graph, build_graph, concurrency
from proflow_compiler.graph.concurrency import Concurrency, Watched
from proflow_compiler.rules import run_checks
from proflow_compiler.soundness.graph_facts import GraphFacts
from proflow_schemas.expressions import compile as compile_expression
from proflow_schemas.expressions import parse
from reference.tails import stop_tails

MANY = settings(max_examples=80, deadline=None)
MORE = settings(max_examples=500, deadline=None)
graphs = st.one_of(acyclic(), layered())


def steps_of(graph: Graph, taken: frozenset[str]) -> int:
    weights = {"approval": 2, "task": 1, "wait": 1}
    drawn = [graph.nodes[name] for name in taken if graph.nodes[name].drawn]
    return sum(weights.get(at.node.type, 0) for at in drawn)


@MANY
@given(graphs)
def test_a_node_is_certain_iff_every_run_that_comes_to_the_reader_took_it(graph: Graph) -> None:
    level = GraphFacts(graph)
    before = {name: nx.ancestors(graph.digraph, name) for name in graph.reachable}
    every = list(runs(graph))
    for reader in graph.reachable:
        coming = [
            taken for taken, _, stops in every if reader in taken and not stops & before[reader]
        ]
        for step in graph.reachable - {reader}:
            assert level.settlement.leads(step, reader) == (step in before[reader])
            if step in before[reader]:
                certain = level.path_skipping(step, reader) is None
                assert certain == all(step in taken for taken in coming)


@MANY
@given(graphs)
def test_the_witness_is_a_shortest_way_of_a_run_without_the_step(graph: Graph) -> None:
    level = GraphFacts(graph)
    for reader in graph.reachable:
        for step in nx.ancestors(graph.digraph, reader) & graph.reachable:
            path = level.path_skipping(step, reader)
            if path is None:
                continue
            assert path[0] == graph.starts[0]
            assert path[-1] == graph.nodes[reader].node.id
            assert any(
                set(path) - {graph.nodes[reader].node.id} <= taken and step not in taken
                for taken, _, _ in runs(graph)
            )


@MANY
@given(st.one_of(acyclic(), layered(), unstructured()))
def test_two_nodes_can_be_taken_together_iff_some_run_takes_both(graph: Graph) -> None:
    level = GraphFacts(graph)
    every = runs(graph, full=True)
    together = {(x, y) for taken, _, _ in every for x in taken for y in taken if x != y}
    for x in graph.reachable:
        for y in graph.reachable - {x}:
            assert level.together(x, y) == ((x, y) in together)


@MORE
@given(st.one_of(layered(), unstructured()), st.booleans())
def test_what_is_watched_is_beside_all_that_some_run_takes_with_it(
    graph: Graph, gathered: bool
) -> None:
    """Of runs for which any edge into a join of mode `all` is enough."""
    level = GraphFacts(graph)
    bit = level.settlement.bit
    every = [taken for taken, _, _ in runs(graph)]
    for group in (level.settlement.order, level.settlement.order[::2]):
        watched: Watched = {(name, None): bit[name] for name in group}
        with patch.object(concurrency, "MANY", 1 if gathered else concurrency.MANY):
            beside = Concurrency(level.runs(), watched).concurrent
        for y in group:
            expected = sum(
                bit[x]
                for x in group
                if graph.rank[x] < graph.rank[y] and any({x, y} <= taken for taken in every)
            )
            assert beside[y, None] == expected


@MORE
@given(unstructured(), st.booleans())
def test_edges_meet_iff_some_run_comes_over_both(graph: Graph, gathered: bool) -> None:
    """Of runs for which any edge into a join of mode `all` is enough."""
    level = GraphFacts(graph)
    with patch.object(concurrency, "MANY", 1 if gathered else concurrency.MANY):
        meeting = Concurrency(level.runs()).concurrent_edges
    every = [edges for _, edges, _ in runs(graph)]
    for name in graph.reachable:
        into = {edge.index for edge in graph.into[name]}
        assert (name in meeting) == any(len(into & edges) > 1 for edges in every)
        if (pair := meeting.get(name)) is not None:
            assert any({edge.index for edge in pair} <= edges for edges in every)


@MORE
@given(unstructured())
def test_a_node_is_settled_iff_no_choice_of_first_edges_leaves_it_open(graph: Graph) -> None:
    settlement, tails = GraphFacts(graph).settlement, stop_tails(graph)
    for name in settlement.order:
        edges = [edge for edge in graph.into[name] if edge.source in graph.reachable]
        mode = graph.nodes[name].mode
        enough = 1 if name in tails or mode in ("any", "one") else mode
        needed = min(enough, len(edges)) if isinstance(enough, int) else None
        for other in settlement.order:
            surely = all(
                any(
                    other == edge.source or settlement.settled(other, edge.source) for edge in first
                )
                for first in combinations(edges, needed or len(edges))
            )
            assert settlement.settled(other, name) == (surely and bool(edges))


@MORE
@given(st.one_of(layered(), unstructured()))
def test_the_bound_of_steps_is_never_below_the_longest_run(graph: Graph) -> None:
    longest = max(steps_of(graph, taken) for taken, _, _ in runs(graph))
    assert most_steps(graph) >= longest
    if not any(is_fork(graph, name) for name in graph.reachable):
        assert most_steps(graph) == longest


@pytest.mark.parametrize(
    ("back", "steps"),
    [
        ([], 5),
        ([(3, 2, "returned")], 8),
        ([(3, 1, "returned")], 9),
        ([(3, 2, "returned"), (4, 2, "error")], 13),
        ([(3, 2, "returned"), (4, 1, "error")], 16),
    ],
)
def test_loops_count_with_all_their_rounds(back: list[EdgeOf], steps: int) -> None:
    kinds = ["start", "task", "task", "approval", "task", "end"]
    edges: list[EdgeOf] = [(index, index + 1, None) for index in range(5)]
    assert most_steps(build_graph(design_of(kinds, edges, back))) == steps


def test_a_path_that_leaves_early_is_not_counted_on() -> None:
    kinds = ["start", "condition", "condition", "condition", "task", "task", "task", "end"]
    edges = [
        (0, 1, None),
        (1, 2, "a"),
        (1, 3, "b"),
        (2, 4, "a"),
        (3, 4, "a"),
        (3, 5, "b"),
        (4, 6, None),
        (5, 6, None),
        (6, 7, None),
    ]
    assert most_steps(build_graph(design_of(kinds, edges))) == 2


@MANY
@given(graphs)
def test_dominators_are_those_of_networkx(graph: Graph) -> None:
    tree = graph.dominator_tree
    start = graph.starts[0]
    expected = {**nx.immediate_dominators(graph.digraph, start), start: start}
    assert tree.parent == expected
    for name in graph.reachable:
        above = {name}
        while expected[min(above, key=tree.depth.__getitem__)] not in above:
            above.add(expected[min(above, key=tree.depth.__getitem__)])
        for other in graph.reachable:
            assert tree.dominates(other, name) == (other in above)
            assert tree.dominates(tree.common_dominator(name, other), other)


def whole(graph: Graph) -> "nx.DiGraph[str]":
    """The edges that lead back among all others."""
    found: nx.DiGraph[str] = nx.DiGraph(graph.digraph)
    found.add_edges_from((way.edge.source, way.edge.target) for way in graph.back)
    return found


@MANY
@given(any_edges())
def test_an_edge_leads_back_iff_its_target_is_on_every_path_to_its_source(graph: Graph) -> None:
    drawn = whole(graph)
    ways = {(way.edge.source, way.edge.target) for way in graph.back}
    for source, target in drawn.edges:
        if source in graph.reachable:
            around = nx.DiGraph(drawn.subgraph(set(drawn) - {target}))
            past = source in around and "n0" in around and nx.has_path(around, "n0", source)
            assert ((source, target) in ways) is not past


@MANY
@given(any_edges())
def test_a_cycle_is_reported_iff_one_is_left_without_the_edges_that_lead_back(graph: Graph) -> None:
    found = [one for one in run_checks(graph) if one.code == "PF206"]
    left = nx.DiGraph(graph.digraph.subgraph(graph.reachable))
    cyclic = [part for part in nx.strongly_connected_components(left) if len(part) > 1]
    assert len(found) == len(cyclic)
    for one in found:
        assert one.path[0] == one.path[-1] == one.node
        assert len(set(one.path)) == len(one.path) - 1
        assert all(left.has_edge(*pair) for pair in pairwise(one.path))
        (part,) = [part for part in cyclic if one.node in part]
        assert any(edge.source not in part for edge in graph.into[one.path[0]])


@MANY
@given(any_edges())
def test_reach_and_dead_ends_are_those_of_the_drawing(graph: Graph) -> None:
    found = run_checks(graph)
    heads = {one.node for one in found if one.code == "PF204"}
    lost = set(graph.nodes) - graph.reachable
    drawn = whole(graph)
    assert heads <= lost
    assert set(nx.bfs_tree(drawn, "n0")) == graph.reachable
    behind = {after for head in heads for after in nx.descendants(drawn, head)} | heads
    assert lost <= behind
    last = f"n{len(graph.nodes) - 1}"
    stuck = {name for name in graph.reachable if not drawn.out_degree(name) and name != last}
    ended = {one.node for one in found if one.code == "PF205"}
    assert stuck <= ended
    if graph.acyclic:
        parts = nx.condensation(drawn.subgraph(graph.reachable))
        endless = [
            part["members"]
            for number, part in parts.nodes(data=True)
            if not parts.out_degree(number) and not part["members"] & {*stuck, last}
        ]
        assert len(ended - stuck) == len(endless)
        assert all(ended & part for part in endless)


COMPARISONS = [
    *(f"event.data.x {op} {n}" for op in ("<", "<=", "==", ">=", ">", "!=") for n in (1, 2, 3)),
    "event.data.f",
    "event.data.t == 'a'",
    "event.data.t in ['a', 'b']",
    "2 < event.data.x",
    "event.data.x < event.data.y",
    "event.data.y <= event.data.x",
]


def rule_texts() -> st.SearchStrategy[str]:
    return st.recursive(
        st.sampled_from(COMPARISONS),
        lambda inner: st.one_of(
            inner.map(lambda a: f"!({a})"),
            st.tuples(inner, inner).map(lambda two: f"({two[0]}) && ({two[1]})"),
            st.tuples(inner, inner).map(lambda two: f"({two[0]}) || ({two[1]})"),
        ),
        max_leaves=3,
    )


DATA = [
    {"event": {"data": {"x": x, "y": y, "f": f, "t": t}}}
    for x in (0.0, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0)
    for y in (0.5, 2.0, 3.5)
    for f in (False, True)
    for t in ("", "a", "a!", "b", "c")
]


def holding(rules: Sequence[str]) -> list[list[int]]:
    """For each piece of data, the rules that hold."""
    programs = [compile_expression(rule) for rule in rules]
    return [[i for i, one in enumerate(programs) if one.test(data)] for data in DATA]


@settings(max_examples=80, deadline=None)
@given(st.lists(rule_texts(), min_size=1, max_size=4))
def test_coverage_agrees_with_evaluating_the_rules(rules: list[str]) -> None:
    found = coverage([parse(rule).tree for rule in rules])
    held = holding(rules)
    if found.exhaustive:
        assert all(held)
    for index, earlier in found.shadowed.items():
        assert all(one < index for one in earlier)
        assert all(set(earlier) & set(one) for one in held if index in one)


@pytest.mark.parametrize(
    ("rules", "exhaustive"),
    [
        (["event.data.x > 5", "event.data.x <= 5"], True),
        (["event.data.x > 5", "event.data.x < 5"], False),
        (["event.data.x < 1", "event.data.x >= 1 && event.data.x < 2", "event.data.x >= 2"], True),
        (["event.data.f", "!event.data.f"], True),
        (["event.data.f == true", "event.data.f == false"], True),
        (["event.data.t == 'a'", "event.data.t != 'a'"], True),
        (["event.data.t == 'a'", "event.data.t == 'b'"], False),
        (["event.data.x > event.data.y", "event.data.y >= event.data.x"], True),
        (["size(event.data.l) > 0", "size(event.data.l) == 0"], True),
        (
            ["has(event.data.x) && event.data.x > 5", "has(event.data.x) && event.data.x <= 5"],
            False,
        ),
        (["event.data['x'] > 5", "event.data.x <= 5"], True),
        (["5 < event.data.x", "event.data.x <= 5"], True),
        (["true"], True),
        (["event.data.x == null", "event.data.x != null"], True),
        (["event.data.x == null", "event.data.x > 5", "event.data.x <= 5"], False),
    ],
)
def test_rules_that_leave_nothing_over_are_recognised(rules: list[str], exhaustive: bool) -> None:
    assert coverage([parse(rule).tree for rule in rules]).exhaustive is exhaustive


def test_a_long_switch_finds_the_case_that_stands_twice() -> None:
    rules = [f"event.data.kind == 'k{index % 2999}'" for index in range(3000)]
    found = coverage([parse(rule).tree for rule in rules])
    assert found.shadowed == {2999: (0,)}
    assert not found.exhaustive
