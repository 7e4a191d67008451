"""The judge says of these designs what a person would say."""

import random
from itertools import pairwise
from typing import Any

import pytest

from soundness.clock import happened
from soundness.designs import is_drawn_well, mix, random_design, runs_of
from soundness.oracle import INSTANT, Verdict, judge, levels_of

_LETTERS = {
    "a": ("approval", {"approverIds": ["1"], "timeout": "2d", "allowReturn": True}),
    "t": ("task", {"handler": "work"}),
    "n": ("notify", {"to": "user:1", "content": "x"}),
    "w": ("wait", {"event": "order/paid", "timeout": "1d"}),
    "c": ("condition", {}),
    "i": ("inclusive", {}),
    "p": ("parallel", {}),
    "s": ("set", {"values": {"total": "1 + 1"}}),
    "f": ("foreach", {"items": "event.data.items"}),
    "e": ("end", {}),
    "x": ("end", {"status": "rejected", "terminate": True}),
    "y": ("end", {"fail": True}),
    "j": ("join", {}),
    "k": ("join", {"mode": "all"}),
    "o": ("join", {"mode": "one"}),
    "v": ("join", {"mode": "any"}),
    "u": ("join", {"mode": "active"}),
}


def drawn(*ways: str, inside: dict[str, str] | None = None) -> dict[str, Any]:
    """Draw a design from ways such as `start > p1 > a1, a2 > k1 > e1` and `a1 rejected > x1`.

    The first letter of a node says what it is. An outcome that is `?` is a rule, `-` the default.
    """
    ids: dict[str, None] = {"start": None}
    edges: list[dict[str, Any]] = []
    for way in ways:
        places = [place.split(",") for place in way.split(">")]
        for sources, targets in pairwise(places):
            for source in sources:
                name, _, outcome = source.strip().partition(" ")
                for target in targets:
                    to = target.strip().split(" ")[0]
                    ids |= {name: None, to: None}
                    edge: dict[str, Any] = {"source": name, "target": to}
                    if outcome == "?":
                        edge["data"] = {"when": f"event.data.{name}_{to} == true"}
                    elif outcome == "-":
                        edge["data"] = {"default": True}
                    elif outcome:
                        edge["sourceHandle"] = outcome
                    edges.append(edge)
    nodes = []
    for id in ids:
        kind, data = ("start", {}) if id == "start" else _LETTERS[id[0]]
        node: dict[str, Any] = {"id": id, "type": kind, "data": dict(data)}
        if inside and id in inside:
            node["parentId"] = inside[id]
        nodes.append(node)
    return {"id": "drawn", "nodes": nodes, "edges": edges}


def found(verdict: Verdict) -> str:
    """What is wrong, as `starved k1 k2, unclear j1`."""
    parts = []
    for name in ("starved", "doubled", "unclear", "conflicting"):
        if ids := getattr(verdict, name):
            parts.append(" ".join([name, *sorted(ids)]))
    return ", ".join([*parts, *(["irreducible"] if verdict.irreducible else [])]) or "sound"


REVIEW = "start > p1 > a1, a2"
JOINED = (REVIEW, "a1, a2 > k1 > t1 > e1")
UNNAMED = (REVIEW, "a1, a2 > j1 > t1 > e1")

CASES: dict[str, tuple[tuple[str, ...], str]] = {
    # Promises
    "rejections that are not drawn": (JOINED, "sound"),
    "a shared notification before a shared rejection": (
        (*JOINED, "a1 rejected, a2 rejected > n1 > x1"),
        "sound",
    ),
    "a shared notification before an end that stops nothing": (
        (*JOINED, "a1 rejected, a2 rejected > n1 > e2"),
        "starved k1",
    ),
    "one of two steps fails, is compensated, and stops": (
        ("start > p1 > t1, t2 > k1 > t3 > e1", "t1 error, t2 error > t4 > x1"),
        "sound",
    ),
    "one of two steps fails, is compensated, and stops nothing": (
        ("start > p1 > t1, t2 > k1 > t3 > e1", "t1 error, t2 error > t4 > e2"),
        "starved k1",
    ),
    "a choice before a join of all that stops": (
        ("start > c1", "c1 ? > t1 > k1", "c1 - > t2 > k1 > x1"),
        "starved k1",
    ),
    "one of two arrivals, then a stop": (("start > a1, a2 > o1 > t1 > x1",), "doubled o1"),
    "one of two arrivals, on one branch of a choice": (
        ("start > c1", "c1 ? > p1 > a1, a2 > o1 > t1 > x1", "c1 - > e1"),
        "doubled o1",
    ),
    "one of two arrivals, then a failure": (("start > t1, o1", "t1 > o1 > y1"), "doubled o1"),
    "one of two ways of a choice": (
        ("start > c1", "c1 ? > t1 > o1", "c1 - > t2 > o1 > e1"),
        "sound",
    ),
    "a stop behind a starved join": (
        (
            "start > c1, t1, t2",
            "c1 ? > k1",
            "c1 - > e1",
            "t1 > k1",
            "k1 > k2 > x1",
            "t2 > k2",
        ),
        "starved k1 k2",
    ),
    "a stop behind a join, and a way to it that goes around": (
        ("start > c1, t1, t2", "c1 ? > k1", "c1 - > e1", "t1 > k1 > v1 > x1", "t2 > v1"),
        "sound",
    ),
    "three joins in series, of which two starve": (
        (
            "start > t1, t2, t3, c1",
            "t1, t2 > k1 > k2",
            "c1 ? > k2",
            "c1 - > e1",
            "k2, t3 > k3 > e2",
        ),
        "starved k2 k3",
    ),
    "joins side by side, of which one starves": (
        (
            "start > t1, t2, c1",
            "t1, t2 > k1 > e1",
            "t2 > k2 > e2",
            "c1 ? > k2",
            "c1 - > e3",
        ),
        "starved k2",
    ),
    "a stop inside of a foreach excuses nothing outside": (
        ("start > f1, c1", "f1 > k1 > e1", "c1 ? > k1", "c1 - > e2", "a1 > t1", "a1 rejected > x1"),
        "starved k1",
    ),
    "two stops at one instant": (
        ("start > c1, c2", "c1 ?, c2 ? > k1 > t1 > e1", "c1 - > x1", "c2 - > y1"),
        "sound",
    ),
    "two stops at one instant, and a join without a mode": (
        ("start > c1, c2", "c1 ?, c2 ? > j1 > t1 > e1", "c1 - > x1", "c2 - > y1"),
        "sound",
    ),
    # Branches that walked away
    "a rejection that notifies first, and a join without a mode": (
        (*UNNAMED, "a1 rejected, a2 rejected > n1 > x1"),
        "unclear j1",
    ),
    "a rejection that stops at once, and a join without a mode": (
        (*UNNAMED, "a1 rejected, a2 rejected > x1"),
        "sound",
    ),
    "a shared rejection of departments that meet in a plain end": (
        (REVIEW, "a1, a2 > j1 > e1", "a1 rejected, a2 rejected > x1"),
        "sound",
    ),
    "branches that meet in an ordinary node": (
        ("start > a1, a2 > t1 > e1", "a1 rejected > e2"),
        "unclear t1",
    ),
    "branches that meet in a plain end": (("start > a1, a2 > e1", "a1 rejected > e2"), "sound"),
    "a join that says to go on without": (
        ("start > a1, a2 > u1 > t1 > e1", "a1 rejected > e2"),
        "sound",
    ),
    "an `any` join behind a branch that walked away": (
        ("start > a1, a2 > v1 > t1 > e1", "a1 rejected > e2"),
        "sound",
    ),
    "an `any` join before a join that a branch walked away from": (
        ("start > a1, a2, a3", "a1, a2 > v1 > j1", "a3 > j1 > t1 > e1", "a3 rejected > e2"),
        "unclear j1",
    ),
    "a branch that left by a choice": (
        ("start > c1, t1", "c1 ? > t2 > j1", "c1 - > e1", "t1 > j1 > t3 > e2"),
        "unclear j1",
    ),
    "a choice whose ways all meet": (
        ("start > c1, t1", "c1 ? > t2 > j1", "c1 - > j1", "t1 > j1 > t3 > e2"),
        "sound",
    ),
    "a compensation that two steps share": (
        ("start > t1, t2", "t1 > e1", "t2 > e2", "t1 error, t2 error > t3 > e3"),
        "sound",
    ),
    "an inclusive branch that was not chosen": (
        ("start > i1", "i1 ? > t1, t2", "i1 - > t3", "t1, t2, t3 > j1 > t4 > e1"),
        "sound",
    ),
    "an inclusive branch that was chosen, and walked away": (
        (
            "start > i1",
            "i1 ? > a1, t2",
            "i1 - > t3",
            "a1, t2, t3 > j1 > t4 > e1",
            "a1 rejected > e2",
        ),
        "unclear j1",
    ),
    "the meeting node is a sibling itself": (
        ("start > a1, t1", "a1 > t1 > e1", "a1 rejected > e2"),
        "unclear t1",
    ),
    "a rejection behind a join of all, and somebody beside it": (
        ("start > a1, a2, t1", "a1, a2 > k1 > j1", "t1 > j1 > t2 > e1"),
        "sound",
    ),
    "a payment that ends the run is no tail": (
        ("start > a1, a2 > t1 > x1", "a1 rejected > e1"),
        "unclear t1",
    ),
    "a stop behind a join of all, to which another way leads": (
        ("start > c1, t1, t2", "c1 ? > k1", "c1 - > e1", "t1 > k1 > t3 > x1", "t2 > t3"),
        "unclear t3",
    ),
    "a rejection behind a join of all that notifies first, and somebody beside it": (
        ("start > a1, a2, t1", "a1, a2 > k1 > j1", "t1 > j1 > t2 > e1", "a2 rejected > n1 > x1"),
        "unclear j1",
    ),
    "a default outcome that is a choice": (
        ("start > t1, t2", "t1 ? > j1", "t1 - > e1", "t2 > j1 > t3 > e2"),
        "unclear j1",
    ),
    "two leavings on one way, of which one is a choice": (
        (
            "start > p1, t1",
            "p1 > t2, c1",
            "t2, t1 > e1",
            "t2 error, t1 error > t3 > e2",
            "c1 ? > t3",
            "c1 - > e3",
        ),
        "unclear t3",
    ),
    "an inclusive node that does not choose a way": (
        ("start > i1, t1", "i1 ? > t2, e1", "i1 - > e1", "t2, t1 > t3 > e2"),
        "sound",
    ),
    "a rejection's tail that several branches share at different times": (
        (
            "start > a1 > a2 > e1",
            "start > a3 > e2",
            "a1 rejected, a2 rejected, a3 rejected > n1 > x1",
        ),
        "sound",
    ),
    # Loops
    "a redraft loop with a notification before the rejection": (
        (
            "start > t1 > p1 > a1, a2 > k1 > c1",
            "a1 rejected, a2 rejected > n1 > x1",
            "c1 ? > t1",
            "c1 - > t2 > e1",
        ),
        "sound",
    ),
    "a redraft loop around approvals with a rejection that stops": (
        (
            "start > t1 > p1 > a1, a2 > k1 > c1",
            "a1 rejected, a2 rejected > x1",
            "c1 ? > t1",
            "c1 - > t2 > e1",
        ),
        "sound",
    ),
    "one of two approvals returns to before the fork": (
        ("start > t1 > p1 > a1, a2 > j1 > e1", "a1 returned, a2 returned > t1"),
        "sound",
    ),
    "one of two approvals is rejected to before the fork": (
        ("start > t1 > p1 > a1, a2 > j1 > e1", "a1 rejected > t1"),
        "conflicting t1",
    ),
    "two ways back at once": (
        ("start > t1 > p1 > a1, a2 > k1 > e1", "a1 rejected, a2 rejected > t1"),
        "conflicting t1",
    ),
    "a way back before a join of all that is in the loop": (
        ("start > t1 > p1 > a1, a2 > k1 > c1", "a1 rejected > t1", "c1 ? > t1", "c1 - > e1"),
        "sound",
    ),
    "a way back that takes time, and a join in the loop": (
        (
            "start > t1 > p1 > a1, a2 > j1 > c1",
            "a1 rejected > t2 > t1",
            "c1 ? > t1",
            "c1 - > e1",
        ),
        "unclear j1, conflicting t1",
    ),
    "a cycle with two ways in": (
        ("start > c1", "c1 ? > t1", "c1 - > t2", "t1 > c2", "c2 ? > t2", "c2 - > e1", "t2 > t1"),
        "irreducible",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_person_would_say_so(case: str) -> None:
    ways, expected = CASES[case]
    inside = dict.fromkeys(("a1", "t1", "x1"), "f1") if "foreach" in case else None
    assert found(judge(drawn(*ways, inside=inside))) == expected


@pytest.mark.parametrize(
    ("ways", "x", "y", "expected"),
    [
        (("start > t1 > t2 > e1",), "t1", "t2", True),
        (("start > t1 > t2 > e1",), "t2", "t1", False),
        (("start > t1, t2 > t3 > e1",), "t1", "t2", False),
        (("start > t1, t2 > t3 > e1",), "t1", "t3", True),
        (("start > t1, t2 > v1 > t3 > e1",), "t1", "t3", False),
        (("start > t4 > t1, t2 > v1 > t3 > e1",), "t4", "t3", True),
        (("start > c1", "c1 ? > t1 > t2", "c1 - > t2 > e1"), "t1", "t2", False),
        (("start > a1, t1 > t2 > e1", "a1 rejected > e2"), "a1", "t2", True),
        (("start > a1, t1", "a1 > t3 > t2", "t1 > t2 > e1"), "t3", "t2", True),
        (("start > a1, t1", "a1 > t3 > t2", "t1 > t2 > e1", "a1 rejected > x1"), "t3", "t2", True),
        (("start > a1, t1", "a1 > t3 > t2", "t1 > t2 > e1", "a1 rejected > e2"), "t3", "t2", False),
        ((*JOINED, "a1 rejected, a2 rejected > n1 > x1"), "a1", "n1", False),
        ((*JOINED, "a1 rejected, a2 rejected > n1 > x1"), "a1", "t1", True),
        (("start > t1 > t2 > c1", "c1 ? > t1", "c1 - > t3 > e1"), "t2", "t1", False),
        (("start > t1 > t2 > c1", "c1 ? > t1", "c1 - > t3 > e1"), "t2", "t3", True),
        (("start > t1, t2, t3 > v1 > t4 > e1",), "t1", "t4", False),
        (
            (
                "start > t1 > p1 > a1, a2 > k1 > c1",
                "a1 rejected > n1 > x1",
                "c1 ? > t1",
                "c1 - > e1",
            ),
            *("a2", "n1", False),
        ),
    ],
)
def test_what_surely_ran(ways: tuple[str, ...], x: str, y: str, expected: bool) -> None:
    assert judge(drawn(*ways)).surely_ran(x, y) is expected


def test_a_number_of_arrivals_is_sure_of_what_too_few_lack() -> None:
    design = drawn("start > t1 > t2, t3", "t2, t3 > v1 > t5 > e1", "start > t4 > v1")
    next(node for node in design["nodes"] if node["id"] == "v1")["data"]["mode"] = 2
    assert judge(design).surely_ran("t1", "t5")
    assert not judge(design).surely_ran("t4", "t5")


def test_a_verdict_shows_a_run() -> None:
    verdict = judge(drawn(*JOINED, "a1 rejected > e2"))
    assert "a1: rejected → e2" in verdict.shown["PF210", "k1"]


def test_random_designs_are_drawn_well_and_are_of_all_kinds() -> None:
    kinds: set[str] = set()
    sound = 0
    for seed in range(400):
        source = random.Random(seed)
        design = random_design(source, source.randint(4, 10))
        assert is_drawn_well(design)
        kinds |= mix(design)
        sound += judge(design).sound
    assert kinds >= {"join all", "join n", "shared stop tail", "returned back", "children"}
    assert 100 < sound < 300


def test_what_surely_ran_did_at_all_durations() -> None:
    source = random.Random(5)
    compared = [0, 0]
    for _ in range(250):
        design = random_design(source, source.randint(4, 8))
        level = levels_of(design)[0]
        timed = [id for id, node in level.nodes.items() if node.kind not in INSTANT]
        if level.back or level.irreducible or runs_of(design) > 60:
            continue
        began: set[tuple[str, int]] = set()
        before: dict[tuple[str, str], bool] = {}
        for run in range(level.every.bit_length()):
            for slow in [*timed, None, None, None]:
                lasting = {id: source.choice((1, 2, 3, 5, 8)) + source.random() for id in timed}
                if slow is not None:
                    lasting = {id: 1000.0 if id == slow else lasting[id] / 10 for id in timed}
                begun, ended = happened(level, run, lasting)
                for y, begin in begun.items():
                    assert level.begins(y) >> run & 1
                    began.add((y, run))
                    for x in timed:
                        earlier = x in ended and ended[x] <= begin
                        before[x, y] = before.get((x, y), True) and earlier
        for (x, y), earlier in before.items():
            if x != y:
                assert level.surely_ran(x, y) is earlier, (design, x, y)
                compared[earlier] += 1
    assert min(compared) > 100
