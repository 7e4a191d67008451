"""Output, exit codes, and the options that several commands have.

Exit codes: 0 success, 1 problems found, 2 wrong usage, 70 a defect of this program, 130
interrupted. Commands import large modules inside their functions, so that `--help` answers at once.
"""

import functools
import os
import sys
import traceback
from collections.abc import Callable
from contextvars import ContextVar
from typing import Annotated, Literal, NoReturn, ParamSpec, TextIO, TypeVar

import typer
from proflow_schemas.language import Language, Text, Texts, in_language
from proflow_schemas.language.choosing import (
    DEFAULT,
    VARIABLE,
    UnknownLanguageError,
    language_named,
)
from proflow_schemas.language.system_errors import reason

TEXTS = Texts(
    "terminal",
    {
        "note": Text("note: {message:raw}", "注意：{message:raw}"),
        "error": Text("error: {message:raw}", "错误：{message:raw}"),
        "defect": Text(
            "error: a defect of proflow at {at:raw}: {shown:raw}",
            "错误：proflow 自身的缺陷，位于 {at:raw}：{shown:raw}",
        ),
        "interrupted": Text("interrupted", "已中断"),
        "no-timezone": Text(
            "--timezone: there is no time zone `{name:raw}`", "--timezone：时区 `{name:raw}` 不存在"
        ),
        "no-timezone-meant": Text(
            "--timezone: there is no time zone `{name:raw}`; {help:raw}",
            "--timezone：时区 `{name:raw}` 不存在；{help:raw}",
        ),
        "option": Text("{option:raw}: {message:raw}", "{option:raw}：{message:raw}"),
    },
)
_chosen: ContextVar[Language | None] = ContextVar("proflow_language", default=None)
"""The language that the command was called with, until it ends."""

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


def language() -> Language:
    """Return the language of the command: what `--lang` or `PROFLOW_LANG` says, else English."""
    chosen = _chosen.get()
    if chosen is not None:
        return chosen
    try:
        return language_named(os.environ.get(VARIABLE, "").strip() or DEFAULT)
    except UnknownLanguageError:
        return DEFAULT


def said(message: str) -> str:
    """Say a message in the language of the command."""
    return in_language(message, language())


def tell(kind: Literal["error", "note"], message: str) -> None:
    """Print a message of a kind on stderr, on one line."""
    typer.echo(said(TEXTS(kind, message=safe(said(message)))), err=True)


def note(message: str) -> None:
    """Print a note on stderr."""
    tell("note", message)


def refuse(message: str) -> NoReturn:
    """Print an error and end the command with exit code 1: a problem was found."""
    tell("error", message)
    raise typer.Exit(1)


def usage(message: str) -> NoReturn:
    """Print an error and end the command with exit code 2: it was called in a wrong way."""
    tell("error", message)
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
        tell("error", reason(error))
        raise SystemExit(1) from None
    except Exception as error:
        if os.environ.get("PROFLOW_TRACEBACK"):
            raise
        where = traceback.extract_tb(error.__traceback__)[-1]
        at = f"{os.path.basename(where.filename)}:{where.lineno}"
        shown = safe(f"{type(error).__name__}: {error}")
        typer.echo(said(TEXTS("defect", at=at, shown=shown)), err=True)
        raise SystemExit(70) from None


def guarded(command: Callable[P, R]) -> Callable[P, R]:
    """Wrap a command so that Ctrl-C ends it with one line and exit code 130."""

    @functools.wraps(command)
    def inner(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except KeyboardInterrupt:
            typer.echo(said(TEXTS("interrupted")), err=True)
            raise typer.Exit(130) from None
        finally:
            _chosen.set(None)

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
    if help is not None:
        usage(TEXTS("no-timezone-meant", name=name[:60], help=help))
    usage(TEXTS("no-timezone", name=name[:60]))


def _choose_language(name: str | None) -> str | None:
    """Note the language for the whole command; end the command if there is no such language."""
    _chosen.set(None)
    if name is not None and name.strip():
        try:
            _chosen.set(language_named(name))
        except UnknownLanguageError as error:
            option = VARIABLE if name == os.environ.get(VARIABLE) else "--lang"
            usage(TEXTS("option", option=option, message=str(error)))
    return name


Lang = Annotated[
    str | None,
    typer.Option(
        "--lang",
        metavar="en|zh",
        envvar=VARIABLE,
        is_eager=True,
        callback=_choose_language,
        help="The language of messages.",
    ),
]
