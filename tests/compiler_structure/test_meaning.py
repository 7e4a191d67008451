"""The structured program does what the token game does, at the same times."""

from collections import Counter
from random import Random

import pytest
from compiler_structure.random_designs import Blocks, wild
from compiler_structure.token_game import World, execute, outcomes_of, play
from proflow_compiler.graph import Graph
from proflow_compiler.structure import structure
from proflow_compiler.program import Program, Step, statements


def world(graph: Graph, seed: int) -> World:
    random = Random(seed)
    durations, outcomes = {}, {}
    for name, at in graph.nodes.items():
        timed = not at.ruled and at.node.type in ("task", "approval")
        durations[name] = random.random() if timed else 0.0
        if possible := outcomes_of(graph, name):
            weights = [1 if outcome in graph.undrawn(name) else 5 for outcome in possible]
            outcomes[name] = random.choices(possible, weights)[0]
    return World(durations.__getitem__, lambda node: outcomes.get(node, ""))


def check(graph: Graph, program: Program, seed: int) -> None:
    for number in range(12):
        outside = world(graph, seed * 100 + number)
        expected = play(graph, outside).seen()
        found = execute(graph, program, outside).seen()
        assert found.keys() == expected.keys()
        for node, times in expected.items():
            assert found[node] == pytest.approx(times, abs=1e-9), node


def once(graph: Graph, program: Program) -> None:
    blocks = [program.main, *program.functions.values()]
    steps = [s.node for block in blocks for s in statements(block) if isinstance(s, Step)]
    assert Counter(steps) == Counter(list(graph.nodes))


@pytest.mark.parametrize("batch", range(10))
def test_designs_of_blocks_have_a_program_that_means_the_same(batch: int) -> None:
    for seed in range(batch * 60, batch * 60 + 60):
        graph = Blocks(Random(seed), 25).draw()
        found = structure(graph)
        assert found.program is not None, (seed, [one.message for one in found.diagnostics])
        once(graph, found.program)
        check(graph, found.program, seed)


@pytest.mark.parametrize("batch", range(10))
def test_designs_of_any_shape_are_refused_or_mean_the_same(batch: int) -> None:
    accepted = 0
    for seed in range(batch * 100, batch * 100 + 100):
        random = Random(seed)
        graph = wild(random, random.randint(3, 14))
        found = structure(graph)
        if found.program is None:
            assert found.diagnostics
            continue
        accepted += 1
        once(graph, found.program)
        check(graph, found.program, seed)
    assert accepted >= 40


@pytest.mark.parametrize("batch", range(5))
def test_sequential_designs_of_any_shape_are_never_refused(batch: int) -> None:
    for seed in range(batch * 60, batch * 60 + 60):
        graph = wild(Random(seed), 14, forks=False)
        found = structure(graph)
        assert found.program is not None
        once(graph, found.program)
        check(graph, found.program, seed)
