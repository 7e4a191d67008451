"""`proflow db`: prepares the database of stored designs, and deletes, exports and erases what it holds."""

from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Annotated

import typer
from proflow_compiler.commands.terminal import echo, guarded, refuse, usage

from proflow_runtime.context.extras import needing

db = typer.Typer(no_args_is_help=True)

Database = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="sqlite://FILE or postgres://USER:PASSWORD@HOST/DATABASE. By default what "
        "PROFLOW_DATABASE_URL says, or the file proflow.db in this folder.",
    ),
]


@db.callback()
def _group() -> None:
    """Prepare the database of stored designs; delete, export and erase what it holds."""


@db.command()
@guarded
@needing("service", "`proflow db`")
def upgrade(database: Database = None) -> None:
    """Create the tables, or bring them up to date."""
    import asyncio

    from proflow_runtime.store.database import DatabaseError, connect, migrate, shown

    url = database_url(database)

    async def upgraded() -> list[str]:
        async with connect(url, current=False):
            return await migrate()

    try:
        applied = asyncio.run(upgraded())
    except DatabaseError as error:
        refuse(error.message if error.help is None else f"{error.message}; {error.help}")
    for name in applied:
        echo(f"applied {name}\n")
    if not applied:
        echo(f"{shown(url)} is up to date\n")


Tenant = Annotated[int, typer.Option(min=1, max=2**31 - 1, help="The tenant.")]
Person = Annotated[str | None, typer.Option(metavar="USER", help="Only what is about this person.")]


@db.command()
@guarded
@needing("service", "`proflow db`")
def purge(
    older_than: Annotated[
        str, typer.Option(metavar="DURATION", help="What has ended longer ago, such as 180d.")
    ],
    tenant: Annotated[
        int | None, typer.Option(min=1, max=2**31 - 1, help="Only this tenant's; by default all.")
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(help="runs, trail, steps or audit; may be repeated. By default all of them."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only count what would be deleted.")
    ] = False,
    database: Database = None,
) -> None:
    """Delete old runs and their attempts, changes and audit trail, in small batches."""
    from proflow_runtime.context import clock
    from proflow_runtime.store import retention
    from proflow_runtime.tenants.retention import kept_for

    try:
        before = clock.now() - kept_for(older_than)
    except ValueError as error:
        usage(f"--older-than: {error}")
    unknown = sorted(set(kind or ()) - set(retention.KINDS))
    if unknown:
        usage(f"--kind: `{unknown[0]}` is none of {', '.join(retention.KINDS)}")
    kinds = [one for one in retention.KINDS if not kind or one in kind]

    async def purged() -> None:
        for tenant_id in [tenant] if tenant is not None else await retention.tenants():
            for one in kinds:
                act = retention.count if dry_run else retention.delete
                number = await act(tenant_id, one, before)
                if number:
                    said = "would be deleted" if dry_run else "deleted"
                    echo(f"tenant {tenant_id}: {number:,} {said} ({one})\n")

    _within(database, purged)


@db.command()
@guarded
@needing("service", "`proflow db`")
def export(
    tenant: Tenant,
    person: Person = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The file to write; by default stdout.")
    ] = None,
    database: Database = None,
) -> None:
    """Export what is stored of a tenant, or of one person, as a JSON object a line."""
    import json
    import sys

    from proflow_runtime.store import erasure

    async def exported() -> None:
        rows = (
            erasure.export_tenant(tenant)
            if person is None
            else erasure.export_person(tenant, person)
        )
        try:
            with ExitStack() as stack:
                file: IO[str] = sys.stdout
                if output is not None:
                    file = stack.enter_context(output.open("w", encoding="utf-8"))
                async for table, row in rows:
                    file.write(json.dumps({"table": table, "row": row}) + "\n")
        except OSError as error:
            refuse(f"cannot write `{output}`: {(error.strerror or str(error)).lower()}")

    _within(database, exported)


@db.command()
@guarded
@needing("service", "`proflow db`")
def erase(
    tenant: Tenant,
    person: Person = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do it; it cannot be undone. Else it only says what.")
    ] = False,
    database: Database = None,
) -> None:
    """Erase a tenant, or replace one person of it by a pseudonym."""
    from proflow_runtime.store import erasure

    async def erased() -> None:
        try:
            if not yes:
                rows = (
                    erasure.export_tenant(tenant)
                    if person is None
                    else erasure.export_person(tenant, person)
                )
                number = sum([1 async for _ in rows])
                echo(f"{number:,} rows would be erased; say --yes to do it\n")
            elif person is None:
                echo(f"{await erasure.erase_tenant(tenant):,} rows were deleted\n")
            else:
                pseudonym, number = await erasure.erase_person(tenant, person)
                echo(f"{number:,} rows were changed or deleted; the person is `{pseudonym}` now\n")
        except erasure.StillOpenError as error:
            refuse(str(error))

    _within(database, erased)


def _within(database: str | None, work: Callable[[], Awaitable[None]]) -> None:
    """Run a coroutine function with the database open, and refuse what it cannot do."""
    import asyncio

    from proflow_runtime.store.database import DatabaseError, connect

    url = database_url(database)

    async def connected() -> None:
        async with connect(url):
            await work()

    try:
        asyncio.run(connected())
    except DatabaseError as error:
        refuse(error.message if error.help is None else f"{error.message}; {error.help}")


def database_url(given: str | None) -> str:
    """Choose the database of a command.

    Args:
        given: The URL of the option `--database`, if it was used.

    Returns:
        That URL, or that of `PROFLOW_DATABASE_URL`, or a SQLite file in the current folder.
    """
    from proflow_runtime.context.environment import General, read
    from proflow_runtime.store.database import DEFAULT_URL

    configured = read(General).database_url
    return given or (configured.get_secret_value() if configured is not None else DEFAULT_URL)
