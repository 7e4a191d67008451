"""Fixes of random designs: each mends, brings no other error, and changes nothing else.

The designs are often unsound in ways that their drawer did not think of. Whether a fix mends is
asked of the compiler, and of the judge, which shares nothing with it.
"""

import json
import os
import random
from collections import Counter
from copy import deepcopy
from typing import Any

import jsonpatch
import pytest
from proflow_compiler.diagnostics import Diagnostic, Fix, Level
from proflow_compiler.diagnostics.patching import patched
from proflow_compiler.fixes.proving import hidden
from proflow_compiler.pipeline import compile_reading
from proflow_compiler.reader import read

from soundness.designs import random_design
from soundness.fuzz import judged, with_read
from soundness.oracle import Level as Runs
from soundness.oracle import levels_of

EXAMPLES = int(os.environ.get("PROFLOW_EXAMPLES", "300"))
"""Unsound designs; more of them with `PROFLOW_EXAMPLES=2000`."""
HANDLERS = {"work": None}
JUDGED = ("PF204", "PF210", "PF211", "PF218")
MENDED = ("PF206", "PF207", "PF208", "PF210", "PF211", "PF216", "PF218", "PF304")
Design = dict[str, Any]


def drawn(seed: int) -> Design:
    """The design of a seed, one in three with a read in it, one in six with a jump."""
    source = random.Random(seed)
    design = random_design(source, source.randint(4, 12))
    if source.random() < 0.16:
        return with_jump(source, design)
    return with_read(source, design) if source.random() < 0.35 else design


def with_jump(source: random.Random, design: Design) -> Design:
    """The design, with an edge by which a failure or a rejection leads anywhere, often back."""
    design = deepcopy(design)
    level = [node for node in design["nodes"] if "parentId" not in node]
    leaving = {(edge["source"], edge.get("sourceHandle")) for edge in design["edges"]}
    handles = {"task": "error", "notify": "error", "approval": "rejected", "wait": "timeout"}
    free = [
        node["id"]
        for node in level
        if node["type"] in handles and (node["id"], handles[node["type"]]) not in leaving
    ]
    targets = [node["id"] for node in level if node["type"] != "start"]
    for id in source.sample(free, min(2, len(free))):
        kind = next(node["type"] for node in level if node["id"] == id)
        edge = {"source": id, "target": source.choice(targets), "sourceHandle": handles[kind]}
        if source.random() < 0.4:
            edge["data"] = {"loop": {"max": 2}}
        design["edges"].append(edge)
    led_to = {edge["target"] for edge in design["edges"] if edge["source"] == "start"}
    if source.random() < 0.5 and (others := [one for one in targets if one not in led_to]):
        design["edges"].append({"source": "start", "target": source.choice(others)})
    return design


def diagnosed(text: str) -> list[Diagnostic]:
    compilation = compile_reading(read(text.encode(), "drawn.json"), handlers=HANDLERS)
    return [*compilation.reading.diagnostics, *compilation.diagnostics]


def place(one: Diagnostic) -> tuple[str, str | None, str | None]:
    """What it is about; of joins one of several edges is shown."""
    return one.code, one.node, None if one.code in ("PF210", "PF211") else one.edge


def errors(found: list[Diagnostic]) -> Counter[tuple[str, str | None, str | None]]:
    return Counter(place(one) for one in found if one.level is Level.ERROR)


def alike(found: list[Diagnostic], one: Diagnostic) -> int:
    """How many are the same, whatever example they give; of reads that of the same step."""
    same = [it for it in found if place(it) == place(one)]
    return sum(one.code != "PF304" or it.message == one.message for it in same)


def check_changes(design: Design, fix: Fix, text: str) -> None:
    """The file is what an independent JSON Patch makes of it, and few things are touched."""
    patch = [
        {**{k: v for k, v in edit.as_json().items() if k != "pointer"}, "path": edit.pointer}
        for edit in fix.edits
    ]
    assert json.loads(text) == jsonpatch.apply_patch(design, patch)
    for edit in fix.edits:
        _, collection, _, *rest = edit.pointer.split("/")
        assert collection in ("nodes", "edges")
        assert edit.op == "add" or rest or edit.op == "remove"


def check_mended(design: Design, found: list[Diagnostic], one: Diagnostic, fix: Fix) -> Design:
    """Apply a fix, and look at everything that is claimed of it."""
    before = json.dumps(design, indent=1)
    text = patched(before, fix.edits)
    check_changes(design, fix, text)
    after = diagnosed(text)
    assert alike(after, one) < alike(found, one), (fix.title, design)
    new = errors(after) - errors(found)
    assert not [error for error in new if not hidden(error, one)], (fix.title, new, design)
    return json.loads(text)  # type: ignore[no-any-return]


def check_judged(design: Design, after: Design, one: Diagnostic, fix: Fix) -> bool:
    """Whether the judge found the same before; it agrees then that it is gone."""
    about = (one.code, str(one.node))
    if one.code not in JUDGED:
        return False
    before, then = judged(design), judged(after)
    if about not in before or any(code == "PF208" for code, _ in before | then):
        return False  # what such a loop means is not said
    assert about not in then, (fix.title, design)
    # A read by what never began was not judged before.
    new = {code for code, _ in then} - {code for code, _ in before}
    assert new <= {"PF304"}, (fix.title, design)
    return True


def rejected_away(level: Runs, join: str) -> dict[int, int]:
    """Runs in which a rejection leads away from a join and starves it.

    Each as it were if approved instead.
    """
    found: dict[int, int] = {}
    stride = 1
    for id, options in level.options.items():
        outcomes = [option.outcome for option in options]
        if id != join and join in level.after[id] and {"rejected", "approved"} <= {*outcomes}:
            rejected = outcomes.index("rejected")
            targets = {level.edges[index].target for index in options[rejected].edges}
            if not any(join in level.after[target] for target in targets):
                runs = level.starved()[join] & level.runs[id] & level.chooses[id][rejected]
                step = (outcomes.index("approved") - rejected) * stride
                found |= {run: run + step for run in bits(runs)}
        stride *= len(options)
    return found


def bits(mask: int) -> list[int]:
    return [place for place, bit in enumerate(reversed(f"{mask:b}")) if bit == "1"]


def arriving(level: Runs, join: str, run: int) -> set[int]:
    return {edge.index for edge in level.into[join] if level.taken[edge.index] >> run & 1}


def check_never_both(design: Design, after: Design, join: str) -> bool:
    """A run that starved a join by a rejection does not go on behind it now."""
    level = next(one for one in levels_of(design) if join in one.nodes)
    then = next(one for one in levels_of(after) if join in one.nodes)
    if level.irreducible or then.irreducible:
        return False
    assert level.every == then.every
    goes_on = then.begins(join)
    decisive = [
        run
        for run, approved in rejected_away(level, join).items()
        if arriving(level, join, run) != arriving(level, join, approved)
    ]
    assert not any(goes_on >> run & 1 for run in decisive), (join, design)
    return bool(decisive)


@pytest.mark.long
def test_fixes_of_random_designs_mend() -> None:
    counts: Counter[str] = Counter()
    seed = unsound = 0
    while unsound < EXAMPLES:
        seed += 1
        design = drawn(seed)
        found = diagnosed(json.dumps(design, indent=1))
        counts["designs"] += 1
        unsound += any(one.level is Level.ERROR for one in found)
        clear = not any(one.code == "PF207" for one in found)  # else it has no meaning yet
        for one in found:
            counts[f"{one.code} found"] += 1
            counts[f"{one.code} with a fix"] += bool(one.fixes)
            for index, fix in enumerate(one.fixes):
                counts[f"{one.code} fixes"] += 1
                after = check_mended(design, found, one, fix)
                counts["judged"] += clear and check_judged(design, after, one, fix)
                if clear and one.code == "PF210" and not index:
                    counts["rejections"] += check_never_both(design, after, str(one.node))
    for name, number in sorted(counts.items()):
        print(f"{number:7} {name}")
    assert all(counts[f"{code} with a fix"] for code in MENDED if counts[f"{code} found"] > 5)
    assert counts["rejections"] > EXAMPLES / 60
