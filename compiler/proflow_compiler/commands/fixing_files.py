"""Fixes files in memory, so that the changes can either be shown as a diff or be written."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import unified_diff
from functools import partial
from pathlib import Path

from proflow_schemas.errors import ProFlowError
from proflow_schemas.handlers import Handlers

from proflow_compiler.commands.applying_fixes import Applied, fix_text
from proflow_compiler.commands.writing import write_files
from proflow_compiler.pipeline import Compilation, calls_among, compile_reading
from proflow_compiler.reader import Reading

_MOST_PASSES = 5
"""How often all files are fixed: a fix in one may help another that runs it as a subprocess."""
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_BOM = b"\xef\xbb\xbf"


class ChangedMeanwhileError(ProFlowError, OSError):
    """The file has changed since it was read."""


@dataclass
class FixedFile:
    """A file before and after its fixes.

    Attributes:
        path: The file.
        before: Its text as it was read.
        after: Its text with all fixes.
        applied: The fixes, in the order in which they were applied.
    """

    path: str
    before: str
    after: str
    applied: list[Applied] = field(default_factory=list)


@dataclass(frozen=True)
class FixedFiles:
    """The result of fixing files.

    Attributes:
        changed: The files whose text has changed.
        compilations: The results of compiling all files with the fixes.
    """

    changed: list[FixedFile]
    compilations: list[Compilation]


def fix_readings(
    readings: Sequence[Reading],
    *,
    handlers: Handlers | None = None,
    stored: bool = False,
    unsafe: bool = False,
    timezone: str | None = None,
) -> FixedFiles:
    """Fix files in memory.

    Args:
        readings: The files as they were read; several rows of one file are fixed one after the
            other.
        handlers: The handlers of the host; None if they are not known.
        stored: True if the designs will be stored in the database.
        unsafe: Also apply unsafe fixes.
        timezone: The time zone of designs that name none; None if it is not known.
    """
    files = {
        one.source.path: FixedFile(one.source.path, one.source.text, one.source.text)
        for one in readings
    }
    compilations: list[Compilation] = []
    for _ in range(_MOST_PASSES):
        before = {path: one.after for path, one in files.items()}
        current = [_again(one, files) for one in readings]
        among = partial(
            compile_reading,
            handlers=handlers,
            calls=calls_among(current),
            stored=stored,
            lacks={} if stored else None,
            timezone=timezone,
        )
        compilations = []
        for reading in current:
            file = files[reading.source.path]
            compile = partial(_compiled, reading, among)
            fixing = fix_text(file.after, compile, unsafe=unsafe)
            file.after = fixing.text
            file.applied += fixing.applied
            compilations.append(fixing.compilation)
        if before == {path: one.after for path, one in files.items()}:
            break
    return FixedFiles([one for one in files.values() if one.after != one.before], compilations)


def _compiled(
    reading: Reading, compile: Callable[[Reading], Compilation], text: str
) -> Compilation:
    return compile(_reread(reading, text))


def _again(reading: Reading, files: Mapping[str, FixedFile]) -> Reading:
    return _reread(reading, files[reading.source.path].after)


def _reread(reading: Reading, text: str) -> Reading:
    """Read another text in the same way. A file that could not be read has no other text."""
    if text == reading.source.text:
        return reading
    return reading.again(text.encode())


def write_fixed(file: FixedFile) -> None:
    """Write a fixed file, completely or not at all.

    Raises:
        ChangedMeanwhileError: The file has changed since it was read.
        OSError: The file cannot be written, for instance because it is read-only.
    """
    path = Path(os.path.realpath(file.path))
    if not path.stat().st_mode & 0o222 or not os.access(path, os.W_OK):
        raise PermissionError(13, "the file is read-only", file.path)
    data = path.read_bytes()
    mark = "\ufeff" if data.startswith(_BOM) else ""
    if data != (mark + file.before).encode():
        raise ChangedMeanwhileError(None, "it has changed meanwhile", file.path)
    write_files(path.parent, {path.name: mark + file.after})


def difference(file: FixedFile) -> str:
    """Return the changes of a file as a unified diff that `patch` accepts."""
    lines = unified_diff(
        _LINE.findall(file.before), _LINE.findall(file.after), file.path, file.path, n=3
    )
    ended = (
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )
    return "".join(ended)
