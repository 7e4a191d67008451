"""Internal: the `proflow` command, with the subcommands of the compiler and of the runtime."""

import typer
from proflow_compiler.commands import COMMANDS
from proflow_compiler.commands.terminal import call, guarded, safe

from proflow_runtime.commands.check import check
from proflow_runtime.commands.db import db
from proflow_runtime.commands.run import run
from proflow_runtime.commands.serve import serve, token
from proflow_runtime.context.environment_error import EnvironmentVariableError
from proflow_runtime.context.extras import MissingExtraError

app = typer.Typer(
    help="Checks workflows drawn in ProFlow, compiles them for Inngest, and runs them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (check, *COMMANDS, serve, run):
    app.command()(guarded(command))
app.add_typer(db, name="db")
app.add_typer(token, name="token")


def main() -> None:
    """Run the command line."""
    call(_app)


def _app() -> None:
    try:
        app()
    except MissingExtraError as error:
        typer.echo(f"error: {safe(str(error))}", err=True)
        raise SystemExit(1) from None
    except EnvironmentVariableError as error:
        typer.echo(f"error: {safe(str(error))}", err=True)
        raise SystemExit(2) from None
