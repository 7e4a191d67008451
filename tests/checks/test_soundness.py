"""PF204 to PF211 against every run of random designs, most of which form no blocks."""

import os
from collections import Counter
from itertools import pairwise

from checks.random_graphs import looping, unstructured
from checks.token_game import Game, Played
from hypothesis import HealthCheck, given, settings
from proflow_compiler.checks import run_checks
from proflow_compiler.diagnostics import Diagnostic
from proflow_compiler.graph import Graph

EXAMPLES = int(os.environ.get("PROFLOW_EXAMPLES", "300"))
"""Random designs per test; more of them with `PROFLOW_EXAMPLES=5000`."""
RANDOM = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    database=None,
)


def by_code(found: list[Diagnostic]) -> dict[str, list[Diagnostic]]:
    sorted_: dict[str, list[Diagnostic]] = {}
    for one in found:
        sorted_.setdefault(one.code, []).append(one)
    return sorted_


def nodes_of(found: dict[str, list[Diagnostic]], *codes: str) -> set[str | None]:
    return {one.node for code in codes for one in found.get(code, ())}


def is_witness(graph: Graph, one: Diagnostic, played: Played) -> bool:
    """Whether some run that breaks the promise goes along the path."""
    into = {edge.index for edge in graph.into[str(one.node)]}
    for taken in played.completed:
        come = len(taken & into)
        broken = 0 < come < len(into) if one.code == "PF210" else come > 1
        pairs = {(graph.edges[edge].source, graph.edges[edge].target) for edge in taken}
        if broken and one.path[-1] == one.node and pairs.issuperset(pairwise(one.path)):
            return one.path[0] == graph.starts[0]
    return False


def test_the_verdict_is_that_of_every_run() -> None:
    mix: Counter[str] = Counter()

    @RANDOM
    @given(unstructured())
    def check(graph: Graph) -> None:
        played = Game(graph).play()
        found = by_code(run_checks(graph))
        assert ("PF204" in found) == (played.fired != set(graph.nodes))
        assert nodes_of(found, "PF205") == played.dead_ends
        assert nodes_of(found, "PF210", "PF211") == played.broken
        for one in (*found.get("PF210", ()), *found.get("PF211", ())):
            assert is_witness(graph, one, played)
        mix.update(code for code in ("PF205", "PF210", "PF211") if code in found)
        mix["sound"] += not played.dead_ends and not played.broken

    check()
    assert all(mix[code] > EXAMPLES / 30 for code in ("sound", "PF205", "PF210", "PF211")), mix


def test_the_verdict_on_loops_is_that_of_every_run() -> None:
    mix: Counter[str] = Counter()

    @RANDOM
    @given(looping())
    def check(graph: Graph) -> None:
        found = by_code(run_checks(graph))
        assert "PF207" not in found
        if "PF205" in found:
            return
        played = Game(graph).play()
        assert ("PF208" in found) == played.at_once
        mix["PF208"] += played.at_once
        if not played.at_once:
            assert nodes_of(found, "PF210", "PF211") == played.broken
            mix["broken"] += bool(played.broken)
            mix["sound"] += not played.broken and bool(graph.back)

    check()
    assert all(mix[code] > EXAMPLES / 60 for code in ("sound", "broken", "PF208")), mix
