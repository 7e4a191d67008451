"""Random edits of random designs: whatever is said to survive does."""

import json
import os
from collections import Counter
from random import Random
from typing import Any

from diff.drawings import Edit
from diff.flying import World, compiled
from diff.test_replacing import check, moments_of
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from proflow_compiler.diff import compare

from benchmarks.designs import Drawing, blocks

EXAMPLES = int(os.environ.get("PROFLOW_EXAMPLES", "80")) // 2
"""Designs; each is edited several times. More of them with `PROFLOW_EXAMPLES=1000`."""
EDITS = 6
SEEN: Counter[str] = Counter()


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
        ("insert", "insert", "beside", "remove", "rename", "config", "move", "swap", "rule", "own")
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
        case "config" if node["type"] in ("approval", "wait"):
            edit.config(node["id"], timeout="30d")
        case "config" if node["type"] == "set":
            edit.config(node["id"], values={"n": random.choice(("1", "2 + event.data.n"))})
        case "config" if node["type"] == "task":
            edit.config(node["id"], handler="other")
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


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    # A seed does not shrink to a smaller design, only sizes do.
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(size=st.integers(4, 16), random=st.randoms(use_true_random=True))
def random_replacements(size: int, random: Random) -> None:
    drawing = blocks(size, random)
    drawn = json.loads(json.dumps(drawing.json()))
    old = compiled(drawn)
    if old is None:
        return
    world = random_world(drawing, random)
    at = moments_of(old[1], world)
    for _ in range(EDITS):
        edit = Edit(drawn)
        kinds = [random_edit(edit, random) for _ in range(random.choice((1, 1, 2)))]
        new = compiled(edit.json)
        if new is None:
            SEEN["refused"] += 1
            continue
        found = compare(old, new)
        note(f"{kinds}\n{json.dumps(drawn)}\n{json.dumps(edit.json)}\n{world}")
        note("\n".join(f"{one.node}: {one.reason}" for one in found.positions))
        survived = check(old[1], new[1], found, world, at)
        SEEN.update(kinds)
        SEEN["survived"] += survived
        SEEN["lost positions"] += sum(not one.survives for one in found.positions)
        SEEN["kept positions, edited"] += sum(one.survives for one in found.positions)


def test_whatever_is_said_to_survive_a_random_edit_does() -> None:
    SEEN.clear()
    random_replacements()
    print(SEEN)
    assert all(SEEN[kind] for kind in ("insert", "beside", "remove", "rename", "rule", "own"))
    assert SEEN["survived"] > EXAMPLES
    assert SEEN["lost positions"] > EXAMPLES
    assert SEEN["kept positions, edited"] > EXAMPLES
