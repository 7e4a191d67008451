"""Writes definitions as a Python package: a module each, `__init__.py`, and `handlers.py`."""

import keyword
from collections.abc import Sequence

from proflow_schemas.definition import Definition

from proflow_compiler.emit.arguments import has_fan_out
from proflow_compiler.emit.literals import Source, docstring
from proflow_compiler.emit.names import Names, identifier
from proflow_compiler.emit.python import Imports, emit_module, formatted, handler_nodes
from proflow_compiler.emit.rendering import rendered

_IMPORTED = ("Iterable", "Task", "JSON", "handler")
HANDLERS = "handlers.py"
"""The generated file that users edit: it must never be overwritten."""


def emit(definitions: Sequence[Definition], imports: Imports | None = None) -> dict[str, str]:
    """Write a package.

    Args:
        definitions: The definitions, one module each.
        imports: Where the modules get their client and handlers from.

    Returns:
        File name → source: the modules, `__init__.py`, and `handlers.py` if it is needed.
    """
    imports = imports or Imports()
    names = Names()
    modules = {names.claim(identifier(one.id)): one for one in definitions}
    files = {f"{name}.py": emit_module(one, imports) for name, one in modules.items()}
    order = [Source(name) for name in sorted(modules)]
    files["__init__.py"] = formatted(rendered("package", modules=order))
    if imports.handlers is None and (source := emit_handlers(definitions)) is not None:
        files[HANDLERS] = source
    return files


def emit_handlers(definitions: Sequence[Definition]) -> str | None:
    """Write `handlers.py`: a typed stub for each handler, or None if the designs use no handlers."""
    nodes: dict[str, list[str]] = {}
    for definition in definitions:
        for handler, used_by in handler_nodes(definition).items():
            nodes.setdefault(handler, []).extend(used_by)
    tenants = "tenants" not in nodes and any(map(has_fan_out, definitions))
    if not nodes and not tenants:
        return None
    names = Names()
    names.claim("handler")
    functions = [
        (Source(_function(names, handler)), handler, docstring(_used_by(nodes[handler])))
        for handler in sorted(nodes)
    ]
    return formatted(rendered("handlers", handlers=functions, tenants=tenants))


def _function(names: Names, handler: str) -> str:
    """Return the name of a handler's function: the same, if it is a possible name."""
    plain = handler.isidentifier() and handler.isascii() and not handler.startswith("_")
    if plain and not keyword.iskeyword(handler) and handler not in _IMPORTED:
        return names.exactly(handler)
    return names.claim(identifier(handler))


def _used_by(nodes: Sequence[str]) -> str:
    shown = ", ".join(f"`{' '.join(node.split())}`" for node in nodes[:5])
    more = f" and {len(nodes) - 5} more" if len(nodes) > 5 else ""
    return f"Do the work of {shown}{more}." if nodes else "Take note of a run that has failed."
