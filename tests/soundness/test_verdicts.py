"""The compiler's verdicts on random designs are those of the judge, who tries every run."""

import os
import random
from collections import Counter
from collections.abc import Iterable
from copy import deepcopy
from itertools import pairwise

import pytest
from proflow_compiler.diagnostics import Diagnostic

from soundness.designs import is_way_back, random_design
from soundness.fuzz import Design, diagnosed, differences, judged, with_read
from soundness.oracle import Level, judge

EXAMPLES = int(os.environ.get("PROFLOW_EXAMPLES", "300"))
"""Random designs per test; more of them with `PROFLOW_EXAMPLES=5000`."""
BATCHES = 10
USUAL = {"approval": "approved", "wait": "received"}


def drawn(seed: int) -> tuple[random.Random, Design]:
    source = random.Random(f"verdict {seed}")
    return source, random_design(source, source.randint(4, 11))


def seeds(batch: int) -> range:
    return range(batch, EXAMPLES, BATCHES)


@pytest.mark.parametrize("batch", range(BATCHES))
def test_the_verdict_is_that_of_every_run(batch: int) -> None:
    mix: Counter[str] = Counter()
    for seed in seeds(batch):
        source, design = drawn(seed)
        if source.random() < 0.35:
            design = with_read(source, design)
        assert differences(design) == set(), design
        mix.update({code for code, _ in judged(design)} or {"sound"})
    least = {"sound": 5, "PF210": 20, "PF218": 20, "PF211": 30}
    assert all(mix[code] >= len(seeds(batch)) // share for code, share in least.items()), mix


@pytest.mark.parametrize("batch", range(BATCHES))
def test_the_path_shown_is_one_of_a_run_that_breaks_the_promise(batch: int) -> None:
    shown: Counter[str] = Counter()
    for seed in seeds(batch):
        _, design = drawn(seed)
        if judged(design) & {("PF206", "")}:
            continue
        for one in diagnosed(design):
            if one.code in ("PF210", "PF211", "PF218"):
                assert is_witness(design, one), (one.message, one.path, one.choices, design)
                shown[one.code] += 1
    least = len(seeds(batch)) // 30
    assert all(shown[code] >= least for code in ("PF210", "PF211", "PF218")), shown


def is_witness(design: Design, one: Diagnostic) -> bool:
    """Whether some run that breaks the promise goes along the path, with the outcomes shown."""
    node = str(one.node)
    level = next(level for level in judge(design).levels if node in level.nodes)
    breaking = {"PF210": level.starved, "PF211": level.doubled, "PF218": level.unclear}[one.code]
    runs = breaking().get(node, 0)
    for before, after in pairwise(one.path):
        runs &= _any(
            taken
            for index, taken in level.taken.items()
            if (level.edges[index].source, level.edges[index].target) == (before, after)
        )
    for at, outcome in one.choices:
        runs &= _left_by(level, at, outcome)
    begins = all(edge.index < 0 for edge in level.into[one.path[0]])  # not by a drawn edge
    return bool(runs) and begins and one.path[-1] == node


def _left_by(level: Level, node: str, outcome: str) -> int:
    """The runs that leave a node by an outcome; all if the outcome is the name of a rule."""
    found = [
        mask
        for mask, option in zip(level.chooses[node], level.options[node], strict=True)
        if option.outcome == outcome
    ]
    return level.runs[node] & _any(found) if found else level.every


def _any(masks: Iterable[int]) -> int:
    result = 0
    for mask in masks:
        result |= mask
    return result


def test_what_is_not_reached_or_has_no_way_on_is_found() -> None:
    mix: Counter[str] = Counter()
    for seed in range(EXAMPLES):
        source, design = drawn(seed)
        for _ in range(source.randint(1, 2)):
            design["edges"].remove(source.choice(design["edges"]))
        found = diagnosed(design)
        codes = {one.code for one in found}
        if codes & {"PF201", "PF202", "PF203", "PF206"} or has_cycles(design):
            continue
        ended = {one.node for one in found if one.code == "PF205"}
        assert ended == dead_ends(design), design
        if not codes & {"PF210"}:
            lost = len(reached(design)) < len(design["nodes"]) or bool(judge(design).never)
            assert ("PF204" in codes) == lost, design
            mix["PF204"] += lost
        mix["PF205"] += bool(ended)
    assert min(mix["PF204"], mix["PF205"]) > EXAMPLES / 20, mix


def has_cycles(design: Design) -> bool:
    return any(level.back or level.irreducible for level in judge(design).levels)


def reached(design: Design) -> set[str]:
    """The nodes that edges lead to from the start, and in containers that are, from all entries."""
    found: set[str] = set()
    targets = {edge["target"] for edge in design["edges"]}
    open_ = ["start"]
    while open_:
        id = open_.pop()
        if id not in found:
            found.add(id)
            open_ += [edge["target"] for edge in design["edges"] if edge["source"] == id]
            open_ += [
                node["id"]
                for node in design["nodes"]
                if node.get("parentId") == id and node["id"] not in targets
            ]
    return found


def dead_ends(design: Design) -> set[str]:
    """The nodes outside of containers that a run comes to and whose usual outcome leads nowhere."""
    found = set()
    for node in design["nodes"]:
        id, kind = node["id"], node["type"]
        if kind == "end" or node.get("parentId") or id not in reached(design):
            continue
        out = [edge for edge in design["edges"] if edge["source"] == id]
        usual = [
            edge
            for edge in out
            if edge.get("sourceHandle") in (None, USUAL.get(kind, "default"))
            or kind in ("condition", "inclusive", "parallel", "join", "set", "delay", "start")
        ]
        if not usual:
            found.add(id)
    return found


def test_an_edge_that_is_said_to_lead_back_does_or_is_reported() -> None:
    mix: Counter[bool] = Counter()
    for seed in range(EXAMPLES):
        source, design = drawn(seed)
        edge = source.choice(design["edges"])
        changed = deepcopy(design)
        said = changed["edges"][design["edges"].index(edge)]
        said["data"] = {**said.get("data", {}), "loop": {"max": 2}}
        codes = {one.code for one in diagnosed(changed)}
        if "PF206" in codes:
            continue
        leads_back = is_way_back(changed, said)
        assert ("PF207" in codes) is not leads_back, changed
        mix[leads_back] += 1
    assert min(mix.values()) > EXAMPLES / 60, mix
