"""All checks together on large designs: a time that grows with the design, and no deep recursion."""

import sys
import time
from collections.abc import Callable, Mapping
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from proflow_compiler.checks import run_checks
from proflow_compiler.design import Design, Edge, Node
from proflow_compiler.graph import build_graph
from proflow_schemas.nodes import NODE_TYPES
from proflow_schemas.settings import Settings


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


def chain() -> Design:
    """10,000 tasks, each of which reads the one before and the first."""
    canvas = Canvas()
    last = canvas.node("start")
    first: str | None = None
    for index in range(10_000):
        task = canvas.task(last if index else None)
        first = first or task
        canvas.edge(last, task)
        last = task
    canvas.edge(last, canvas.node("end"))
    return canvas.design()


def fork() -> Design:
    """10,000 branches that meet in a task which reads them all."""
    canvas = Canvas()
    start = canvas.node("start")
    tasks = [canvas.task() for _ in range(10_000)]
    reading = {str(i): f"${{steps.{task}.output}}" for i, task in enumerate(tasks)}
    join = canvas.node("task", {"handler": "work", "input": reading})
    for task in tasks:
        canvas.edge(start, task)
        canvas.edge(task, join)
    canvas.edge(join, canvas.node("end"))
    return canvas.design()


def switch() -> Design:
    """3,000 cases, each with an approval of the same match and an end of its own status."""
    canvas = Canvas()
    condition = canvas.node("condition")
    canvas.edge(canvas.node("start"), condition)
    for index in range(3_000):
        approval = canvas.node("approval", {"match": "data.id"})
        canvas.edge(condition, approval, f"event.data.kind == 'k{index}'")
        canvas.edge(approval, canvas.node("end", {"status": f"s{index}"}))
    canvas.edge(condition, canvas.node("end"))
    return canvas.design()


def ladder() -> Design:
    """60 forks in a row, 2^60 paths: each choice made twice, read behind both."""
    canvas = Canvas()
    last = canvas.node("start")
    for _ in range(60):
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


def rejections() -> Design:
    """5,000 approvals in a row that share one tail for rejections."""
    canvas = Canvas()
    last = canvas.node("start")
    tell = canvas.node("notify", {"to": "x"})
    canvas.edge(tell, canvas.node("end", {"status": "rejected"}))
    for _ in range(5_000):
        approval = canvas.node("approval", {"match": "data.id"})
        canvas.edge(last, approval)
        index = len(canvas.edges)
        canvas.edges.append(
            Edge(index, f"e{index}", approval, tell, f"/edges/{index}", handle="rejected")
        )
        last = approval
    canvas.edge(last, canvas.node("end"))
    return canvas.design()


def blocks() -> Design:
    """About 10,000 nodes in randomly nested sequences, forks and conditions, with reads."""
    canvas, random = Canvas(), Random(7)
    start = canvas.node("start")
    open_ends: list[tuple[str, str, int]] = []
    end = canvas.node("end")
    open_ends.append((start, end, 10_000))
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


def lattice() -> Design:
    """3,600 waits for one event on exclusive paths that cross everywhere."""
    canvas = Canvas()
    waits = {
        (row, column): canvas.node("wait", {"event": "x"})
        for row in range(60)
        for column in range(60)
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


def pairs() -> Design:
    """3,000 cases, each with two branches that meet those of the next: one event for all waits."""
    canvas = Canvas()
    condition, end = canvas.node("condition"), canvas.node("end")
    canvas.edge(canvas.node("start"), condition)
    tasks = [canvas.task() for _ in range(3_000)]
    for index, task in enumerate(tasks):
        canvas.edge(condition, task, f"event.data.kind == 'k{index}'" if index else None)
    for task, following in pairwise(tasks):
        wait = canvas.node("wait", {"event": "x"})
        canvas.edge(task, wait)
        canvas.edge(following, wait)
        canvas.edge(wait, end)
    return canvas.design()


DESIGNS = [chain, fork, switch, ladder, rejections, blocks, lattice, pairs]


@pytest.mark.parametrize("draw", DESIGNS)
def test_large_designs_take_less_than_a_few_hundred_milliseconds(
    draw: Callable[[], Design],
) -> None:
    graph = build_graph(draw())
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(220)
    try:
        began = time.process_time()
        found = run_checks(graph)
        took = time.process_time() - began
    finally:
        sys.setrecursionlimit(limit)
    codes = {one.code for one in found}
    assert codes <= {"PF306", "PF401", *(("PF307", "PF309") if draw is pairs else ())}
    # Four times what it takes on a slow machine: this is to notice a square, not a percentage.
    assert took < 30, f"{len(graph.nodes)} nodes took {took:.2f} s"
