"""`proflow init`: writes a project to start from."""

import os
from pathlib import Path
from typing import Annotated

import typer
from proflow_schemas.language import Text, Texts
from proflow_schemas.language.system_errors import reason

from proflow_compiler.commands.terminal import note, refuse

TEXTS = Texts(
    "init",
    {
        "overwrite": Text(
            "nothing was written, because it would overwrite {listed:raw}",
            "未写入任何文件，因为会覆盖 {listed:raw}",
        ),
        "cannot-write": Text(
            "cannot write below `{folder:raw}`: {reason:raw}",
            "无法写入 `{folder:raw}`：{reason:raw}",
        ),
        "wrote": Text("wrote `{path:raw}`", "已写入 `{path:raw}`"),
        "next": Text("`{path:raw}` says what to do next", "接下来请看 `{path:raw}`"),
    },
)


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
            refuse(TEXTS("overwrite", listed=listed))
        write_files(folder, files)
    except OSError as error:
        refuse(TEXTS("cannot-write", folder=folder, reason=reason(error)))
    for name in files:
        note(TEXTS("wrote", path=folder / name))
    note(TEXTS("next", path=folder / "README.md"))
