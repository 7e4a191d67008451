"""Names that a package exports, and imports when they are first used."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def exporting(package: str, modules: Mapping[str, str]) -> Callable[[str], Any]:
    """The `__getattr__` of a package whose names are imported when they are first used.

    So the package, and each of its modules, is imported without all the others. The exported names
    stand in the package's `__all__` and below `TYPE_CHECKING`, too, for people and type checkers.

    Args:
        package: The package's `__name__`.
        modules: Name → the module that defines it, relative to the package.

    Returns:
        A function that finds a name. It raises `AttributeError` for others.
    """

    def find(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        # The submodule of this name, if there is one, would have been found already.
        return getattr(import_module(f"{package}.{modules[name]}"), name)

    return find
