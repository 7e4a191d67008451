"""Random edits of random designs: whatever is said to survive does."""

import json
import os
from collections import Counter
from random import Random
from typing import Any

import pytest
from diff.drawings import Edit
from diff.flying import Json, World, compiled
from diff.test_replacing import check, moments_of
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from parity.environments import children, random_outside
from parity.growing import Drawing as Grown
from parity.growing import grow
from proflow_compiler.diff import compare
from proflow_compiler.lowering import lower

from benchmarks.designs import Drawing, blocks

EXAMPLES = int(os.environ.get("PROFLOW_EXAMPLES", "80")) // 3
"""Designs; each is edited several times. More of them with `PROFLOW_EXAMPLES=1000`."""
EDITS = 4


def random_world(drawing: Drawing, random: Random) -> World:
    data: dict[str, Any] = {"n": random.randint(0, 9), "key": "k-1"}
    answers: dict[str, tuple[str | float, ...]] = {}
    for condition, outcomes in drawing.choices.items():
        data[condition.replace("-", "_")] = random.choice(outcomes)
    for node in drawing.nodes:
        name = node["id"]
        if node["type"] == "approval":
            outcome = random.choice(["approved", "approved", "approved", "rejected"])
            answers[name] = (outcome, float(drawing.slots[name]))
        elif node["type"] == "wait":
            answers[name] = ("received", float(drawing.slots[name]))
    failures = {
        name: random.randint(1, attempts - 1)
        for name, attempts in drawing.retried.items()
        if random.random() < 0.7
    }
    return World(data, answers, failures)


def random_edit(edit: Edit, random: Random) -> str:
    """Changes one thing; gives what. The design may be one that does not compile any more."""
    nodes, edges = edit.json["nodes"], edit.json["edges"]
    inner = [one for one in nodes if one["type"] not in ("start", "end")]
    node, drawn = random.choice(inner or nodes), random.choice(edges)
    kind = random.choice(
        (
            "insert",
            "insert",
            "beside",
            "remove",
            "rename",
            "config",
            "move",
            "swap",
            "rule",
            "own",
            "bound",
            "mode",
            "stop",
        )
    )
    match kind:
        case "insert":
            edit.between("new", drawn["source"], drawn["target"], random.choice(("task", "join")))
        case "beside":
            join = random.choice([one["id"] for one in nodes if one["type"] != "start"])
            edit.add("new", "task").link(drawn["source"], "new", drawn.get("sourceHandle"))
            edit.link("new", join)
        case "own":
            edit.add("new", "task").link(drawn["source"], "new", drawn.get("sourceHandle"))
            edit.add("new-end", "end", terminate=random.random() < 0.3).link("new", "new-end")
        case "remove":
            if sum(one["source"] == node["id"] for one in edges) == 1:
                edit.remove(node["id"])
        case "rename":
            edit.rename(node["id"], "renamed")
        case "config" if node["type"] == "approval":
            edit.config(node["id"], approverIds=["7"])
        case "config" if node["type"] == "wait":
            edit.config(node["id"], event="other/event")
        case "config" if node["type"] == "set":
            edit.config(node["id"], values={"n": random.choice(("1", "2 + event.data.n"))})
        case "config" if node["type"] == "task":
            edit.config(node["id"], handler="other")
        case "bound":
            back = [one for one in edges if "loop" in one.get("data", {})]
            held = [one for one in nodes if one["type"] in ("foreach", "loop")]
            if back and random.random() < 0.5:
                random.choice(back)["data"]["loop"] = {"max": random.randint(1, 6)}
            elif held:
                box = random.choice(held)
                key = "maxConcurrency" if box["type"] == "foreach" else "maxIterations"
                edit.config(box["id"], **{key: random.randint(1, 4)})
        case "mode":
            joins = [one["id"] for one in nodes if one["type"] == "join"]
            if joins:
                mode = random.choice(("all", "any", "active", 2, None))
                edit.config(random.choice(joins), mode=mode)
        case "stop":
            ends = [one["id"] for one in nodes if one["type"] == "end"]
            edit.config(random.choice(ends), terminate=random.choice((True, None)))
        case "move":
            drawn["target"] = random.choice(nodes)["id"]
        case "swap":
            other = random.choice(edges)
            drawn["target"], other["target"] = other["target"], drawn["target"]
        case "rule":
            ruled = [one for one in edges if "when" in one.get("data", {})]
            if ruled:
                random.choice(ruled)["data"]["when"] = "event.data.n > 4"
    return kind


def grown_world(drawing: Grown, random: Random) -> World:
    """What `random_outside` says; what fails does so less often than it is tried, or always."""
    outside = random_outside(drawing, random)
    failures = {
        step: 999 if random.random() < 0.3 else count - 1
        for step, count in outside.failures.items()
    }
    answers = {step: (one.outcome, float(one.after)) for step, one in outside.answers.items()}
    children_ = [lower(graph)[0] for graph in children().values()]
    others = [one for one in children_ if one is not None]
    return World(outside.data, answers, failures, outside.outputs, others)


def replace_in_flight(drawn: Json, world: World, random: Random, seen: Counter[str]) -> None:
    """Edits a design several times, and replaces its code wherever a run of it may be."""
    old = compiled(drawn)
    if old is None:
        return
    at = moments_of(old[1], world)
    for _ in range(EDITS):
        edit = Edit(drawn)
        kinds = [random_edit(edit, random) for _ in range(random.choice((1, 1, 2)))]
        new = compiled(edit.json)
        if new is None:
            seen["refused"] += 1
            continue
        found = compare(old, new)
        note(f"{kinds}\n{json.dumps(drawn)}\n{json.dumps(edit.json)}\n{world}")
        note("\n".join(f"{one.node}: {one.reason}" for one in found.positions))
        seen["survived"] += check(old[1], new[1], found, world, at)
        seen.update(kinds)
        seen["lost"] += sum(not one.survives for one in found.positions)
        seen["kept"] += sum(one.survives for one in found.positions)


SETTINGS = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    # A seed does not shrink to a smaller design, only sizes do.
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@pytest.mark.long
def test_whatever_is_said_to_survive_a_random_edit_of_blocks_does() -> None:
    seen: Counter[str] = Counter()

    @SETTINGS
    @given(size=st.integers(4, 16), random=st.randoms(use_true_random=True))
    def replaced(size: int, random: Random) -> None:
        drawing = blocks(size, random)
        replace_in_flight(drawing.json(), random_world(drawing, random), random, seen)

    replaced()
    print(seen)
    assert all(seen[kind] for kind in ("insert", "beside", "remove", "rename", "rule", "own"))
    assert min(seen["survived"], seen["lost"], seen["kept"]) > EXAMPLES


@pytest.mark.long
def test_whatever_is_said_to_survive_a_random_edit_of_any_design_does() -> None:
    seen: Counter[str] = Counter()

    @SETTINGS
    @given(size=st.integers(4, 16), random=st.randoms(use_true_random=True))
    def replaced(size: int, random: Random) -> None:
        drawing = grow(size, random)
        replace_in_flight(drawing.json(), grown_world(drawing, random), random, seen)

    replaced()
    print(seen)
    assert all(seen[kind] for kind in ("insert", "remove", "rename", "own", "bound"))
    assert min(seen["survived"], seen["lost"], seen["kept"]) > EXAMPLES // 2
