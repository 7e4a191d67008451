"""Edits of small designs: the verdict on each position, and what really becomes of runs there.

Every edit is made to a design whose runs are in flight: wherever a run can be, the code is replaced
there, and the run goes on. If the comparison has said that it survives, it must end as a run of the
new design does.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache

import pytest
from diff.drawings import Edit, drawing
from diff.flying import Flight, World, compiled, fly
from proflow_compiler.diff import Comparison, compare
from proflow_schemas.definition import Definition, EndOp, blocks, walk
from proflow_schemas.step_ids import node_of

RETRY = {"retry": {"maxAttempts": 3, "initialInterval": "10m"}}

SEQUENCE = drawing(
    {"start": "start", "a": "task", "ask": "approval", "b": "task", "hear": "wait", "end": "end"},
    [("start", "a"), ("a", "ask"), ("ask", "b"), ("b", "hear"), ("hear", "end")],
    a=RETRY,
    b=RETRY,
    ask={"timeout": "2d"},
    hear={"event": "heard", "timeout": "1d"},
)
CHOICE = drawing(
    {
        "start": "start",
        "a": "task",
        "c": "condition",
        "big": "approval",
        "small": "approval",
        "pay": "task",
        "last": "approval",
        "end": "end",
    },
    [
        *(("start", "a"), ("a", "c"), ("c", "big", "when event.data.n > 5")),
        *(("c", "small", "default"), ("big", "pay"), ("small", "pay"), ("pay", "last")),
        ("last", "end"),
    ],
    a=RETRY,
)
FORK = drawing(
    {
        "start": "start",
        "a": "task",
        "p": "parallel",
        "b": "approval",
        "c": "delay",
        "d": "task",
        "j": "join",
        "e": "approval",
        "end": "end",
    },
    [
        *(("start", "a"), ("a", "p"), ("p", "b"), ("p", "c"), ("c", "d"), ("b", "j"), ("d", "j")),
        *(("j", "e"), ("e", "end")),
    ],
    a=RETRY,
    d=RETRY,
)
WORLDS = {
    "sequence": [
        World(answers={"ask": ("approved", 3600), "hear": ("received", 7200)}, failures={"a": 1}),
        World(answers={"ask": ("approved", 3600)}, failures={"b": 2}),
        World(answers={"ask": ("rejected", 3600)}),
    ],
    "choice": [
        World(
            {"n": n},
            {"big": ("approved", 60), "small": ("approved", 90), "last": (last, 30)},
            {"a": 1},
        )
        for n, last in ((9, "approved"), (1, "approved"), (1, "rejected"))
    ],
    "fork": [
        World(
            answers={"b": ("approved", after), "e": ("approved", 30)},
            failures={"a": 1, "d": failures},
        )
        for after, failures in ((60, 1), (7200, 2), (3900, 1))
    ],
}
WORLDS["rejection"] = [
    World(answers={"ask": (outcome, 3600)}, failures={"b": 1, "tell": 1})
    for outcome in ("approved", "rejected")
]
REJECTION = drawing(
    {"start": "start", "ask": "approval", "b": "task", "tell": "task", "end": "end"},
    [*(("start", "ask"), ("ask", "b"), ("b", "end")), ("ask", "tell", "rejected"), ("tell", "end")],
    b=RETRY,
    tell=RETRY,
)
ROUNDS = drawing(
    {"start": "start", "draft": "task", "check": "approval", "pay": "approval", "end": "end"},
    [
        *(("start", "draft"), ("draft", "check"), ("check", "pay"), ("pay", "end")),
        ("check", "draft", "returned"),
    ],
    draft=RETRY,
)
ONCE = Edit(ROUNDS).unlink("check", "draft").json
ITEMS = drawing(
    {"start": "start", "first": "task", "each": "foreach", "last": "approval", "end": "end"},
    [("start", "first"), ("first", "each"), ("each", "last"), ("last", "end")],
    first=RETRY,
    each={"items": "event.data.lines", "maxConcurrency": 2},
)
ITEMS = (
    Edit(ITEMS).add("a", "task", "each", **RETRY).add("b", "approval", "each").link("a", "b").json
)
TAILS = drawing(
    {
        "start": "start",
        "p": "parallel",
        "x": "approval",
        "y": "approval",
        "tell": "task",
        "no": "end",
        "done": "end",
    },
    [
        *(("start", "p"), ("p", "x"), ("p", "y"), ("x", "done"), ("y", "done")),
        *(("x", "tell", "rejected"), ("y", "tell", "rejected"), ("tell", "no")),
    ],
    no={"terminate": True},
    tell=RETRY,
)
REVIEW = drawing(
    {
        "start": "start",
        "draft": "task",
        "p": "parallel",
        "x": "approval",
        "y": "approval",
        "file": "task",
        "j": "join",
        "pay": "approval",
        "end": "end",
    },
    [
        *(("start", "draft"), ("draft", "p"), ("p", "x"), ("p", "y"), ("y", "file")),
        *(("x", "j"), ("file", "j"), ("j", "pay"), ("pay", "end")),
        *(("x", "draft", "returned"), ("y", "draft", "returned")),
    ],
    draft=RETRY,
    file=RETRY,
    j={"mode": "all"},
)
REVIEWS = [
    World(
        answers={
            "x": ("returned", "returned", "approved", x),
            "y": ("approved", "approved", "approved", y),
            "pay": ("approved",),
        },
        failures={"draft": failures, "file": failures},
    )
    for x, y, failures in ((3600.0, 60.0, 0), (60.0, 3600.0, 0), (3600.0, 3000.0, 1))
]
WORLDS |= {
    "all": WORLDS["fork"],
    "review": REVIEWS,
    "bounded": REVIEWS,
    "joined": REVIEWS,
    "tails": [
        World(answers={"x": (x, 60.0), "y": (y, 7200.0)}, failures={"tell": 1})
        for x, y in (("approved", "rejected"), ("rejected", "approved"), ("rejected", "rejected"))
    ],
}
WORLDS["quiet"] = WORLDS["tails"]
WORLDS |= {
    "rounds": [
        World(
            answers={"check": ("returned", "returned", "approved"), "pay": ("approved",)},
            failures={"draft": failures},
        )
        for failures in (0, 1)
    ],
    "once": [World(answers={"check": ("approved",), "pay": ("approved",)}, failures={"draft": 1})],
    "items": [
        World(
            {"lines": [1, 2, 3]},
            {"b": ("approved",) * 3, "last": ("approved",)},
            {"first": 1, "a": failures},
        )
        for failures in (0, 2)
    ],
}
DESIGNS = {
    "rounds": ROUNDS,
    "once": ONCE,
    "items": ITEMS,
    "all": Edit(FORK).config("j", mode="all").json,
    "tails": TAILS,
    "quiet": Edit(TAILS).config("no", terminate=None).json,
    "review": REVIEW,
    "bounded": Edit(REVIEW).back("x", "draft", 8).json,
    "joined": Edit(REVIEW).remove("draft").before("again", "p", "join").json,
    "rejection": REJECTION,
    "sequence": SEQUENCE,
    "choice": CHOICE,
    "fork": FORK,
}


@dataclass(frozen=True)
class Case:
    """An edit, and the positions that are lost by it, with a word of the reason."""

    design: str
    edit: Callable[[Edit], Edit]
    lost: dict[str, str] = field(default_factory=dict)


NEW = "new before"
CASES = {
    "nothing": Case("sequence", lambda e: e),
    "the order in the file": Case("sequence", lambda e: e.backwards()),
    "a step before an approval": Case(
        "sequence", lambda e: e.before("x", "ask"), {"ask": NEW, "b": NEW, "hear": NEW}
    ),
    "a step after an approval": Case(
        "sequence", lambda e: e.before("x", "b"), {"b": NEW, "hear": NEW}
    ),
    "a step at the end": Case("sequence", lambda e: e.before("x", "end")),
    "a step less, armed together with the wait after it": Case(
        "sequence",
        lambda e: e.remove("b"),
        {"b": "no `b` any more", "hear": "`b` may be open as well"},
    ),
    "a step less": Case("sequence", lambda e: e.remove("a"), {"a": "no `a` any more"}),
    "another id": Case(
        "sequence", lambda e: e.rename("b", "z"), {"b": "no `b` any more", "hear": NEW}
    ),
    "another type": Case(
        "sequence",
        lambda e: e.retype("b", "http", url="https://example.com"),
        {"b": "of type http", "hear": "of type http"},
    ),
    "other handlers": Case("sequence", lambda e: e.config("a", handler="x").config("b", input=1)),
    "another timeout": Case("sequence", lambda e: e.config("hear", timeout="3d")),
    "another event": Case(
        "sequence", lambda e: e.config("hear", event="seen"), dict.fromkeys(("b", "hear"), "`seen`")
    ),
    "another match": Case(
        "sequence",
        lambda e: e.config("hear", match="data.key"),
        dict.fromkeys(("b", "hear"), "`match`"),
    ),
    "timeouts that approve, where one ended the run": Case(
        "sequence", lambda e: e.config("ask", timeoutAction="approve")
    ),
    "timeouts that do nothing": Case(
        "sequence", lambda e: e.config("ask", timeoutAction="remind"), {"ask": "never does"}
    ),
    "a drawn rejection": Case(
        "sequence", lambda e: e.add("x", "task").link("ask", "x", "rejected").link("x", "end")
    ),
    "a rejection that stops": Case(
        "sequence", lambda e: e.add("no", "end", terminate=True).link("ask", "no", "rejected")
    ),
    "a rejection that is not drawn any more": Case(
        "rejection", lambda e: e.unlink("ask", "tell").drop("tell"), {"tell": "no `tell`"}
    ),
    "another rule": Case(
        "choice",
        lambda e: e.when("c", "big", "event.data.n > 3"),
        dict.fromkeys(("big", "small", "pay", "last"), "rules of `c`"),
    ),
    "branches swapped": Case(
        "choice",
        lambda e: e.swap(("c", "big"), ("c", "small")),
        dict.fromkeys(("big", "small", "pay", "last"), "`c`"),
    ),
    "a rule tried later": Case(
        "choice",
        lambda e: e.add("x", "task").link("c", "x", "when event.data.n == 1").link("x", "end"),
        dict.fromkeys(("small", "pay", "last"), "rules of `c`"),
    ),
    "a condition less": Case(
        "choice",
        lambda e: e.remove_choice("c", "small"),
        {"big": "no `big`", "small": "`c`", "pay": "`c`", "last": "`c`"},
    ),
    "another name of a condition": Case("choice", lambda e: e.rename("c", "k")),
    "values that cannot fail": Case(
        "choice", lambda e: e.before("x", "c", "set", values={"y": "1"})
    ),
    "values that may fail": Case(
        "choice",
        lambda e: e.before("x", "c", "set", values={"y": "event.data.n + 1"}),
        dict.fromkeys(("big", "small", "pay", "last"), "`x` would be computed"),
    ),
    "a join where ways meet": Case("choice", lambda e: e.before("j", "pay", "join")),
    "a branch that is waited for": Case(
        "fork", lambda e: e.add("x", "task").link("p", "x").link("x", "j"), {"e": NEW}
    ),
    "a branch of its own": Case(
        "fork", lambda e: e.add("x", "task").link("p", "x").link("x", "end")
    ),
    "a step on the other branch": Case("fork", lambda e: e.before("x", "j"), {"e": NEW}),
    "a step less on the other branch": Case(
        "fork",
        lambda e: e.remove("d"),
        {"d": "no `d` any more", "b": "`d` may be open as well: there is no `d` any more"},
    ),
    "a join that waits for one": Case(
        "fork", lambda e: e.config("j", mode="any"), {"e": "branches are needed before `e`"}
    ),
    "a join that needs all": Case(
        "fork", lambda e: e.config("j", mode="all"), {"e": "branches are needed before `e`"}
    ),
    "a join that needs all no more": Case(
        "all", lambda e: e.config("j", mode="active"), {"e": "branches are needed before `e`"}
    ),
    "a join that needs all for one": Case(
        "all", lambda e: e.config("j", mode=1), {"e": "branches are needed before `e`"}
    ),
    "another name of a join that needs all": Case("all", lambda e: e.rename("j", "k")),
    "a step behind a join that needs all": Case("all", lambda e: e.before("x", "e"), {"e": NEW}),
    "rejections that do not stop any more": Case(
        "tails",
        lambda e: e.config("no", terminate=None),
        dict.fromkeys(("x", "y", "tell"), "branches are needed before `tell`"),
    ),
    "rejections that stop": Case(
        "quiet", lambda e: e.config("no", terminate=True), {"tell": "needed"}
    ),
    "a rejection that is told of by others": Case(
        "tails",
        lambda e: (
            e.unlink("y", "tell").add("cry", "task").link("y", "cry", "rejected").link("cry", "no")
        ),
        dict.fromkeys(("x", "y", "tell"), "branches are needed before `tell`"),
    ),
    "a rejection that stops without being told of": Case(
        "tails",
        lambda e: e.unlink("x", "tell").link("x", "no", "rejected"),
        dict.fromkeys(("x", "y", "tell"), "branches are needed before `tell`"),
    ),
    "a step after a review": Case("review", lambda e: e.before("z", "pay"), {"pay": NEW}),
    "more returns of a review": Case("review", lambda e: e.back("x", "draft", 12)),
    "returns without a bound of their own": Case("bounded", lambda e: e.back("x", "draft", 10)),
    "fewer returns of a review": Case(
        "review",
        lambda e: e.back("x", "draft", 2),
        dict.fromkeys(("draft", "x", "y", "file", "pay"), "more than 2 times"),
    ),
    "a review one after the other": Case(
        "review",
        lambda e: e.unlink("p", "y").unlink("x", "j").link("x", "y"),
        {
            "draft": "`y` would have to wait for `x`",
            "x": "`y` would have to wait for `x`",
            "y": "`y` would have to wait for `x`",
            "file": "`y` would have to wait for `x`",
            "pay": "branches",
        },
    ),
    "a third one in a review": Case(
        "review",
        lambda e: e.add("z", "task").link("p", "z").link("z", "j"),
        {"pay": "branches are needed before `pay`"},
    ),
    "a third one in a review who may return": Case(
        "review",
        lambda e: (
            e.add("z", "approval").link("p", "z").link("z", "j").link("z", "draft", "returned")
        ),
        {
            **dict.fromkeys(("draft", "x", "y", "file"), "`z` is new in the loop"),
            "pay": "branches are needed before `pay`",
        },
    ),
    "another step in one branch of a review": Case(
        "review",
        lambda e: e.before("z", "y"),
        dict.fromkeys(("draft", "x", "y", "file", "pay"), "it is new before `y`"),
    ),
    "rounds with a branch beside": Case(
        "rounds",
        lambda e: e.add("z", "task").link("draft", "z").add("noted", "end").link("z", "noted"),
        dict.fromkeys(("draft", "check", "pay"), "gone or changed"),
    ),
    "other handlers in a review": Case("review", lambda e: e.config("draft", handler="x")),
    "another begin of a review": Case(
        "joined",
        lambda e: e.rename("again", "anew"),
        dict.fromkeys(("x", "y", "file", "pay"), "gone or changed"),
    ),
    "another name of a join": Case("fork", lambda e: e.rename("j", "k")),
    "branches one after the other": Case(
        "fork",
        lambda e: e.unlink("b", "j").unlink("p", "c").link("b", "c"),
        {"b": "`c`", "c": "`c`", "d": "`c`", "e": "`b`"},
    ),
    "a branch that stops the run": Case(
        "fork",
        lambda e: e.add("x", "end", terminate=True).link("p", "x"),
        dict.fromkeys("bcde", "would stop at `x`"),
    ),
    "another duration": Case("fork", lambda e: e.config("c", duration="2h")),
    "more returns": Case("rounds", lambda e: e.back("check", "draft", 20)),
    "fewer returns": Case(
        "rounds",
        lambda e: e.back("check", "draft", 2),
        dict.fromkeys(("draft", "check", "pay"), "more than 2 times"),
    ),
    "no returns": Case(
        "rounds",
        lambda e: e.unlink("check", "draft"),
        dict.fromkeys(("draft", "check", "pay"), "may have been taken"),
    ),
    "a step within the rounds": Case(
        "rounds",
        lambda e: e.between("x", "draft", "check"),
        {"draft": NEW, "check": NEW, "pay": NEW},
    ),
    "a step after the rounds": Case("rounds", lambda e: e.before("x", "pay"), {"pay": NEW}),
    "first returns": Case("once", lambda e: e.link("check", "draft", "returned")),
    "a step of items": Case(
        "items",
        lambda e: e.between("x", "a", "b"),
        {"a": NEW, "b": NEW, "last": NEW},
    ),
    "a last step of items": Case(
        "items",
        lambda e: e.add("x", "task", "each").link("b", "x"),
        dict.fromkeys(("a", "b", "last"), "ends an item"),
    ),
    "other items": Case(
        "items",
        lambda e: e.config("each", items="event.data.rows"),
        dict.fromkeys(("a", "b", "last"), "items of `each`"),
    ),
    "more items at once": Case("items", lambda e: e.config("each", maxConcurrency=3)),
    "fewer items at once": Case(
        "items", lambda e: e.config("each", maxConcurrency=1), {"a": "admits", "b": "admits"}
    ),
    "a step after the items": Case("items", lambda e: e.before("x", "last"), {"last": NEW}),
    "an error edge of the items": Case(
        "items", lambda e: e.add("x", "task").link("each", "x", "error").link("x", "end")
    ),
    "another design": Case(
        "sequence", lambda e: e.named("other"), dict.fromkeys(("a", "ask", "b", "hear"), "`other`")
    ),
}


def definitions(case: Case) -> tuple[Definition, Definition, Comparison]:
    old = compiled(DESIGNS[case.design])
    new = compiled(case.edit(Edit(DESIGNS[case.design])).json)
    assert old is not None
    assert new is not None
    return old[1], new[1], compare(old, new)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_exactly_these_positions_are_lost(case: Case) -> None:
    _, _, found = definitions(case)
    lost = {one.node: one.reason or "" for one in found.positions if not one.survives}
    assert lost.keys() == case.lost.keys(), lost
    for node, reason in lost.items():
        assert case.lost[node] in reason
    assert found.ok == (not lost)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_is_said_to_survive_ends_as_the_new_design_does(case: Case) -> None:
    old, new, found = definitions(case)
    swapped = sum(
        check(old, new, found, world, moments(case.design, index))
        for index, world in enumerate(WORLDS[case.design])
    )
    assert swapped or len(case.lost) == len(found.positions)


@cache
def moments(design: str, world: int) -> list[tuple[datetime, frozenset[str]]]:
    """When the code could be replaced in a run of a design, and what is open then."""
    compilation = compiled(DESIGNS[design])
    assert compilation is not None
    return moments_of(compilation[1], WORLDS[design][world])


def moments_of(old: Definition, world: World) -> list[tuple[datetime, frozenset[str]]]:
    found = []
    for moment in asyncio.run(fly(old, world)).moments:
        at = moment + timedelta(milliseconds=1)
        found.append((at, frozenset(asyncio.run(fly(old, world, to=old, at=at)).open)))
    return found


def check(
    old: Definition,
    new: Definition,
    found: Comparison,
    world: World,
    at: Sequence[tuple[datetime, frozenset[str]]],
) -> int:
    """Replaces the code at these times of a run; gives how many times it had to survive."""
    survives = {one.node for one in found.positions if one.survives}
    assert {node for _, open_ in at for node in open_} <= {one.node for one in found.positions}
    alive = [moment for moment, open_ in at if open_ and open_ <= survives]
    if alive:
        expected = asyncio.run(fly(new, world))
    for moment in alive:
        flight = asyncio.run(fly(old, world, to=new, at=moment))
        assert differences(flight, expected, new) == [], (moment, flight.open)
    return len(alive)


def differences(flight: Flight, expected: Flight, new: Definition) -> list[str]:
    """In what a run whose code was replaced did not end as one of the new design.

    Where something stops a run, how far its other branches are by then is a matter of time.
    """
    found = [f"`{step}` was executed {n} times" for step, n in flight.done.items() if n > 1]
    if "is not on the way" in str(flight.run.error):
        found.append(f"it lost its way: {flight.run.error}")
    if _stops(new) and (flight.run.status, expected.run.status) != ("Completed", "Completed"):
        return found
    if flight.run.status != expected.run.status:
        found.append(f"it is {flight.run.status}, not {expected.run.status}: {flight.run.error}")
    if flight.waiting != expected.waiting:
        found.append(f"it is left waiting for {flight.waiting}, not for {expected.waiting}")
    if expected.stopped or flight.stopped or _stops(new):
        return found
    if flight.run.output != expected.run.output:
        found.append(f"it came to {flight.run.output}, not to {expected.run.output}")
    known = {node.id for node in new.canvas.nodes}
    done = {step for step in flight.done if node_of(step) in known}
    if done != set(expected.done):
        found.append(f"it did {sorted(done)}, not {sorted(expected.done)}")
    return found


def _stops(definition: Definition) -> bool:
    """Whether it has an end that stops everything else."""
    ops = (op for block in blocks(definition) for op in walk(block))
    return any(isinstance(op, EndOp) and (op.terminate or op.fail) for op in ops)
