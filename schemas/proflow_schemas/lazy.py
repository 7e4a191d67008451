"""Lazy exports: a package imports the names that it exports when they are first used."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def exporting(package: str, modules: Mapping[str, str]) -> Callable[[str], Any]:
    """Return a module-level `__getattr__` that imports the names of a package when they are first used.

    Importing the package, or one of its modules, therefore does not import all the others. For people and
    type checkers, the package also lists the names in `__all__` and imports them below `TYPE_CHECKING`.

    Args:
        package: The package's `__name__`.
        modules: Name → the module that defines it, relative to the package.

    Returns:
        A function that returns the object of a name, and raises `AttributeError` for any other name.
    """

    def find(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        # If there is a submodule of this name, Python has found it before it calls this function.
        return getattr(import_module(f"{package}.{modules[name]}"), name)

    return find
