"""Reads the designs that paths on the command line name: files, rows of files, and folders."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from proflow_schemas.node_types import BUILT_IN_TYPES, NodeTypes

from proflow_compiler.reader import Reading, read_file

_SKIPPED = frozenset({"node_modules", "__pycache__", "dist", "build"})


@dataclass(frozen=True)
class Inputs:
    """The files that were read, each once.

    Attributes:
        readings: The files, in the order of the paths.
        skipped: JSON files in folders that are not designs.
        empty: Folders without a design.
    """

    readings: list[Reading]
    skipped: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)


def read_inputs(paths: Sequence[str], *, types: NodeTypes = BUILT_IN_TYPES) -> Inputs:
    """Read files, and the designs among the `*.json` files below folders.

    Args:
        paths: Files, rows of files (`PATH#code`) and folders.
        types: The node types that designs may use.
    """
    inputs = Inputs([])
    seen: set[str] = set()
    for path in paths:
        if not os.path.isdir(path):
            if path not in seen:
                seen.add(path)
                inputs.readings.append(read_file(path, types=types))
            continue
        before = len(inputs.readings)
        for file in _json_files(path):
            if file in seen:
                continue
            seen.add(file)
            reading = read_file(file, types=types)
            if _is_design(reading):
                inputs.readings.append(reading)
            else:
                inputs.skipped.append(file)
        if len(inputs.readings) == before and not any(
            one.startswith(os.path.join(path, "")) for one in seen - set(inputs.skipped)
        ):
            inputs.empty.append(path)
    return inputs


def _json_files(folder: str) -> list[str]:
    """Find the `*.json` files below a folder, sorted, without those of hidden folders and tools."""
    found: list[str] = []
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and name not in _SKIPPED
        )
        found += [
            str(Path(root) / name) for name in sorted(files) if name.lower().endswith(".json")
        ]
    return found


def _is_design(reading: Reading) -> bool:
    """True if a file is meant as a design; invalid JSON is, if it has the text `"nodes"`."""
    for diagnostic in reading.diagnostics:
        if diagnostic.code == "PF001":
            return '"nodes"' in reading.source.text
        if diagnostic.code == "PF003" and not diagnostic.pointer:
            return False
    return True
