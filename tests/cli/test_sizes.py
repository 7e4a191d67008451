"""Runs whose values double: they fail at a node, and before memory does."""

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

MOST_MEMORY = 300 * 2**20
BEGINNINGS = {
    "text": "'aaaaaaaaaa'",
    "list": "[1, 2, 3, 4, 5, 6, 7, 8, 9, 0]",
    "objects": "[{'a': 1, 'b': 'x'}]",
    "nested": "['x']",
}
DOUBLED = {"nested": "[{0}, {0}]"}


def doubling(kind: str, nodes: int = 30) -> dict[str, Any]:
    """A chain of `set` nodes, each of which doubles what the one before has."""
    names = [f"v{index}" for index in range(nodes)]
    values = [BEGINNINGS[kind]]
    again = DOUBLED.get(kind, "{0} + {0}")
    values += [again.format(f"steps.{name}.output.x") for name in names[:-1]]
    return {
        "id": "doubling",
        "nodes": [
            {"id": "start", "type": "start"},
            *(
                {"id": name, "type": "set", "data": {"values": {"x": value}}}
                for name, value in zip(names, values, strict=True)
            ),
            {"id": "end", "type": "end"},
        ],
        "edges": [{"source": a, "target": b} for a, b in pairwise(["start", *names, "end"])],
    }


def last_that_fits(kind: str) -> int:
    """Of how many doublings the value has at most 4 MiB."""
    value = {"text": "a" * 10, "list": [*range(1, 10), 0], "nested": ["x"]}.get(
        kind, [{"a": 1, "b": "x"}]
    )
    size = len(json.dumps(value, separators=(",", ":")))
    count = 0
    more = {"text": -2, "nested": 3}.get(kind, -1)
    while 2 * size + more <= 4 * 2**20:
        size, count = 2 * size + more, count + 1
    return count


@pytest.mark.parametrize("target", ["interpreter", "generated"])
@pytest.mark.parametrize("kind", BEGINNINGS)
def test_values_that_double_fail_at_their_node_in_little_memory(
    tmp_path: Path, kind: str, target: str
) -> None:
    path = tmp_path / "doubling.json"
    path.write_text(json.dumps(doubling(kind)))
    program = (
        "import resource, subprocess, sys\n"
        "done = subprocess.run(sys.argv[1:], capture_output=True, text=True)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
        "print(done.stdout + done.stderr)"
    )
    command = [
        sys.executable,
        "-m",
        "proflow_runtime.commands",
        "run",
        str(path),
        "--target",
        target,
    ]
    command += ["--data", '{"tenant_id": 1}', "--format", "json"]
    done = subprocess.run([sys.executable, "-c", program, *command], capture_output=True, text=True)
    memory, _, report = done.stdout.partition("\n")
    told = json.loads(report)
    node, message = f"v{last_that_fits(kind) + 1}", told["error"]["message"]
    assert told["status"] == "failed"
    if "would take more than 256 MiB" in message:  # lists in lists take much more than their text
        node = f"v{last_that_fits(kind)}"
        assert kind == "nested"
    else:
        assert message.startswith(f"value `x` of `{node}`: the value has ")
        assert message.endswith(" bytes, more than the 4 MiB that a value may have")
    assert told["nodes"][node]["status"] == "failed"
    unit = 1 if sys.platform == "darwin" else 1024
    assert int(memory) * unit < MOST_MEMORY
