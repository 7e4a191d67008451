"""Internal: a design in its internal form: what every reader makes of the shape it was drawn in.

Pointers are JSON pointers into the file as given, so that a diagnostic leads back to what the
person wrote, whatever the shape.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from proflow_schemas.configs import Config
from proflow_schemas.node_types import NODE_TYPES, NodeType
from proflow_schemas.settings import Settings


@dataclass(frozen=True)
class Collection:
    """Where the nodes or the edges of a drawing stand: a list, or a map by id.

    `named`: its members carry an `id`; `missing`: there is none yet.
    """

    pointer: str
    keyed: bool = False
    named: bool = False
    missing: bool = False


@dataclass(frozen=True)
class InexactNumber:
    """A number of a file that a run or a setting would hold, and that is beyond ±(2^53 − 1).

    `as_text`: what it stands for may be written as a text, as ids are.
    """

    number: int | float
    pointer: str
    as_text: bool = True


@dataclass(frozen=True)
class Node:
    """A node of a known type with a valid config.

    `config_pointers` maps a key of the config, in its canonical spelling (`approverIds`), to the
    pointer of its value; a key that is missing there was not given.
    """

    id: str
    type: str
    label: str
    config: Config
    pointer: str
    config_pointer: str
    config_pointers: Mapping[str, str] = field(default_factory=dict)
    parent: str | None = None
    """The container that it stands in."""
    position: tuple[float, float] | None = None
    drawn: bool = True
    """It stands in the file; False if the dialect adds it."""
    host_type: NodeType | None = field(default=None, repr=False)
    """Its type, if that is none of the built-in ones."""
    inexact: tuple[InexactNumber, ...] = ()
    kind: NodeType = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self.__dict__["kind"] = self.host_type or NODE_TYPES[self.type]

    def pointer_to(self, key: str) -> str:
        """Where a config value stands; the node itself if it was not given."""
        return self.config_pointers.get(key, self.pointer)


@dataclass(frozen=True)
class Edge:
    """An edge between two existing nodes.

    `when` is its rule, an expression (a structured condition has been turned into one: then
    `structured` is True and a missing field reads as false). `key` names it in diagnostics: its id,
    or `source → target`.
    """

    index: int
    key: str
    source: str
    target: str
    pointer: str
    handle: str | None = None
    label: str | None = None
    when: str | None = None
    when_pointer: str | None = None
    structured: bool = False
    conditions: tuple[tuple[Any, str], ...] = ()
    """The structured conditions that `when` is made of, each with its pointer."""
    inexact: tuple[InexactNumber, ...] = ()
    default: bool = False
    priority: float | None = None
    loop: int | None = None
    """It is a way back, which may be taken so many times."""
    loop_pointer: str | None = None
    data_pointer: str | None = None
    """Where its `data` stands, if it has any."""
    drawn: bool = True
    """It stands in the file; False if the dialect adds it."""


@dataclass(frozen=True)
class Design:
    """Nodes by id and edges, both in file order; `id` is safe to name a function by."""

    id: str
    name: str
    nodes: Mapping[str, Node]
    edges: tuple[Edge, ...]
    settings: Settings
    setting_pointers: Mapping[str, str] = field(default_factory=dict)
    tenant_id: int | None = None
    """The tenant a stored row belongs to; None: not a row."""
    pointer: str = ""
    """Where the design stands in its file."""
    dialect: str = "proflow"
    """`riveredge` where that product's reading of a drawing differs."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    inexact: tuple[InexactNumber, ...] = ()
    """Of the settings."""
    unread_zones: tuple[str, ...] = ()
    """Where time zones stand that nothing reads."""
    drawn_nodes: Collection = field(default_factory=lambda: Collection("/nodes"))
    drawn_edges: Collection = field(default_factory=lambda: Collection("/edges"))

    def pointer_to(self, setting: str) -> str:
        """Where a setting stands; the design itself if it was not given."""
        return self.setting_pointers.get(setting, self.pointer)
