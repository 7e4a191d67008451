"""Compares the compiler with the judge on random designs: `python -m soundness.fuzz --help`."""

import argparse
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from copy import deepcopy
from pathlib import Path
from typing import Any

from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.graph import build_graph
from proflow_compiler.reader import read
from proflow_compiler.rules import run_checks

from soundness.designs import is_drawn_well, mix, random_design, without_vain_bounds
from soundness.oracle import judge

Design = dict[str, Any]
Found = set[tuple[str, str]]
"""Codes, each with the node it is about; "" where it is about the design."""

CODES = ("PF204", "PF206", "PF208", "PF210", "PF211", "PF218", "PF304")
_READABLE = ("task", "approval", "wait", "set", "delay", "condition", "foreach", "notify")
_SHOWN = 25
"""How many differing designs of one kind are written."""


def with_read(source: random.Random, design: Design) -> Design:
    """The design, in which a task reads what another node of its level left."""
    parents = {node["id"]: node.get("parentId") for node in design["nodes"]}
    pairs = [
        (x, y)
        for y in design["nodes"]
        for x in design["nodes"]
        if y["type"] == "task"
        and x["type"] in _READABLE
        and x is not y
        and parents[x["id"]] == parents[y["id"]]
    ]
    if not pairs:
        return design
    x, y = source.choice(pairs)
    design = deepcopy(design)
    task = next(node for node in design["nodes"] if node["id"] == y["id"])
    task["data"]["input"] = {"seen": f"${{steps.{x['id']}.outcome}}"}
    return design


def read_of(design: Design) -> tuple[str, str] | None:
    """What is read, and by which task."""
    for node in design["nodes"]:
        if seen := node["data"].get("input"):
            return seen["seen"].split(".")[1], node["id"]
    return None


def judged(design: Design) -> Found:
    """What the judge finds."""
    verdict = judge(design)
    if verdict.irreducible:
        return {("PF206", "")}
    found = {
        *(("PF204", id) for id in verdict.never),
        *(("PF208", id) for id in verdict.conflicting),
        *(("PF210", id) for id in verdict.starved),
        *(("PF211", id) for id in verdict.doubled),
        *(("PF218", id) for id in verdict.unclear),
    }
    if (pair := read_of(design)) is not None and not verdict.surely_ran(*pair):
        found.add(("PF304", pair[1]))
    return found


def diagnosed(design: Design) -> list[Diagnostic]:
    """What the compiler says."""
    reading = read(json.dumps(design).encode(), "drawn.json")
    found = list(reading.diagnostics)
    for one in reading.designs:
        found += run_checks(build_graph(one))
    return found


def compiled(design: Design) -> tuple[Found, set[str]]:
    """What the compiler finds, and the codes of its other errors."""
    found: Found = set()
    others: set[str] = set()
    for one in diagnosed(design):
        if one.code == "PF206":
            found.add((one.code, ""))
        elif one.code == "PF208":
            edge = design["edges"][int(one.pointer.split("/")[2])]
            found.add((one.code, edge["target"]))
        elif one.code in CODES:
            found.add((one.code, one.node or ""))
        elif one.level is Level.ERROR:
            others.add(one.code)
    if any(code == "PF206" for code, _ in found):
        found = {("PF206", "")}
    return found, others


def differences(design: Design) -> set[tuple[str, str, str]]:
    """By code and node: `missed` if only the judge finds it, `invented` if only the compiler."""
    mine, (theirs, others) = judged(design), compiled(design)
    if others:
        return {(code, "refused", "") for code in others}
    if (("PF206", "") in mine) != (("PF206", "") in theirs):
        return {("PF206", "missed" if ("PF206", "") in mine else "invented", "")}
    pair = read_of(design)
    if pair and ("PF206", "") not in mine and not judge(design).begins(pair[1]):
        theirs.discard(("PF304", pair[1]))
    if any(code == "PF208" for code, _ in mine & theirs):
        return set()  # what such a loop means is not said
    if any(code in ("PF204", "PF210") for code, _ in mine & theirs):
        # What is read behind a join that never runs, or not always, is said once.
        mine = {one for one in mine if one[0] != "PF304"}
        theirs = {one for one in theirs if one[0] != "PF304"}
    different = {(code, "missed", id) for code, id in mine - theirs}
    return different | {(code, "invented", id) for code, id in theirs - mine}


def kinds(design: Design) -> set[tuple[str, str]]:
    """The kinds of difference that a design shows."""
    return {(code, how) for code, how, _ in differences(design)}


def shrunk(design: Design, holds: Callable[[Design], bool]) -> Design:
    """A smaller design of which something still holds."""
    smaller = True
    while smaller:
        smaller = False
        for one in _smaller(design):
            candidate = deepcopy(one)
            without_vain_bounds(candidate)
            if _may_stand(candidate) and holds(candidate):
                design, smaller = candidate, True
                break
    return design


def _may_stand(design: Design) -> bool:
    if not is_drawn_well(design):
        return False
    pair = read_of(design)
    ids = {node["id"] for node in design["nodes"]}
    return pair is None or pair[0] in ids


def _smaller(design: Design) -> Iterator[Design]:
    """The design without a node, without a node but with a way past it, or without an edge."""
    for node in design["nodes"]:
        id = node["id"]
        gone = {id} | {one["id"] for one in design["nodes"] if one.get("parentId") == id}
        if id == "start":
            continue
        nodes = [one for one in design["nodes"] if one["id"] not in gone]
        apart = [e for e in design["edges"] if e["source"] not in gone and e["target"] not in gone]
        yield {**design, "nodes": nodes, "edges": apart}
        for way in [e for e in design["edges"] if e["source"] == id]:
            past = [
                {**e, "target": way["target"]} if e["target"] == id else e
                for e in design["edges"]
                if e["source"] not in gone
            ]
            yield {**design, "nodes": nodes, "edges": _once(past)}
    for edge in design["edges"]:
        yield {**design, "edges": [one for one in design["edges"] if one is not edge]}
    for node in design["nodes"]:
        if node["data"].get("input"):
            data = {key: value for key, value in node["data"].items() if key != "input"}
            nodes = [{**one, "data": data} if one is node else one for one in design["nodes"]]
            yield {**design, "nodes": nodes}


def _once(edges: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [edge for index, edge in enumerate(edges) if edge not in edges[:index]]


def _drawn(seed: int) -> Design:
    """The design of a seed, one in three with a read in it."""
    source = random.Random(seed)
    design = random_design(source, source.randint(4, 12))
    return with_read(source, design) if source.random() < 0.35 else design


def _compare(seeds: range) -> tuple[Counter[str], Counter[str], Counter[tuple[str, str]], Any]:
    """The features, the verdicts, the kinds of difference, and where each is to be seen."""
    features: Counter[str] = Counter()
    verdicts: Counter[str] = Counter()
    different: Counter[tuple[str, str]] = Counter()
    seen: dict[tuple[str, str], list[int]] = {}
    for seed in seeds:
        design = _drawn(seed)
        features.update(mix(design))
        found = judged(design)
        codes = {code for code, _ in found}
        verdicts.update(codes or {"sound"})
        if read_of(design) is not None:
            verdicts["read"] += 1
        for kind in kinds(design):
            different[kind] += 1
            seen.setdefault(kind, []).append(seed)
    return features, verdicts, different, seen


def _write(out: Path, kind: tuple[str, str], seed: int) -> None:
    """Write a design that differs, as small as it gets, with what both find in it."""
    design = shrunk(_drawn(seed), lambda one: kind in kinds(one))
    mine, (theirs, others) = judged(design), compiled(design)
    ids = {id for code, id in mine if code == kind[0]}
    shown = judge(design).shown
    about = {
        "seed": seed,
        "judge": sorted(map(list, mine)),
        "compiler": sorted(map(list, theirs)),
        "others": sorted(others),
        "runs": {id: shown[kind[0], id] for id in sorted(ids) if (kind[0], id) in shown},
    }
    out.mkdir(parents=True, exist_ok=True)
    text = json.dumps({**design, "description": json.dumps(about)}, indent=1)
    (out / f"{kind[0]}-{kind[1]}-{seed}.json").write_text(text)


def main() -> None:
    """Draw, judge, compile, compare, and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2000, help="how many designs")
    parser.add_argument("--seed", type=int, default=0, help="the first of them")
    parser.add_argument("--out", type=Path, help="a folder for designs that differ")
    parser.add_argument("--shown", type=int, default=_SHOWN, help="how many of each kind")
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    began = time.monotonic()
    seeds = range(asked.seed, asked.seed + asked.count)
    parts = [seeds[index : index + 250] for index in range(0, len(seeds), 250)]
    features: Counter[str] = Counter()
    verdicts: Counter[str] = Counter()
    different: Counter[tuple[str, str]] = Counter()
    seen: dict[tuple[str, str], list[int]] = {}
    with ProcessPoolExecutor(asked.processes) as pool:
        for some, said, differing, where in pool.map(_compare, parts):
            features += some
            verdicts += said
            different += differing
            for kind, those in where.items():
                seen.setdefault(kind, []).extend(those)
        compared = time.monotonic() - began
        if asked.out is not None:
            jobs = [(kind, seed) for kind, all_ in seen.items() for seed in all_[: asked.shown]]
            for job in [pool.submit(_write, asked.out, kind, seed) for kind, seed in jobs]:
                job.result()
    print(f"{asked.count} designs in {compared:.0f} s, {time.monotonic() - began:.0f} s in all")
    print("\nwhat is in them")
    for feature, number in features.most_common():
        print(f"  {number:7} {feature}")
    print("\nwhat the judge says")
    for code, number in verdicts.most_common():
        print(f"  {number:7} {code}")
    print("\nwhere the compiler differs")
    for (code, how), number in sorted(different.items()):
        print(f"  {number:7} {code} {how}")
    raise SystemExit(1 if different else 0)


if __name__ == "__main__":
    main()
