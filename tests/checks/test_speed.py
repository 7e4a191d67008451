"""All checks together on large designs: work that grows with the design, and no deep recursion."""

import functools
import gc
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from proflow_compiler.design import Design, Edge, Node
from proflow_compiler.diagnostics import Level
from proflow_compiler.graph import build_graph
from proflow_compiler.rules import run_checks
from proflow_schemas.node_types import NODE_TYPES
from proflow_schemas.settings import Settings
from work import counted


class Canvas:
    """Draws a design node by node."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.edges: list[Edge] = []

    def node(self, kind: str, config: Mapping[str, Any] | None = None) -> str:
        name = f"{kind}{len(self.nodes)}"
        at = f"/nodes/{len(self.nodes)}"
        parsed = NODE_TYPES[kind].config.model_validate(config or {})
        self.nodes[name] = Node(name, kind, name, parsed, at, at)
        return name

    def task(self, reads: str | None = None) -> str:
        value = None if reads is None else f"${{steps.{reads}.output}}"
        return self.node("task", {"handler": "work", "input": value})

    def edge(self, source: str, target: str, when: str | None = None) -> None:
        index = len(self.edges)
        at = f"/edges/{index}"
        self.edges.append(Edge(index, f"e{index}", source, target, at, when=when))

    def design(self) -> Design:
        return Design("large", "large", self.nodes, tuple(self.edges), Settings())


def chain(size: int) -> Design:
    """Tasks in a row, each of which reads the one before and the first."""
    canvas = Canvas()
    last = canvas.node("start")
    first: str | None = None
    for index in range(size):
        task = canvas.task(last if index else None)
        first = first or task
        canvas.edge(last, task)
        last = task
    canvas.edge(last, canvas.node("end"))
    return canvas.design()


def fork(size: int) -> Design:
    """Branches that meet in a task which reads them all."""
    canvas = Canvas()
    start = canvas.node("start")
    tasks = [canvas.task() for _ in range(size)]
    reading = {str(i): f"${{steps.{task}.output}}" for i, task in enumerate(tasks)}
    join = canvas.node("task", {"handler": "work", "input": reading})
    for task in tasks:
        canvas.edge(start, task)
        canvas.edge(task, join)
    canvas.edge(join, canvas.node("end"))
    return canvas.design()


def switch(size: int) -> Design:
    """Cases, each with an approval of the same match and an end of its own status."""
    canvas = Canvas()
    condition = canvas.node("condition")
    canvas.edge(canvas.node("start"), condition)
    for index in range(size):
        approval = canvas.node("approval", {"match": "data.id"})
        canvas.edge(condition, approval, f"event.data.kind == 'k{index}'")
        canvas.edge(approval, canvas.node("end", {"status": f"s{index}"}))
    canvas.edge(condition, canvas.node("end"))
    return canvas.design()


def ladder(size: int) -> Design:
    """Forks in a row, of 60 there are 2^60 paths: each choice made twice, read behind both."""
    canvas = Canvas()
    last = canvas.node("start")
    for _ in range(size):
        one, two = canvas.task(), canvas.task()
        canvas.edge(last, one)
        canvas.edge(last, two)
        last = canvas.node(
            "task",
            {"handler": "work", "input": [f"${{steps.{one}.output}}", f"${{steps.{two}.output}}"]},
        )
        canvas.edge(one, last)
        canvas.edge(two, last)
    canvas.edge(last, canvas.node("end"))
    return canvas.design()


def rejections(size: int) -> Design:
    """Approvals in a row that share one tail for rejections."""
    canvas = Canvas()
    last = canvas.node("start")
    tell = canvas.node("notify", {"to": "x"})
    canvas.edge(tell, canvas.node("end", {"status": "rejected"}))
    for _ in range(size):
        approval = canvas.node("approval", {"match": "data.id"})
        canvas.edge(last, approval)
        index = len(canvas.edges)
        canvas.edges.append(
            Edge(index, f"e{index}", approval, tell, f"/edges/{index}", handle="rejected")
        )
        last = approval
    canvas.edge(last, canvas.node("end"))
    return canvas.design()


def blocks(size: int) -> Design:
    """About so many nodes in randomly nested sequences, forks and conditions, with reads."""
    canvas, random = Canvas(), Random(7)
    start = canvas.node("start")
    open_ends: list[tuple[str, str, int]] = []
    end = canvas.node("end")
    open_ends.append((start, end, size))
    while open_ends:
        source, target, size = open_ends.pop()
        rule = None
        if size < 4:
            task = canvas.task(source if source.startswith("task") else None)
            canvas.edge(source, task)
            canvas.edge(task, target)
            continue
        kind = random.choice(["sequence", "parallel", "condition"])
        if kind == "sequence":
            middle = canvas.task(source if source.startswith("task") else None)
            half = random.randrange(1, size - 1)
            open_ends += [(source, middle, half), (middle, target, size - half)]
            continue
        opening, closing = canvas.node(kind), canvas.node("join")
        canvas.edge(source, opening)
        canvas.edge(closing, target)
        width = random.randrange(2, 6)
        for index in range(width):
            if kind == "condition" and index:
                rule = f"event.data.n == {index}"
            first = canvas.task()
            canvas.edge(opening, first, rule)
            open_ends.append((first, closing, size // width))
    return canvas.design()


def lattice(size: int) -> Design:
    """A square of waits for one event on exclusive paths that cross everywhere."""
    canvas = Canvas()
    waits = {
        (row, column): canvas.node("wait", {"event": "x"})
        for row in range(size)
        for column in range(size)
    }
    end = canvas.node("end")
    canvas.edge(canvas.node("start"), waits[0, 0])
    for (row, column), wait in waits.items():
        after = [waits.get((row + 1, column)), waits.get((row, column + 1))]
        first, *others = [one for one in after if one is not None] or [end]
        canvas.edge(wait, first, "event.data.down" if others else None)
        for other in others:
            canvas.edge(wait, other)
    return canvas.design()


def pairs(size: int) -> Design:
    """Cases, each with two branches that meet those of the next: one event for all waits."""
    canvas = Canvas()
    condition, end = canvas.node("condition"), canvas.node("end")
    canvas.edge(canvas.node("start"), condition)
    tasks = [canvas.task() for _ in range(size)]
    for index, task in enumerate(tasks):
        canvas.edge(condition, task, f"event.data.kind == 'k{index}'" if index else None)
    for task, following in pairwise(tasks):
        wait = canvas.node("wait", {"event": "x"})
        canvas.edge(task, wait)
        canvas.edge(following, wait)
        canvas.edge(wait, end)
    return canvas.design()


def diamonds(size: int) -> Design:
    """Conditions in a row whose cases meet in joins that need exactly one."""
    canvas = Canvas()
    last = canvas.node("start")
    for index in range(size):
        condition, join = canvas.node("condition"), canvas.node("join", {"mode": "one"})
        canvas.edge(last, condition)
        for rule in (f"event.data.x{index}", None):
            task = canvas.task()
            canvas.edge(condition, task, rule)
            canvas.edge(task, join)
        last = join
    canvas.edge(last, canvas.node("end"))
    return canvas.design()


def nested(size: int) -> Design:
    """Forks within forks, each with a join that needs all."""
    canvas = Canvas()
    last = canvas.node("start")
    joins: list[str] = []
    for _ in range(size):
        parallel, task, join = canvas.node("parallel"), canvas.task(), canvas.node("join", ALL)
        canvas.edge(last, parallel)
        canvas.edge(parallel, task)
        canvas.edge(task, join)
        joins.append(join)
        last = parallel
    for join in reversed([*joins, canvas.task()]):
        canvas.edge(last, join)
        last = join
    canvas.edge(last, canvas.node("end"))
    return canvas.design()


def loops(size: int) -> Design:
    """Loops in a row, in each a fork and a join that needs all."""
    canvas = Canvas()
    last = canvas.node("start")
    for index in range(size):
        head, join, condition = canvas.task(), canvas.node("join", ALL), canvas.node("condition")
        canvas.edge(last, head)
        for task in (canvas.task(), canvas.task()):
            canvas.edge(head, task)
            canvas.edge(task, join)
        canvas.edge(join, condition)
        canvas.edge(condition, head, f"event.data.x{index}")
        canvas.edges[-1] = replace(canvas.edges[-1], loop=3)
        last = condition
    canvas.edge(last, canvas.node("end"))
    return canvas.design()


def starving(size: int) -> Design:
    """Joins in a row that need all, of which each can be starved."""
    canvas = Canvas()
    last = canvas.node("start")
    for index in range(size):
        condition, join = canvas.node("condition"), canvas.node("join", ALL)
        canvas.edge(last, condition)
        canvas.edge(last, join)
        canvas.edge(condition, join, f"event.data.x{index}")
        canvas.edge(condition, canvas.node("end"))
        last = join
    canvas.edge(last, canvas.node("end"))
    return canvas.design()


ALL = {"mode": "all"}
FOUND = {"PF306", "PF401"}
DESIGNS: list[tuple[Callable[[int], Design], int, set[str]]] = [
    (chain, 10_000, FOUND),
    (fork, 10_000, FOUND),
    (switch, 3_000, FOUND),
    (ladder, 60, FOUND),
    (rejections, 5_000, FOUND),
    (blocks, 10_000, FOUND),
    (lattice, 60, FOUND),
    (pairs, 3_000, {*FOUND, "PF307", "PF309"}),
    (diamonds, 3_000, FOUND),
    (nested, 2_000, FOUND),
    (loops, 1_500, FOUND),
    (starving, 2_000, {*FOUND, "PF210"}),
]


@pytest.mark.parametrize(("draw", "size", "codes"), DESIGNS)
def test_large_designs_need_no_deep_recursion(
    draw: Callable[[int], Design], size: int, codes: set[str]
) -> None:
    graph = build_graph(draw(size))
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(220)
    try:
        found = run_checks(graph)
    finally:
        sys.setrecursionlimit(limit)
    assert {one.code for one in found if one.level is not Level.INFO} <= codes


@pytest.mark.parametrize(("draw", "size", "codes"), DESIGNS)
def test_work_grows_with_the_design(
    draw: Callable[[int], Design], size: int, codes: set[str]
) -> None:
    small, large = draw(size // 10), draw(size // 5)
    times = len(large.nodes) / len(small.nodes)
    assert calls(large, draw(3)) < 1.4 * times * calls(small, draw(3))


def calls(design: Design, other: Design) -> int:
    """How many functions the checks of a design call, those written in C too.

    Before, only `other` is checked: what is found out once per process is known, and nothing that
    another design has in common with this one.
    """
    for one in gc.get_objects():
        if isinstance(one, functools._lru_cache_wrapper) and one.__module__.startswith("proflow"):
            one.cache_clear()
    run_checks(build_graph(other))
    graph = build_graph(design)
    return counted(lambda: run_checks(graph))[1]
