"""`proflow db`: prepares the database of stored designs."""

from typing import Annotated

import typer
from proflow_compiler.commands.terminal import echo, guarded, refuse

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
    """Prepare the database of stored designs."""


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
