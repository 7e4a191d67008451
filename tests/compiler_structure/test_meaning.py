"""The structured program does what the token game does, at the same times."""

from collections import Counter
from random import Random

import pytest
from compiler_structure.evaluation import execute
from compiler_structure.random_designs import EARLY, ENDLESS, SEQUENTIAL, Blocks, Wild
from compiler_structure.token_game import Execution, UnsoundError, World, outcomes_of, play
from proflow_compiler.graph import Graph
from proflow_compiler.structuring import structure
from proflow_compiler.structuring.bodies import Body
from proflow_compiler.structuring.collapsing import body_of
from proflow_compiler.structuring.program import (
    Again,
    Call,
    Container,
    Program,
    Region,
    Step,
    statements,
)

TIMED = ("task", "approval", "wait", "notify")


def world(graph: Graph, seed: int) -> World:
    """Durations and outcomes by chance; of the undrawn ones, few."""
    level_of = {name: level for level in graph.levels() for name in level.nodes}

    def duration(execution: Execution) -> int:
        at = level_of[execution[0]].nodes[execution[0]]
        timed = not at.ruled and not at.entry and at.node.type in TIMED
        return Random(f"{seed} {execution}").randrange(1, 10**9) if timed else 0

    def outcomes(execution: Execution) -> tuple[str, ...]:
        random, level = Random(f"{execution} {seed}"), level_of[execution[0]]
        possible = outcomes_of(level, execution[0])
        if not possible:
            return ()
        if level.nodes[execution[0]].every:
            return tuple(random.sample(possible, random.randint(1, len(possible))))
        weights = [1 if outcome in level.undrawn(execution[0]) else 7 for outcome in possible]
        return (random.choices(possible, weights)[0],)

    def items(execution: Execution) -> int:
        return Random(f"{seed} items {execution}").randint(0, 3)

    return World(duration, outcomes, items)


def check(graph: Graph, program: Program, seed: int, worlds: int = 8) -> int:
    """Compare runs; how many there were in which no back edge clashed with something else."""
    compared = 0
    for number in range(worlds):
        outside = world(graph, seed * 100 + number)
        try:
            expected = play(graph, outside).seen()
        except UnsoundError:
            continue
        found = execute(graph, program, outside).seen()
        assert found.keys() == expected.keys(), (seed, number)
        for node, times in expected.items():
            assert sorted(found[node]) == sorted(times), (seed, number, node)
        compared += 1
    return compared


def once(graph: Graph, program: Program) -> None:
    blocks = [program.main, *program.functions.values()]
    found = [one for block in blocks for one in statements(block)]
    steps = [one.node for one in found if isinstance(one, Step | Container)]
    steps += [one.trigger for one in found if isinstance(one, Step) and one.trigger is not None]
    assert Counter(steps) == Counter(name for level in graph.levels() for name in level.nodes)


@pytest.mark.parametrize("batch", range(10))
def test_designs_of_blocks_have_a_program_without_regions(batch: int) -> None:
    for seed in range(batch * 60, batch * 60 + 60):
        graph = Blocks(Random(seed), 25).draw()
        found = structure(graph)
        assert found.diagnostics == []
        blocks = [found.program.main, *found.program.functions.values()]
        assert not any(isinstance(one, Region) for block in blocks for one in statements(block))
        once(graph, found.program)
        check(graph, found.program, seed)


@pytest.mark.parametrize("batch", range(5))
def test_blocks_that_share_what_stops_the_run_mean_the_same(batch: int) -> None:
    mix: Counter[str] = Counter()
    for seed in range(batch * 60, batch * 60 + 60):
        graph = Blocks(Random(seed), 25, telling=True).draw()
        found = structure(graph)
        once(graph, found.program)
        check(graph, found.program, seed)
        mix.update(features(graph, found.program))
    assert mix["once"] >= 3, mix


@pytest.mark.parametrize("batch", range(10))
def test_designs_of_any_shape_mean_the_same(batch: int) -> None:
    mix: Counter[str] = Counter()
    for seed in range(batch * 100, batch * 100 + 100):
        random = Random(seed)
        wild = Wild(random) if seed % 2 else Wild(random, ENDLESS, 0.4)
        graph = wild.draw(random.randint(3, 18))
        found = structure(graph)
        once(graph, found.program)
        mix["runs"] += check(graph, found.program, seed)
        mix.update(features(graph, found.program))
        for told in found.diagnostics:
            named = " → ".join(told.message.split("`")[1::2]).split(" → ")
            assert graph.design.nodes.keys() >= set(named), told.message
            assert told.node in graph.design.nodes
            assert told.pointer
            mix["told"] += 1
    least = {"runs": 600, "region": 50, "every": 30, "early": 8, "repeat": 30, "leave": 20}
    least |= {"container": 12, "fork": 20, "call": 15, "trigger": 3, "told": 15}
    least |= {"full": 8, "at once": 3, "tail": 2}
    assert all(mix[feature] >= count for feature, count in least.items()), mix


def features(graph: Graph, program: Program) -> set[str]:
    """What a design has."""
    blocks = [program.main, *program.functions.values()]
    found = {type(one).__name__.lower() for block in blocks for one in statements(block)}
    steps = (one for block in blocks for one in statements(block) if isinstance(one, Step))
    found |= {"trigger"} if any(step.trigger for step in steps) else set()
    again = (one for block in blocks for one in statements(block) if isinstance(one, Again))
    calls = (one for block in blocks for one in statements(block) if isinstance(one, Call))
    found |= {"once"} if any(one.once for one in calls) else set()
    found |= {"at once"} if any(one.at_once for one in again) else set()
    found |= (
        {"tail"} if any(not at.stops for at in map(graph.nodes.get, graph.tails) if at) else set()
    )
    bodies: list[Body] = [body_of(graph)]
    while bodies:
        for vertex in bodies.pop().vertices.values():
            found |= {"early"} if vertex.needs is not None else set()
            found |= {"every"} if vertex.every else set()
            found |= {"full"} if vertex.full else set()
            bodies += [] if vertex.inner is None else [vertex.inner]
    return found


@pytest.mark.parametrize("batch", range(5))
def test_sequential_designs_of_any_shape_have_no_regions(batch: int) -> None:
    for seed in range(batch * 60, batch * 60 + 60):
        graph = Wild(Random(seed), SEQUENTIAL, 0.0, EARLY).draw(14)
        found = structure(graph)
        blocks = [found.program.main, *found.program.functions.values()]
        assert not any(isinstance(one, Region) for block in blocks for one in statements(block))
        once(graph, found.program)
        check(graph, found.program, seed)
