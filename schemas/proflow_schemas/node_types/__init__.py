"""The node types: a module each, which holds the whole record of one.

Which there are is found out here, and nowhere else: what other modules have to know of a type is a
field of its record.
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
    """Every spelling of these types → its canonical name."""
    return {spelling: one.name for one in kinds for spelling in (one.name, *one.aliases)}


NODE_TYPES: Mapping[str, NodeType] = _found()
"""Every built-in node type, by its canonical name."""

CANONICAL: Mapping[str, str] = canonical(NODE_TYPES.values())
"""Every spelling of a built-in type → its canonical name."""


class NodeTypes:
    """The node types that designs may use: the built-in ones, and those of a host."""

    def __init__(self, hosts: Iterable[NodeType] = ()) -> None:
        self.hosts = tuple(hosts)
        self.all: Mapping[str, NodeType] = {
            **NODE_TYPES,
            **{one.name: one for one in self.hosts},
        }
        self.spellings: Mapping[str, str] = canonical(self.all.values())
        """Every spelling → the type's canonical name."""

    def get(self, spelling: str) -> NodeType | None:
        """The type of a name or an alias; None: there is none."""
        name = self.spellings.get(spelling)
        return None if name is None else self.all[name]


BUILT_IN_TYPES = NodeTypes()

HANDLERS: Mapping[str, NodeType] = {
    one.handler: one for one in reversed([*NODE_TYPES.values()]) if one.handler is not None
}
"""Every built-in handler's name → the first type that it does the work of."""


def method_of(handler: str) -> str | None:
    """The method of `Flow` that generated code calls for a handler; None: `run`."""
    return HANDLERS[handler].method if handler in HANDLERS else None


_A_HOSTS = step(
    name="",
    title=Words("", ""),
    summary=Words("", ""),
    config=Config,
    example="",
)


def type_of(name: str) -> NodeType:
    """The record of a type in a canvas; one that is not built in is a host's, and so a step."""
    return NODE_TYPES.get(name, _A_HOSTS)
