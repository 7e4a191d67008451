"""`proflow check`: checks designs in files, or those that are published in the database."""

import sys
from abc import ABC, abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer
from proflow_compiler.commands.terminal import (
    Handlers,
    Lang,
    Report,
    Timezone,
    check_timezone,
    echo,
    is_colored,
    language,
    refuse,
    said,
    usage,
)
from proflow_schemas.language import Text, Texts

from proflow_runtime.commands.db import Database, database_url
from proflow_runtime.context.extras import require

TEXTS = Texts(
    "check",
    {
        "ok": Text("ok", "正常"),
        "refused": Text("refused", "不通过"),
        "outdated": Text(", format `{format:raw}`", "，格式 `{format:raw}`"),
        "published": Text(
            "tenant {tenant}, `{code:raw}`{name:raw}, version {number}: {state}{outdated:raw}",
            "租户 {tenant}，`{code:raw}`{name:raw}，版本 {number}：{state}{outdated:raw}",
        ),
        "summary": Text(
            "{checked:1 published design|# published designs} checked, {refused:none|1|#} refused, "
            "{outdated:none|1|#} of an older format",
            "已检查 {checked} 个已发布的设计，{refused} 个不通过，{outdated} 个为旧格式",
        ),
        "database": Text(
            "--database is for `check --stored` without PATH",
            "--database 只用于不带 PATH 的 `check --stored`",
        ),
        "fixing": Text(
            "--fix, --diff and --unsafe-fixes are for files: name them",
            "--fix、--diff 和 --unsafe-fixes 只用于文件：请指定文件",
        ),
        "name-files": Text(
            "name files or folders, or check what is published with --stored",
            "请指定文件或文件夹，或用 --stored 检查已发布的设计",
        ),
        "format": Text(
            "--format: published designs are reported as text or json, not as {format:raw}",
            "--format：已发布的设计只能以 text 或 json 输出，不支持 {format:raw}",
        ),
    },
)

if TYPE_CHECKING:
    from proflow_compiler.diagnostics.rendering import FileReport

    from proflow_runtime.service.checking import CheckedVersion


def check(
    paths: Annotated[
        list[str] | None, typer.Argument(metavar="[PATH]…", help="Files or folders.")
    ] = None,
    handlers: Handlers = None,
    format: Annotated[Report, typer.Option(help="How to report.")] = "text",
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count as errors.")] = False,
    stored: Annotated[
        bool,
        typer.Option(
            "--stored",
            help="Also apply the rules for stored designs. Without PATH, check all designs that are"
            " published in the database.",
        ),
    ] = False,
    timezone: Timezone = None,
    database: Database = None,
    fix: Annotated[
        bool, typer.Option("--fix", help="Apply the safe fixes, and report what remains.")
    ] = False,
    diff: Annotated[
        bool, typer.Option("--diff", help="Show what `--fix` would change, and write nothing.")
    ] = False,
    unsafe_fixes: Annotated[
        bool,
        typer.Option("--unsafe-fixes", help="Apply fixes that change what a run does as well."),
    ] = False,
    lang: Lang = None,
) -> None:
    """Prove that designs can run, or show what is wrong with them."""
    from proflow_compiler.commands.checking_files import FixOptions, check_files

    check_timezone(timezone)
    if paths:
        if database is not None:
            usage(TEXTS("database"))
        check_files(
            paths,
            handlers=handlers,
            format=format,
            strict=strict,
            stored=stored,
            timezone=timezone,
            fixing=FixOptions(fix, diff, unsafe_fixes),
        )
    if fix or diff or unsafe_fixes:
        usage(TEXTS("fixing"))
    if not stored:
        usage(TEXTS("name-files"))
    if format not in ("text", "json"):
        usage(TEXTS("format", format=format))
    require("service", "`proflow check --stored` without PATH")
    report = _Json() if format == "json" else _Text()
    _check_published(database_url(database), handlers, strict, timezone, report)
    report.end()
    raise typer.Exit(1 if report.refused else 0)


def _check_published(
    url: str, handlers: str | None, strict: bool, timezone: str | None, report: "_Listing"
) -> None:
    import asyncio

    from proflow_compiler.commands.loading import handler_signatures

    from proflow_runtime.approvals import TableResolver
    from proflow_runtime.handlers.channels import OF_THE_PROCESS
    from proflow_runtime.service.checking import checked_versions
    from proflow_runtime.service.readiness import HostReadiness
    from proflow_runtime.store.database import DatabaseError, connect_unchanged

    known = handler_signatures(handlers)
    # Only the module of handlers may register channels.
    readiness = HostReadiness(TableResolver(), None if handlers is None else OF_THE_PROCESS)

    async def checked() -> None:
        async with connect_unchanged(url):
            async for one in checked_versions(
                known, strict=strict, timezone=timezone, readiness=readiness
            ):
                report.add(one)

    try:
        asyncio.run(checked())
    except DatabaseError as error:
        refuse(error.message if error.help is None else f"{error.message}; {error.help}")


class _Listing(ABC):
    """Reports versions one by one, because there may be many thousands."""

    def __init__(self) -> None:
        self.checked = self.refused = self.outdated = 0

    def add(self, one: "CheckedVersion") -> None:
        """Count a version, and show it if it is refused or outdated."""
        self.checked += 1
        self.refused += not one.ok
        self.outdated += one.version.is_outdated
        if not one.ok or one.version.is_outdated:
            self.show(one)

    @abstractmethod
    def show(self, one: "CheckedVersion") -> None:
        """Print one version."""

    @abstractmethod
    def end(self) -> None:
        """Print the end of the list."""


class _Text(_Listing):
    def show(self, one: "CheckedVersion") -> None:
        from proflow_compiler.diagnostics.excerpt import visible
        from proflow_compiler.diagnostics.rendering import render_files

        version = one.version
        name = f" ({visible(version.name)})" if version.name else ""
        outdated = TEXTS("outdated", format=version.format) if version.is_outdated else ""
        line = TEXTS(
            "published",
            tenant=version.tenant_id,
            code=version.code,
            name=name,
            number=version.number,
            state=TEXTS("ok" if one.ok else "refused"),
            outdated=outdated,
        )
        echo(f"{said(line)}\n")
        if not one.ok:
            echo(
                render_files(one.reports, color=is_colored(sys.stdout), language=language()) + "\n"
            )

    def end(self) -> None:
        summary = TEXTS(
            "summary", checked=self.checked, refused=self.refused, outdated=self.outdated
        )
        typer.echo(said(summary), err=True)


class _Json(_Listing):
    """Writes one JSON object piece by piece."""

    def __init__(self) -> None:
        super().__init__()
        self._before = '{"designs": ['

    def show(self, one: "CheckedVersion") -> None:
        import json

        echo(f"{self._before}\n  {json.dumps(_as_json(one), ensure_ascii=False)}")
        self._before = ","

    def end(self) -> None:
        import json

        counts = {
            "checked": self.checked,
            "refused": self.refused,
            "outdated": self.outdated,
            "ok": not self.refused,
        }
        opening = "" if self._before == "," else self._before
        echo(f"{opening}\n], {json.dumps(counts)[1:]}\n")


def _as_json(one: "CheckedVersion") -> dict[str, Any]:
    version = one.version
    return {
        "tenant_id": version.tenant_id,
        "code": version.code,
        "name": version.name,
        "version": version.number,
        "format": version.format,
        "outdated": version.is_outdated,
        "ok": one.ok,
        "diagnostics": _diagnostics(one.reports),
    }


def _diagnostics(reports: "list[FileReport]") -> list[dict[str, Any]]:
    from proflow_compiler.diagnostics.rendering import check_report

    shown = [replace(one, language=language()) for one in reports]
    return [found for file in check_report(shown)["files"] for found in file["diagnostics"]]
