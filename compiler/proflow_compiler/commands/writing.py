"""Writes files atomically: each is written completely or not at all."""

import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Write files into a folder, which is created if it is missing.

    All texts are first written to temporary files beside their targets, and only then moved, one by
    one.

    Args:
        folder: The folder.
        files: The texts by their names, which may be paths below the folder.

    Raises:
        OSError: A file cannot be written. Then nothing has changed, unless a move itself failed.
    """
    written: list[tuple[str, Path]] = []
    try:
        for name, text in files.items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.is_dir():
                raise IsADirectoryError(21, "Is a directory", str(target))
            handle, temporary = tempfile.mkstemp(prefix=".proflow-", dir=target.parent)
            written.append((temporary, target))
            with os.fdopen(handle, "wb") as file:
                file.write(text.encode())
            os.chmod(temporary, _mode(target))
        while written:
            os.replace(*written[0])
            written.pop(0)
    finally:
        for temporary, _ in written:
            with suppress(FileNotFoundError):
                os.unlink(temporary)


def stale(folder: Path, files: Mapping[str, str]) -> list[str]:
    """Return the names of the files that are missing or hold another text.

    Raises:
        OSError: A file cannot be read.
    """
    found = []
    for name, text in files.items():
        try:
            same = (folder / name).read_bytes() == text.encode()
        except FileNotFoundError:
            same = False
        if not same:
            found.append(name)
    return found


def _mode(target: Path) -> int:
    """The mode of the file that is replaced, or the one that the process gives to new files."""
    try:
        return target.stat().st_mode & 0o7777
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask
