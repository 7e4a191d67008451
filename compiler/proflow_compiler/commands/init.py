"""`proflow init`: writes a project to start from."""

import os
from pathlib import Path
from typing import Annotated

import typer

from proflow_compiler.commands.terminal import note, refuse


def init(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Where to write; made if it is missing.")
    ] = Path(),
) -> None:
    """Write a starter: a design, its handlers, an app, and tests that pass."""
    from proflow_compiler.commands.starter import starter
    from proflow_compiler.commands.writing import write_files

    files = starter()
    try:
        if there := [name for name in files if os.path.lexists(folder / name)]:
            listed = ", ".join(f"`{folder / name}`" for name in there)
            refuse(f"nothing was written, because it would overwrite {listed}")
        write_files(folder, files)
    except OSError as error:
        refuse(f"cannot write below `{folder}`: {(error.strerror or str(error)).lower()}")
    for name in files:
        note(f"wrote `{folder / name}`")
    note(f"`{folder / 'README.md'}` says what to do next")
