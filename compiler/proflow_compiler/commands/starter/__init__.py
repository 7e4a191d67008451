"""Internal: the project that `proflow init` writes: a design, its handlers, an app, and tests.

The files are in `files/`. Their names end in `.in`, so that no tool takes them for parts of this
package. The workflow modules are compiled from the design.
"""

from importlib.resources import files
from importlib.resources.abc import Traversable

from proflow_compiler.emit import Imports, emit
from proflow_compiler.pipeline import compile_reading
from proflow_compiler.reader import read

DESIGN = "designs/leave-request.json"
IMPORTS = Imports(client="leave.client:client", handlers="leave.handlers")


def starter() -> dict[str, str]:
    """Return the texts of all files of the project, by their names."""
    written = dict(_texts(files(__name__) / "files", ""))
    compilation = compile_reading(read(written[DESIGN].encode(), DESIGN))
    modules = emit(compilation.definitions, IMPORTS)
    written.update({f"leave/workflows/{name}": source for name, source in modules.items()})
    return dict(sorted(written.items()))


def _texts(folder: Traversable, path: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for entry in folder.iterdir():
        if entry.is_dir():
            found += _texts(entry, f"{path}{entry.name}/")
        elif entry.name.endswith(".in"):
            name = path + entry.name.removesuffix(".in")
            found.append((name, entry.read_text(encoding="utf-8")))
    return found
