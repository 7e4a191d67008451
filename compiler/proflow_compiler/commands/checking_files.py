"""Implements `proflow check`: reports the problems of files, fixes them, or shows the fixes."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

import typer
from proflow_schemas.language import Text, Texts
from proflow_schemas.language.system_errors import reason

from proflow_compiler.commands.terminal import (
    Report,
    echo,
    is_colored,
    language,
    note,
    said,
    tell,
    usage,
)

if TYPE_CHECKING:
    from proflow_compiler.commands.fixing_files import FixedFiles


TEXTS = Texts(
    "check",
    {
        "unsafe-fixes": Text(
            "--unsafe-fixes: say `--fix` or `--diff` as well",
            "--unsafe-fixes 需要与 `--fix` 或 `--diff` 一起使用",
        ),
        "one-format": Text(
            "--diff: a difference has one format, so leave `--format` out",
            "--diff 的输出格式是固定的，请去掉 `--format`",
        ),
        "checked": Text(
            "{files:1 file|# files} checked, {bad:none|1|#} with errors",
            "已检查 {files} 个文件，{bad} 个有错误",
        ),
        "cannot-write": Text(
            "cannot write `{path:raw}`: {reason:raw}", "无法写入 `{path:raw}`：{reason:raw}"
        ),
        "fixed": Text(
            "`{path:raw}`: fixed {code:raw}: {title:raw}",
            "`{path:raw}`：已修复 {code:raw}：{title:raw}",
        ),
        "would-be-fixed": Text(
            "{fixes:1 fix|# fixes} would be applied, "
            "{bad:no files|1 file|# files} with errors would be left",
            "将应用 {fixes} 个修复，仍有 {bad} 个文件存在错误",
        ),
    },
)


@dataclass(frozen=True)
class FixOptions:
    """What to do with fixes.

    Attributes:
        fix: Apply the safe ones and write the files.
        diff: Show what `fix` would change, and write nothing.
        unsafe: Include the unsafe ones.
    """

    fix: bool = False
    diff: bool = False
    unsafe: bool = False


def check_files(
    paths: Sequence[str],
    *,
    handlers: str | None,
    format: Report,
    strict: bool,
    stored: bool,
    timezone: str | None,
    fixing: FixOptions,
) -> NoReturn:
    """Report the problems of files, and end the command.

    Args:
        paths: Files and folders.
        handlers: The module that holds the handlers.
        format: The format of the report.
        strict: Count warnings as errors.
        stored: True if the designs will be stored in the database.
        timezone: The time zone of designs that name none; None if it is not known.
        fixing: What to do with fixes.
    """
    from proflow_compiler.commands.loading import compile_all, fix_all, handler_signatures
    from proflow_compiler.diagnostics.rendering import render_files

    if fixing.unsafe and not fixing.fix and not fixing.diff:
        usage(TEXTS("unsafe-fixes"))
    if fixing.diff and format != "text":
        usage(TEXTS("one-format"))
    known = handler_signatures(handlers)
    if fixing.diff:
        changed = fix_all(
            paths, handlers=known, stored=stored, unsafe=fixing.unsafe, timezone=timezone
        )
        _show_difference(changed, strict=strict)
    if fixing.fix:
        changed = fix_all(
            paths, handlers=known, stored=stored, unsafe=fixing.unsafe, timezone=timezone
        )
        compilations, written = changed.compilations, _write_fixes(changed)
    else:
        compilations = compile_all(paths, handlers=known, stored=stored, timezone=timezone)
        written = True
    reports = [report for one in compilations for report in one.reports]
    echo(
        render_files(
            reports, format, color=is_colored(sys.stdout), strict=strict, language=language()
        )
    )
    bad = sum(one.has_errors(strict=strict) for one in compilations)
    if format == "text":
        typer.echo(said(TEXTS("checked", files=len(compilations), bad=bad)), err=True)
    raise typer.Exit(0 if written and not bad else 1)


def _write_fixes(found: "FixedFiles") -> bool:
    """Write the fixed files and report each fix. Return False if a file cannot be written."""
    from proflow_compiler.commands.fixing_files import write_fixed

    done = True
    for one in found.changed:
        try:
            write_fixed(one)
        except OSError as error:
            done = False
            tell("error", TEXTS("cannot-write", path=one.path, reason=reason(error)))
        else:
            for applied in one.applied:
                note(
                    TEXTS(
                        "fixed",
                        path=one.path,
                        code=applied.diagnostic.code,
                        title=applied.fix.title,
                    )
                )
    return done


def _show_difference(found: "FixedFiles", *, strict: bool) -> NoReturn:
    """Print the changes as a diff, and end the command."""
    from proflow_compiler.commands.fixing_files import difference
    from proflow_compiler.diagnostics.excerpt import visible

    text = "".join(difference(one) for one in found.changed)
    echo(visible(text, keep="\n\t\r") if sys.stdout.isatty() else text)
    count = sum(len(one.applied) for one in found.changed)
    bad = sum(one.has_errors(strict=strict) for one in found.compilations)
    typer.echo(said(TEXTS("would-be-fixed", fixes=count, bad=bad)), err=True)
    raise typer.Exit(1 if text or bad else 0)
