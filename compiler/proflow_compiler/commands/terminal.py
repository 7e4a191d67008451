"""What every command shares: output, exits, and options of several commands.

Exit codes: 0 fine, 1 problems found, 2 usage, 70 a defect of this program, 130 interrupted. Commands
import what is heavy inside, so that `--help` answers at once.
"""

import functools
import os
import sys
import traceback
from collections.abc import Callable
from typing import Annotated, Literal, NoReturn, ParamSpec, TextIO, TypeVar

import typer

P = ParamSpec("P")


R = TypeVar("R")


def echo(text: str) -> None:
    """Print a finished text as it is; a closed pipe ends the command quietly."""
    try:
        sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes again at exit; what is left goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None


def is_colored(stream: TextIO) -> bool:
    """Whether colours are wanted: on a terminal only, and not if the environment says no."""
    dumb = os.environ.get("TERM") == "dumb" or os.environ.get("NO_COLOR")
    return stream.isatty() and not dumb


def note(message: str) -> None:
    """Say something on the side."""
    typer.echo(f"note: {safe(message)}", err=True)


def refuse(message: str) -> NoReturn:
    """End with a problem: exit code 1."""
    typer.echo(f"error: {safe(message)}", err=True)
    raise typer.Exit(1)


def usage(message: str) -> NoReturn:
    """End with a mistake in how the command was called: exit code 2."""
    typer.echo(f"error: {safe(message)}", err=True)
    raise typer.Exit(2)


def safe(message: str) -> str:
    """One line that cannot steer a terminal."""
    from proflow_compiler.diagnostics.excerpt import visible

    return visible(" ".join(message.split("\n")))


def call(command: Callable[[], object]) -> None:
    """Run the command; whatever happens, a person reads a line and no traceback.

    `PROFLOW_TRACEBACK=1` shows the traceback of a defect.
    """
    # Closed by the caller: what is written goes nowhere.
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    try:
        command()
    except OSError as error:
        typer.echo(f"error: {safe(error.strerror or str(error)).lower()}", err=True)
        raise SystemExit(1) from None
    except Exception as error:
        if os.environ.get("PROFLOW_TRACEBACK"):
            raise
        where = traceback.extract_tb(error.__traceback__)[-1]
        at = f"{os.path.basename(where.filename)}:{where.lineno}"
        shown = safe(f"{type(error).__name__}: {error}")
        typer.echo(f"error: a defect of proflow at {at}: {shown}", err=True)
        raise SystemExit(70) from None


def guarded(command: Callable[P, R]) -> Callable[P, R]:
    """Ctrl-C ends a command with one line and exit code 130."""

    @functools.wraps(command)
    def inner(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except KeyboardInterrupt:
            typer.echo("interrupted", err=True)
            raise typer.Exit(130) from None

    return inner


Report = Literal["text", "json", "sarif", "github"]


Handlers = Annotated[
    str | None, typer.Option(metavar="MODULE", help="The module that holds the handlers.")
]


Timezone = Annotated[
    str | None,
    typer.Option(
        metavar="ZONE",
        envvar="PROFLOW_TIMEZONE",
        help="That of designs which name none, such as Asia/Shanghai; runs take UTC without.",
    ),
]


def check_timezone(name: str | None) -> None:
    """End the command for a time zone that does not exist."""
    from proflow_schemas.times import closest_timezone, is_timezone

    from proflow_compiler.diagnostics.problems import meant

    if name is None or is_timezone(name):
        return
    help = meant(closest_timezone(name))
    usage(f"--timezone: there is no time zone `{name[:60]}`" + (f"; {help}" if help else ""))
