"""Plays designs on the local engine, with both targets, as `proflow run` does."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Literal

from proflow_compiler.emit import Imports, emit_module
from proflow_compiler.pipeline import Compilation, compile_file
from proflow_runtime import Registry
from proflow_runtime.simulation import (
    CLIENT_MODULE,
    HANDLERS_MODULE,
    generated_functions,
    interpreted_functions,
    read_outside,
    simulate,
)
from proflow_runtime.simulation.report import report
from proflow_schemas.definition import Definition

Target = Literal["interpreter", "generated"]
TARGETS: tuple[Target, ...] = ("interpreter", "generated")

IMPORTS = Imports(client=f"{CLIENT_MODULE}:client", handlers=HANDLERS_MODULE)


@cache
def compiled(location: str) -> Definition:
    """The definition of a file's only design, `PATH` or `PATH#code`."""
    return only(compile_file(location))


def only(compilation: Compilation) -> Definition:
    """The one definition of a file in which there is no error."""
    assert not compilation.has_errors(), [
        *compilation.reading.diagnostics,
        *compilation.diagnostics,
    ]
    (definition,) = compilation.definitions
    return definition


@cache
def source_of(definition: str) -> str:
    """The generated module of a definition, which is given as JSON."""
    return emit_module(Definition.model_validate_json(definition), IMPORTS)


def play(
    definition: Definition,
    target: Target,
    *,
    data: Mapping[str, Any] | None = None,
    at: str | None = None,
    answers: Sequence[str] = (),
    sends: Sequence[str] = (),
    outputs: Sequence[str] = (),
    fails: Sequence[str] = (),
    registry: Registry | None = None,
    children: Sequence[Definition] = (),
) -> dict[str, Any]:
    """The report of one run; the arguments are those of the command line.

    `children` are what it may run as subprocesses.
    """
    outside = read_outside(
        definition,
        data=None if data is None else json.dumps(data),
        at=at or "2026-01-05T00:00:00+00:00",
        answers=answers,
        sends=sends,
        outputs=outputs,
        failures=fails,
    )
    definitions = [definition, *children]
    functions = (
        interpreted_functions(*definitions)
        if target == "interpreter"
        else generated_functions(*(source_of(one.to_json()) for one in definitions))
    )
    run = asyncio.run(
        simulate(definition, outside, children=children, functions=functions, registry=registry)
    )
    return report(run)
