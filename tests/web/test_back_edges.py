"""The editor sees the same back edges as the compiler, with the same bounds.

`web/tests/back-edges.json` has designs with their back edges, by the places of the edges. It is
written by `pytest --snapshot-update` from what the compiler finds; the unit tests of the page hold
the editor against it.
"""

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from proflow_compiler.graph import DEFAULT_RETURNS, build_graph
from proflow_compiler.reader import read

WEB = Path(__file__).parents[2] / "web"
CASES = WEB / "tests" / "back-edges.json"
RANDOM = 80

Edge = tuple[str, str] | tuple[str, str, int]


def design(names: Sequence[str], edges: Sequence[Edge]) -> dict[str, Any]:
    """A design; nodes in the container `f` are called `f.…`, the start `s`."""
    nodes: list[dict[str, Any]] = []
    for name in names:
        node: dict[str, Any] = {"id": name, "type": "task", "data": {"handler": "work"}}
        if name[0] == "s":
            node = {"id": name, "type": "start"}
        elif name == "f":
            node = {"id": name, "type": "foreach", "data": {"items": "[1]"}}
        if "." in name:
            node["parentId"] = name.split(".")[0]
        nodes.append(node)
    return {
        "nodes": nodes,
        "edges": [
            {"source": source, "target": target}
            | ({"data": {"loop": {"max": bound[0]}}} if bound else {})
            for source, target, *bound in edges
        ],
    }


def drawn_by_hand() -> Iterator[dict[str, Any]]:
    yield design("sbc", [("s", "b"), ("b", "c"), ("c", "b")])
    yield design("sbc", [("s", "b"), ("b", "c"), ("c", "b", 3)])
    yield design("sb", [("s", "b"), ("b", "b")])
    # Headers that are shared, and loops in loops
    yield design(
        "sbcde",
        [("s", "b"), ("b", "c"), ("c", "d"), ("d", "c"), ("d", "b"), ("c", "b"), ("d", "e")],
    )
    # Circles that are entered twice; once a bound is stated, nothing else is inferred
    yield design("sbc", [("s", "b"), ("s", "c"), ("b", "c"), ("c", "b")])
    yield design("sbc", [("s", "b"), ("s", "c"), ("b", "c"), ("c", "b", 2)])
    # An edge with a bound enters a circle, which then has no beginning
    yield design("sbxc", [("s", "b"), ("s", "x"), ("b", "c"), ("c", "b"), ("x", "c", 2)])
    yield design("sbcd", [("s", "b"), ("b", "c", 2), ("c", "d"), ("d", "c")])
    yield design("sbc", [("s", "b"), ("b", "c", 2), ("c", "b")])
    # Containers: items begin where nothing leads to
    yield design(
        ["s", "f", "f.b", "f.c", "f.d"],
        [("s", "f"), ("f.b", "f.c"), ("f.c", "f.d"), ("f.d", "f.c")],
    )
    yield design(["s", "f", "f.b", "f.c"], [("s", "f"), ("f.b", "f.c"), ("f.c", "f.b")])
    yield design(["s", "f", "f.b"], [("s", "f"), ("f.b", "f.b")])
    yield design(["s", "f", "f.b", "f.c"], [("s", "f"), ("f.b", "f.c"), ("f.c", "f.b", 4)])
    # No start, two of them, what no run comes to
    yield design("bc", [("b", "c"), ("c", "b")])
    yield design(["s", "s2", "b", "c"], [("s", "b"), ("s2", "b"), ("b", "c"), ("c", "b")])
    yield design("sbc", [("b", "c"), ("c", "b")])
    yield design("sbcx", [("s", "b"), ("b", "c"), ("c", "b"), ("x", "c")])


def at_random(source: random.Random) -> dict[str, Any]:
    names = ["s", *(f"n{number}" for number in range(source.randint(2, 6)))]
    if source.random() < 0.3:
        names = ["s", "f", *(f"f.{name}" for name in names[1:])]
    inside = [name for name in names if name not in ("s", "f")]
    edges: dict[tuple[str, str], Edge] = {("s", names[1]): ("s", names[1])}
    for _ in range(len(names) + source.randint(0, 5)):
        begin = source.choice(inside if "f" in names else names)
        pair = (begin, source.choice(inside))
        bound = (source.randint(1, 5),) if source.random() < 0.15 else ()
        edges.setdefault(pair, (*pair, *bound))
    return design(names, list(edges.values()))


def back_edges(drawn: dict[str, Any]) -> dict[str, int]:
    """The compiler's: the place of each back edge, and its bound."""
    (found,) = read(json.dumps(drawn).encode(), "drawn.json").designs
    ways = (way for level in build_graph(found).levels() for way in level.back)
    bounds = {way.edge.edge.index: way.limit for way in ways if way.edge.edge is not None}
    return {str(index): bounds[index] for index in sorted(bounds)}


def cases() -> str:
    source = random.Random(11)
    designs = [*drawn_by_hand(), *(at_random(source) for _ in range(RANDOM))]
    lines = (json.dumps({"back": back_edges(one), "design": one}) for one in designs)
    return "[\n" + ",\n".join(lines) + "\n]\n"


def test_the_cases_of_the_editor_are_those_of_the_compiler(
    request: pytest.FixtureRequest,
) -> None:
    expected = cases()
    if request.config.getoption("--snapshot-update"):
        CASES.write_text(expected, encoding="utf-8")
    assert CASES.read_text(encoding="utf-8") == expected


def test_there_are_cases_of_all_kinds() -> None:
    found = [(one["back"], one["design"]) for one in json.loads(CASES.read_text(encoding="utf-8"))]
    inferred = sum(DEFAULT_RETURNS in back.values() for back, _ in found)
    stated = sum(any(bound < DEFAULT_RETURNS for bound in back.values()) for back, _ in found)
    assert min(inferred, stated, len(found) - inferred) > 15
