"""Reads the bytes of a file, or explains why it cannot be read."""

from dataclasses import dataclass
from pathlib import Path

from proflow_schemas.language import Text, Texts
from proflow_schemas.language.system_errors import reason

from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.diagnostics.problems import NAMES
from proflow_compiler.reader.decode import MAX_BYTES, too_large

TEXTS = Texts(
    "PF005",
    {
        "unreadable": Text("the file cannot be read: {reason}", "无法读取文件：{reason}"),
    },
)


@dataclass(frozen=True)
class Loaded:
    """The bytes of a file, or the problem why there are none.

    Attributes:
        path: The path, without the selection.
        select: The text after `#` in the path, which selects a row.
        data: The bytes.
        problem: Why the file could not be read.
    """

    path: str
    select: str | None = None
    data: bytes = b""
    problem: Diagnostic | None = None


def load(path: str) -> Loaded:
    """Read a file of at most `MAX_BYTES`. Never raises.

    Args:
        path: `PATH` or `PATH#select`; a file whose name has a `#` takes precedence.
    """
    select: str | None = None
    if "#" in path and not _exists(path):
        path, _, select = path.partition("#")
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        problem = Diagnostic(
            "PF005",
            NAMES["PF005"],
            Level.ERROR,
            TEXTS("unreadable", reason=reason(error) if isinstance(error, OSError) else str(error)),
        )
        return Loaded(path, select, problem=problem)
    if len(data) > MAX_BYTES:
        return Loaded(path, select, problem=too_large())
    return Loaded(path, select, data)


def _exists(path: str) -> bool:
    try:
        return Path(path).exists()
    except (OSError, ValueError):
        return False
