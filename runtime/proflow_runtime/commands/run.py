"""`proflow run`: simulates one run of a design, or one for each combination of outcomes.

Exit codes: 0 completed, 1 problems found or run failed, 2 usage, 3 run still waiting.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from proflow_compiler.commands.terminal import (
    Lang,
    Timezone,
    check_timezone,
    echo,
    note,
    refuse,
    usage,
)
from proflow_schemas.language import Text, Texts
from proflow_schemas.language.system_errors import reason

from proflow_runtime.commands.serve import refuse_lifespan

TEXTS = Texts(
    "run",
    {
        "handlers": Text("--handlers: {message:raw}", "--handlers：{message:raw}"),
        "more": Text("{count:raw} more", "另外 {count:raw} 个节点"),
        "simulated": Text("the work of {nodes:list} was simulated", "{nodes:list} 的工作是模拟的"),
        "by-itself": Text(
            "--all-outcomes decides by itself: it goes with neither --answer nor --trace",
            "--all-outcomes 会自行选择结果，不能与 --answer 或 --trace 同时使用",
        ),
        "cannot-read": Text(
            "--data: cannot read `{path:raw}`: {reason:raw}",
            "--data：无法读取 `{path:raw}`：{reason:raw}",
        ),
        "not-utf8": Text(
            "--data: `{path:raw}` is not UTF-8 at byte {offset:raw}",
            "--data：`{path:raw}` 的第 {offset:raw} 字节不是 UTF-8",
        ),
        "cannot-write": Text(
            "cannot write `{path:raw}`: {reason:raw}",
            "无法写入 `{path:raw}`：{reason:raw}",
        ),
    },
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proflow_schemas.definition import Definition

    from proflow_runtime.handlers.registry import Registry
    from proflow_runtime.simulation import MakeFunctions, Outside

REPORTED = (
    *("run_id", "workflow", "status", "result", "output", "error", "started_at", "ended_at"),
    *("nodes", "steps", "events", "attempts"),
)
"""The keys of a run's JSON."""
MOST_NAMED = 12
"""How many nodes a note names at most."""
EXIT_CODES = {"completed": 0, "failed": 1, "cancelled": 1, "waiting": 3}


def run(
    path: Annotated[
        str,
        typer.Argument(metavar="PATH", help="A design; `PATH#CODE` selects one of several rows."),
    ],
    target: Annotated[
        Literal["interpreter", "generated"],
        typer.Option(help="Interpret the definition, or run the Python code."),
    ] = "interpreter",
    data: Annotated[
        str | None,
        typer.Option(metavar="JSON|@FILE", help="The data of the event that starts the run."),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="When the run starts, in ISO 8601; now by default."),
    ] = None,
    timezone: Timezone = None,
    send: Annotated[
        list[str] | None,
        typer.Option(
            metavar="EVENT[@+DURATION]=JSON", help="Sends an event at a time after the start."
        ),
    ] = None,
    answer: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NODE=OUTCOME[@+DURATION]",
            help="Answers an approval or a wait, at a time after it begins to wait. Several answers for "
            "one node are for its executions in turn; `x#2`, `x[0]` name one execution, `child/x` a "
            "node of a subprocess.",
        ),
    ] = None,
    output: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NODE=JSON", help="The output of a node's handler, or the data a wait gets."
        ),
    ] = None,
    fail: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NODE=MESSAGE[*N]", help="Lets a node's first N attempts fail; without N, all."
        ),
    ] = None,
    handlers: Annotated[
        str | None,
        typer.Option(metavar="MODULE", help="The module of the handlers; others are simulated."),
    ] = None,
    more: Annotated[
        list[str] | None,
        typer.Option(
            "--with", metavar="PATH", help="Where subprocesses are, if not next to the design."
        ),
    ] = None,
    trace: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Writes every request and its answer.")
    ] = None,
    all_outcomes: Annotated[
        bool,
        typer.Option(
            "--all-outcomes",
            help="One run per combination of outcomes, for tenant 1 unless --data names another.",
        ),
    ] = False,
    format: Annotated[Literal["text", "json"], typer.Option(help="How to report.")] = "text",
    lang: Lang = None,
) -> None:
    """Run a design on this machine, in virtual time, with no server."""
    import asyncio
    import logging

    from proflow_compiler.commands.loading import compiled, load_handlers
    from proflow_compiler.commands.subprocesses import subprocesses_of
    from proflow_schemas.handlers import types_among

    from proflow_runtime.context.zones import defaulting_to
    from proflow_runtime.handlers.lifespan import LifespanError
    from proflow_runtime.handlers.registry import Registry, UnknownHandlerError
    from proflow_runtime.simulation import OutsideError, handlers_named, read_outside

    # The report shows what happens in the run, so its logs are not printed.
    logging.getLogger("proflow").addHandler(logging.NullHandler())
    logging.getLogger("proflow").propagate = False
    if all_outcomes and (answer or trace is not None):
        usage(TEXTS("by-itself"))
    if data is not None and data.startswith("@"):
        data = _text_of(data[1:])
    if data is None and all_outcomes:
        data = '{"tenant_id": 1}'
    check_timezone(timezone)
    registry = Registry() if handlers is None else Registry.from_module(load_handlers(handlers))
    types = types_among(registry.signatures())
    definition = compiled(path, handlers=None, types=types)
    children = subprocesses_of(definition, path, more or (), types=types)
    try:
        registry.refuse_unmarked(handlers_named([definition, *children]))
    except UnknownHandlerError as error:
        refuse(TEXTS("handlers", message=str(error)))
    try:
        outside = read_outside(
            definition,
            children,
            data=data,
            at=at,
            answers=answer or (),
            sends=send or (),
            outputs=output or (),
            failures=fail or (),
            timezone=timezone,
            filled=all_outcomes,
        )
    except OutsideError as error:
        usage(str(error))
    with defaulting_to(timezone):
        functions = _functions([definition, *children], target)
        playing = (
            _explore(definition, outside, children, functions, registry, format)
            if all_outcomes
            else _play(definition, outside, children, functions, registry, format, trace)
        )
        try:
            asyncio.run(playing)
        except LifespanError as error:
            refuse_lifespan(error)


async def _play(
    definition: "Definition",
    outside: "Outside",
    children: "Sequence[Definition]",
    functions: "MakeFunctions",
    registry: "Registry",
    format: str,
    trace: Path | None,
) -> None:
    from proflow_runtime.commands.timeline import timeline
    from proflow_runtime.simulation import SimulationError, simulate, simulated_client
    from proflow_runtime.simulation.report import report, traced

    client = simulated_client()
    try:
        async with registry.lifespan(client):
            simulated = await simulate(
                definition,
                outside,
                children=children,
                functions=functions,
                registry=registry,
                trace=trace is not None,
                client=client,
            )
    except SimulationError as error:
        refuse(str(error))
    reported = report(simulated)
    if trace is not None:
        _write(trace, _json(traced(simulated)))
    if format == "json":
        _note_simulation(reported)
        reported = {key: reported[key] for key in REPORTED}
    if reported["status"] == "failed" and "tenant_id" not in outside.data:
        note('each run belongs to a tenant: give `"tenant_id": 1` in --data')
    echo(_json(reported) if format == "json" else timeline(reported, definition))
    raise typer.Exit(EXIT_CODES[reported["status"]])


async def _explore(
    definition: "Definition",
    outside: "Outside",
    children: "Sequence[Definition]",
    functions: "MakeFunctions",
    registry: "Registry",
    format: str,
) -> None:
    from dataclasses import asdict

    from proflow_runtime.commands.timeline import overview
    from proflow_runtime.simulation import SimulationError, simulated_client
    from proflow_runtime.simulation.exploring import explore

    client = simulated_client()
    try:
        async with registry.lifespan(client):
            found = await explore(
                definition,
                outside,
                children=children,
                functions=functions,
                registry=registry,
                client=client,
            )
    except SimulationError as error:
        refuse(str(error))
    echo(_json(asdict(found)) if format == "json" else overview(found, definition))
    raise typer.Exit(max((1 for run in found.runs if run["status"] == "failed"), default=0))


def _note_simulation(reported: dict[str, Any]) -> None:
    """Print notes about the simulation, which are not part of the run, to stderr."""
    if reported["simulated"]:
        nodes: list[str] = [f"`{node}`" for node in reported["simulated"]]
        if len(nodes) > MOST_NAMED:
            more = TEXTS("more", count=f"{len(nodes) - MOST_NAMED + 1:,}")
            nodes = [*nodes[: MOST_NAMED - 1], more]
        note(TEXTS("simulated", nodes=nodes))
    for unused in reported["unused"]:
        note(unused)


def _functions(definitions: "Sequence[Definition]", target: str) -> "MakeFunctions":
    from proflow_runtime.simulation import (
        CLIENT_MODULE,
        HANDLERS_MODULE,
        generated_functions,
        interpreted_functions,
    )

    if target == "interpreter":
        return interpreted_functions(*definitions)
    from proflow_compiler.emit import Imports, emit_module

    imports = Imports(f"{CLIENT_MODULE}:client", HANDLERS_MODULE)
    return generated_functions(*(emit_module(one, imports) for one in definitions))


def _text_of(path: str) -> str:
    try:
        return Path(path).read_bytes().decode("utf-8-sig")
    except OSError as error:
        usage(TEXTS("cannot-read", path=path, reason=reason(error)))
    except UnicodeDecodeError as error:
        usage(TEXTS("not-utf8", path=path, offset=error.start))


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        refuse(TEXTS("cannot-write", path=path, reason=reason(error)))


def _json(value: Any) -> str:
    import json

    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"
