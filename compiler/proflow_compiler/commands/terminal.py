"""Output, exit codes, and the options that several commands have.

Exit codes: 0 success, 1 problems found, 2 wrong usage, 70 a defect of this program, 130
interrupted. Commands import large modules inside their functions, so that `--help` answers at once.
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
    """Print a text as it is. If the reader has closed the pipe, end the command silently."""
    try:
        sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes stdout again at exit, which would fail as well.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None


def is_colored(stream: TextIO) -> bool:
    """Return True if a stream is a terminal and the environment allows colours."""
    dumb = os.environ.get("TERM") == "dumb" or os.environ.get("NO_COLOR")
    return stream.isatty() and not dumb


def note(message: str) -> None:
    """Print a note on stderr."""
    typer.echo(f"note: {safe(message)}", err=True)


def refuse(message: str) -> NoReturn:
    """Print an error and end the command with exit code 1: a problem was found."""
    typer.echo(f"error: {safe(message)}", err=True)
    raise typer.Exit(1)


def usage(message: str) -> NoReturn:
    """Print an error and end the command with exit code 2: it was called in a wrong way."""
    typer.echo(f"error: {safe(message)}", err=True)
    raise typer.Exit(2)


def safe(message: str) -> str:
    """Put a message on one line and make its control characters visible."""
    from proflow_compiler.diagnostics.excerpt import visible

    return visible(" ".join(message.split("\n")))


def call(command: Callable[[], object]) -> None:
    """Run the command and turn every exception into one line on stderr.

    `PROFLOW_TRACEBACK=1` shows the traceback of a defect.
    """
    # The streams are None if the caller has closed them.
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
    """Wrap a command so that Ctrl-C ends it with one line and exit code 130."""

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
        help="The time zone of designs that name none, such as Asia/Shanghai; without it, runs use UTC.",
    ),
]


def check_timezone(name: str | None) -> None:
    """End the command with an error if there is no time zone of this name."""
    from proflow_schemas.times import closest_timezone, is_timezone

    from proflow_compiler.diagnostics.similar_words import meant

    if name is None or is_timezone(name):
        return
    help = meant(closest_timezone(name))
    usage(f"--timezone: there is no time zone `{name[:60]}`" + (f"; {help}" if help else ""))
