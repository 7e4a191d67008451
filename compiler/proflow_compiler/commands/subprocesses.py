"""Finds and compiles the workflows that a design runs as subprocesses."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import typer
from proflow_schemas.definition import Definition, InvokeOp, blocks, walk
from proflow_schemas.language import Text, Texts
from proflow_schemas.node_types import BUILT_IN_TYPES, NodeTypes

from proflow_compiler.commands.inputs import read_inputs
from proflow_compiler.commands.loading import stop_at_errors
from proflow_compiler.commands.terminal import note, refuse, usage
from proflow_compiler.pipeline import Compilation, compile_design, garbage_collection_paused
from proflow_compiler.reader import Reading, read_file

TEXTS = Texts(
    "subprocesses",
    {
        "no-design": Text(
            "there is no design of the workflow `{name:raw}` here",
            "这里没有流程 `{name:raw}` 的设计",
        ),
        "no-path": Text("--with: there is no `{path:raw}`", "--with：`{path:raw}` 不存在"),
        "same-id": Text(
            "{count} designs have the id `{name:raw}`, which is run as a subprocess",
            "有 {count} 个设计的 ID 都是 `{name:raw}`，而它要作为子流程运行",
        ),
    },
)


def subprocesses_of(
    definition: Definition,
    path: str,
    others: Sequence[str],
    *,
    types: NodeTypes = BUILT_IN_TYPES,
) -> list[Definition]:
    """Compile the workflows that a design runs as subprocesses, and those that these run.

    If one has errors, the errors are shown and the command ends.

    Args:
        definition: The definition of the design.
        path: Its file. Workflows that `others` do not hold are searched in the same folder.
        others: Files and folders to search first.
        types: The node types that designs may use.

    Returns:
        Their definitions, each once. Workflows that are not found are left out.
    """
    found: dict[str, Definition] = {definition.id: definition}
    given = _given(others, types)
    beside: list[Reading] | None = None
    wanted = _invoked(definition)
    for name in wanted:
        if name in found:
            continue
        child = _compiled(name, given)
        if child is None:
            if beside is None:
                beside = list(_beside(path, types))
            child = _compiled(name, beside)
        if child is None:
            note(TEXTS("no-design", name=name))
            continue
        found[name] = child
        wanted += [one for one in _invoked(child) if one not in wanted]
    return [one for one in found.values() if one is not definition]


def _invoked(definition: Definition) -> list[str]:
    ops = (op for block in blocks(definition) for op in walk(block))
    return list(dict.fromkeys(op.workflow for op in ops if isinstance(op, InvokeOp)))


def _given(paths: Sequence[str], types: NodeTypes) -> list[Reading]:
    for path in paths:
        if not os.path.exists(path.partition("#")[0]) and not os.path.exists(path):
            usage(TEXTS("no-path", path=path))
    with garbage_collection_paused():
        return read_inputs(paths, types=types).readings


def _beside(path: str, types: NodeTypes) -> Iterator[Reading]:
    own = path if os.path.exists(path) else path.partition("#")[0]
    for file in sorted(Path(own).parent.glob("*.json")):
        with garbage_collection_paused():
            yield read_file(str(file), types=types)


def _compiled(name: str, readings: Sequence[Reading]) -> Definition | None:
    found = [
        (reading, design) for reading in readings for design in reading.designs if design.id == name
    ]
    if not found:
        return None
    if len(found) > 1:
        refuse(TEXTS("same-id", count=len(found), name=name))
    reading, design = found[0]
    definition, problems = compile_design(design)
    compilation = Compilation(reading, [], problems)
    stop_at_errors([compilation])
    if definition is None:
        raise typer.Exit(1)
    return definition
