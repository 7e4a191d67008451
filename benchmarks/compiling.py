"""Time and memory of checking and compiling, beside parsing the same file and sorting its graph.

Every measurement is a process of its own, so that its peak memory is its own; the baseline and
the compiler take turns. (Hence the imports inside functions: a process imports what it measures.)
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.designs import (
    Drawing,
    blocks,
    chain,
    many_rules,
    shared_tail,
    unstructured,
    wide,
)
from benchmarks.tables import show, verdict

if TYPE_CHECKING:
    from proflow_compiler.graph import Graph
    from proflow_schemas.definition import Definition

SIZES = (100, 1_000, 10_000)
GROWTH, OVERHEAD = 11.0, 20.0
"""Targets: from 1,000 to 10,000 nodes; over the baseline at 10,000 nodes."""

SHAPES: dict[str, Callable[[int], Drawing]] = {
    "chain": chain,
    "wide": wide,
    "blocks": lambda size: blocks(size, Random(size), rich=False),
    "shared tail": shared_tail,
    "unstructured": unstructured,
    "many rules": many_rules,
}


def main() -> None:
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for shape, draw in SHAPES.items():
            before: dict[str, float] = {}
            for size in SIZES:
                path = Path(folder) / f"{shape.replace(' ', '-')}-{size}.json"
                path.write_text(json.dumps(draw(size).json(), ensure_ascii=False, indent=2))
                rounds = {100: 9, 1_000: 5}.get(size, 3)
                found: dict[str, list[tuple[float, float]]] = {kind: [] for kind in KINDS}
                for _ in range(rounds):
                    for kind in KINDS:
                        found[kind].append(_apart(kind, path))
                seconds = {kind: median(one[0] for one in found[kind]) for kind in KINDS}
                memory = {kind: median(one[1] for one in found[kind]) for kind in KINDS}
                for kind in KINDS:
                    last = size == SIZES[-1]
                    growth = seconds[kind] / before[kind] if last else 0
                    over = seconds[kind] / seconds["baseline"]
                    compiled = kind != "baseline"
                    rows.append(
                        (
                            f"{shape} {size:,} · {kind}",
                            f"{seconds[kind] * 1000:,.1f}",
                            f"{memory[kind]:,.0f}",
                            (verdict(over, OVERHEAD) if last else f"{over:.1f}")
                            if compiled
                            else "",
                            verdict(growth, GROWTH) if last and compiled else "",
                        )
                    )
                before = seconds
    show(
        "check and compile (baseline: json.loads, networkx graph, topological sort)",
        ("", "ms", "peak MiB above imports", "over baseline", "growth 1,000 → 10,000"),
        rows,
    )


def baseline(text: str) -> None:
    import networkx as nx

    design = json.loads(text)
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(node["id"] for node in design["nodes"])
    graph.add_edges_from((edge["source"], edge["target"]) for edge in design["edges"])
    list(nx.topological_sort(graph))


def _apart(kind: str, path: Path) -> tuple[float, float]:
    """Seconds and peak MiB above what the imports took, in a new process."""
    command = [sys.executable, "-m", "benchmarks.compiling", kind, str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, mebibytes = json.loads(done.stdout)
    return seconds, mebibytes


def _measure(kind: str, path: str) -> None:
    work = KINDS[kind]
    small = json.dumps(chain(5).json())
    work(small)  # imports, caches, the first call of everything
    text = Path(path).read_text()
    idle = _peak()
    begun = time.perf_counter()
    work(text)
    seconds = time.perf_counter() - begun
    print(json.dumps([seconds, (_peak() - idle) / 1024]))


def _peak() -> int:
    """KiB. Not `ru_maxrss`, which a process takes over from the one that started it."""
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])


def check(text: str) -> None:
    from proflow_compiler.pipeline import garbage_collection_paused

    with garbage_collection_paused():
        _checked(text)


def definition(text: str) -> None:
    from proflow_compiler.emit import emit_definition
    from proflow_compiler.pipeline import garbage_collection_paused

    with garbage_collection_paused():
        emit_definition(_lowered(text))


def python(text: str) -> None:
    from proflow_compiler.emit import Imports, emit_module
    from proflow_compiler.pipeline import garbage_collection_paused

    with garbage_collection_paused():
        emit_module(_lowered(text), Imports())


def _checked(text: str) -> Graph:
    from proflow_compiler.diagnostics import has_errors
    from proflow_compiler.graph import build_graph
    from proflow_compiler.reader import read
    from proflow_compiler.rules import run_checks

    (design,) = read(text.encode(), "design.json").designs
    graph = build_graph(design)
    found = run_checks(graph)
    if has_errors(found):
        raise RuntimeError(found[:3])
    return graph


def _lowered(text: str) -> Definition:
    from proflow_compiler.lowering import lower
    from proflow_compiler.lowering.splitting import split_into_parts

    found, _ = lower(_checked(text))
    return split_into_parts(found)


KINDS: dict[str, Callable[[str], None]] = {
    "baseline": baseline,
    "check": check,
    "check, definition": definition,
    "check, python": python,
}

if __name__ == "__main__":
    _measure(*sys.argv[1:])
