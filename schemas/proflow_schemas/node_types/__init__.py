"""Internal: the registry of node types. Each type has a module, which holds its whole record.

The modules are found by their `NODE_TYPE`. No other module lists types: what it needs to know of a type
is a field of the record.
"""

import importlib
import pkgutil
from collections.abc import Iterable, Mapping

from proflow_schemas.configs import Config
from proflow_schemas.node_types.record import BUILT_IN, Kind, NodeType, Words, step

__all__ = [
    "BUILT_IN",
    "BUILT_IN_TYPES",
    "CANONICAL",
    "HANDLERS",
    "NODE_TYPES",
    "Kind",
    "NodeType",
    "NodeTypes",
    "Words",
    "canonical",
    "method_of",
    "step",
    "type_of",
]


def _found() -> dict[str, NodeType]:
    modules = (
        importlib.import_module(f"{__name__}.{one.name}") for one in pkgutil.iter_modules(__path__)
    )
    kinds: list[NodeType] = [one.NODE_TYPE for one in modules if hasattr(one, "NODE_TYPE")]
    return {one.name: one for one in sorted(kinds, key=lambda one: (one.order, one.name))}


def canonical(kinds: Iterable[NodeType]) -> dict[str, str]:
    """Return the canonical name of each name and alias of some types."""
    return {spelling: one.name for one in kinds for spelling in (one.name, *one.aliases)}


NODE_TYPES: Mapping[str, NodeType] = _found()
"""Every built-in node type, by its canonical name."""

CANONICAL: Mapping[str, str] = canonical(NODE_TYPES.values())
"""The canonical name of each name and alias of a built-in type."""


class NodeTypes:
    """The node types that designs may use: the built-in ones, and those of a host.

    Args:
        hosts: The types that the host adds.
    """

    def __init__(self, hosts: Iterable[NodeType] = ()) -> None:
        self.hosts = tuple(hosts)
        self.all: Mapping[str, NodeType] = {
            **NODE_TYPES,
            **{one.name: one for one in self.hosts},
        }
        self.spellings: Mapping[str, str] = canonical(self.all.values())
        """The canonical name of each name and alias."""

    def get(self, spelling: str) -> NodeType | None:
        """Return the type with a name or an alias; None if there is none."""
        name = self.spellings.get(spelling)
        return None if name is None else self.all[name]


BUILT_IN_TYPES = NodeTypes()

HANDLERS: Mapping[str, NodeType] = {
    one.handler: one for one in reversed([*NODE_TYPES.values()]) if one.handler is not None
}
"""The name of each built-in handler → the first type whose work it does."""


def method_of(handler: str) -> str | None:
    """Return the method of `Flow` that generated code calls for a handler; None means `run`."""
    return HANDLERS[handler].method if handler in HANDLERS else None


_A_HOSTS = step(
    name="",
    title=Words("", ""),
    summary=Words("", ""),
    config=Config,
    example="",
)


def type_of(name: str) -> NodeType:
    """Return the record of a type in a canvas.

    A type that is not built in belongs to a host. Types of hosts are steps, so a placeholder record of a
    step stands for it.
    """
    return NODE_TYPES.get(name, _A_HOSTS)
