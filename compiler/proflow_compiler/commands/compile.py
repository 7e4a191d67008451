"""`proflow compile`: writes designs as Python modules or as definitions."""

import keyword
from pathlib import Path
from typing import Annotated, Literal

import typer
from proflow_schemas.language import Text, Texts
from proflow_schemas.language.system_errors import reason

from proflow_compiler.commands.terminal import (
    Handlers,
    Lang,
    Timezone,
    check_timezone,
    echo,
    note,
    refuse,
    usage,
)

TEXTS = Texts(
    "compile",
    {
        "client": Text(
            "--client: `{client:raw}` is not MODULE:NAME",
            "--client：`{client:raw}` 不是 MODULE:NAME",
        ),
        "handlers": Text(
            "--handlers: `{handlers:raw}` is not the name of a module",
            "--handlers：`{handlers:raw}` 不是模块名",
        ),
        "check": Text(
            "--check: name the directory to compare with by -o",
            "--check：用 -o 指定要比较的目录",
        ),
        "same-id": Text(
            "{count} designs have the id `{design:raw}`, and functions need ids of their own",
            "有 {count} 个设计的 ID 都是 `{design:raw}`，函数的 ID 必须唯一",
        ),
        "stdout": Text(
            "{count} designs do not fit on stdout: name a directory by -o",
            "{count} 个设计无法同时写到标准输出：用 -o 指定目录",
        ),
        "stale": Text("not up to date: {names:names}", "不是最新的：{names:names}"),
        "cannot-write": Text(
            "cannot write below `{output:raw}`: {reason:raw}",
            "无法写入 `{output:raw}`：{reason:raw}",
        ),
        "wrote": Text("wrote `{path:raw}`", "已写入 `{path:raw}`"),
    },
)


def compile(
    paths: Annotated[list[str], typer.Argument(metavar="PATH…", help="Files or folders.")],
    target: Annotated[
        Literal["python", "definition"], typer.Option(help="What to write.")
    ] = "python",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="DIR", help="Where to write.")
    ] = None,
    client: Annotated[
        str | None,
        typer.Option(metavar="MODULE:NAME", help="The Inngest client that modules import."),
    ] = None,
    handlers: Handlers = None,
    timezone: Timezone = None,
    check_only: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail if the files are not up to date.")
    ] = False,
    lang: Lang = None,
) -> None:
    """Write designs as Python modules, or as definitions."""
    from collections import Counter

    from proflow_compiler.commands.loading import (
        compile_all,
        handler_signatures,
        stop_at_errors,
        uses_unknown_types,
    )
    from proflow_compiler.commands.writing import stale, write_files
    from proflow_compiler.emit import HANDLERS, Imports, emit, emit_definition, emit_module

    if client is not None and not _is_name(client, with_attribute=True):
        usage(TEXTS("client", client=client))
    if handlers is not None and not _is_name(handlers):
        usage(TEXTS("handlers", handlers=handlers))
    if check_only and output is None:
        usage(TEXTS("check"))
    check_timezone(timezone)
    compilations = compile_all(paths, timezone=timezone)
    if handlers is not None and uses_unknown_types(compilations):
        # Import the module only if its node types are needed: it may be missing where code is generated.
        known = handler_signatures(handlers)
        compilations = compile_all(paths, handlers=known, timezone=timezone)
    stop_at_errors(compilations, show_warnings=True)
    definitions = [definition for one in compilations for definition in one.definitions]
    for one, count in Counter(definition.id for definition in definitions).items():
        if count > 1:
            refuse(TEXTS("same-id", count=count, design=one))
    imports = Imports(handlers=handlers) if client is None else Imports(client, handlers)
    if output is None:
        if len(definitions) != 1:
            usage(TEXTS("stdout", count=len(definitions)))
        if target == "python":
            echo(emit_module(definitions[0], imports))
        else:
            echo(emit_definition(definitions[0]))
        return
    if target == "python":
        files = emit(definitions, imports)
    else:
        files = {f"{one.id}.definition.json": emit_definition(one) for one in definitions}
    if (output / HANDLERS).exists():
        files.pop(HANDLERS, None)
    try:
        if check_only:
            if found := stale(output, files):
                refuse(TEXTS("stale", names=[output / name for name in found]))
            return
        write_files(output, files)
    except OSError as error:
        refuse(TEXTS("cannot-write", output=output, reason=reason(error)))
    for name in files:
        note(TEXTS("wrote", path=output / name))


def _is_name(text: str, *, with_attribute: bool = False) -> bool:
    module, colon, name = text.partition(":")
    parts = [*module.split("."), *([name] if with_attribute else [])]
    return bool(colon) == with_attribute and all(
        part.isidentifier() and not keyword.iskeyword(part) for part in parts
    )
