"""Internal: the internal form of a design, into which the reader brings every accepted shape.

All pointers are JSON pointers into the file as it was given. So diagnostics refer to what the
author wrote, whatever the shape of the file.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from proflow_schemas.configs import Config
from proflow_schemas.node_types import NODE_TYPES, NodeType
from proflow_schemas.settings import Settings


@dataclass(frozen=True)
class Collection:
    """The list, or the map by id, that holds the nodes or the edges in the file.

    Attributes:
        pointer: Where it is, or would be.
        keyed: True if it is a map by id, False if it is a list.
        named: True if its members have an `id`.
        missing: True if the file has no such list or map.
    """

    pointer: str
    keyed: bool = False
    named: bool = False
    missing: bool = False


@dataclass(frozen=True)
class InexactNumber:
    """A number in a file that is beyond ±(2^53 − 1) and would be rounded.

    Attributes:
        number: The number.
        pointer: Where it is.
        as_text: True if it could be written as a text instead, as ids can.
    """

    number: int | float
    pointer: str
    as_text: bool = True


@dataclass(frozen=True)
class Node:
    """A node of a known type with a valid config.

    Attributes:
        id: Its id.
        type: The canonical name of its type.
        label: The text that the canvas shows; or the id of a node without a label.
        config: Its validated config.
        pointer: Where the node is in the file.
        config_pointer: Where the object is that holds its config; the same as `pointer` if no object does.
        config_pointers: Where each config value is, by its key in the canonical spelling
            (`approverIds`). Keys that were not given are missing.
        parent: The id of the container that it is in; None at the top level.
        position: Its coordinates on the canvas, if it has any.
        drawn: False if it is not in the file but follows from the dialect.
        host_type: The record of its type if a host defines it; None if it is built in.
        inexact: The numbers of its config that would be rounded.
        kind: The record of its type.
    """

    id: str
    type: str
    label: str
    config: Config
    pointer: str
    config_pointer: str
    config_pointers: Mapping[str, str] = field(default_factory=dict)
    parent: str | None = None
    position: tuple[float, float] | None = None
    drawn: bool = True
    host_type: NodeType | None = field(default=None, repr=False)
    inexact: tuple[InexactNumber, ...] = ()
    kind: NodeType = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self.__dict__["kind"] = self.host_type or NODE_TYPES[self.type]

    def pointer_to(self, key: str) -> str:
        """Return the pointer of a config value, or of the node if the value was not given."""
        return self.config_pointers.get(key, self.pointer)


@dataclass(frozen=True)
class Edge:
    """An edge between two existing nodes.

    Attributes:
        index: Its position among the edges of the file.
        key: How diagnostics name it: its id, or `source → target`.
        source: The id of the node that it leaves.
        target: The id of the node that it leads to.
        pointer: Where the edge is in the file.
        handle: Its `sourceHandle`, which names the outcome that it belongs to.
        label: The text that the canvas shows.
        when: Its rule as an expression, written as such or made from a structured condition.
        when_pointer: Where the rule is.
        structured: True if the rule is a structured condition, in which a missing field reads as
            false.
        conditions: The structured conditions that `when` was made from, each with its pointer.
        inexact: The numbers of its rule that would be rounded.
        default: True if it is taken when no rule of its node holds.
        priority: Rules with a lower number are tried first.
        loop: How often a run may take it, if it is a back edge with a bound; otherwise None.
        loop_pointer: Where `loop` is.
        data_pointer: Where its `data` is, if it has any.
        drawn: False if it is not in the file but follows from the dialect.
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
    inexact: tuple[InexactNumber, ...] = ()
    default: bool = False
    priority: float | None = None
    loop: int | None = None
    loop_pointer: str | None = None
    data_pointer: str | None = None
    drawn: bool = True


@dataclass(frozen=True)
class Design:
    """A design that was read without errors.

    Attributes:
        id: Its id, made safe as the id of an Inngest function.
        name: The name that people see.
        nodes: The nodes by id, in the order of the file.
        edges: The edges, in the order of the file.
        settings: Its validated settings.
        setting_pointers: Where each setting is. Settings that were not given are missing.
        tenant_id: The tenant that a stored row belongs to; None if the design is not a row.
        pointer: Where the design is in its file.
        dialect: `riveredge` if the design is read as that product reads its drawings.
        inexact: The numbers of the settings that would be rounded.
        unread_zones: The pointers of time zones that nothing reads.
        drawn_nodes: The list or map that holds its nodes in the file.
        drawn_edges: The list or map that holds its edges in the file.
    """

    id: str
    name: str
    nodes: Mapping[str, Node]
    edges: tuple[Edge, ...]
    settings: Settings
    setting_pointers: Mapping[str, str] = field(default_factory=dict)
    tenant_id: int | None = None
    pointer: str = ""
    dialect: str = "proflow"
    inexact: tuple[InexactNumber, ...] = ()
    unread_zones: tuple[str, ...] = ()
    drawn_nodes: Collection = field(default_factory=lambda: Collection("/nodes"))
    drawn_edges: Collection = field(default_factory=lambda: Collection("/edges"))

    def pointer_to(self, setting: str) -> str:
        """Return the pointer of a setting, or of the design if the setting was not given."""
        return self.setting_pointers.get(setting, self.pointer)

    @cached_property
    def keys(self) -> frozenset[str]:
        """The ids of all nodes and the keys of all edges."""
        return frozenset(self.nodes) | {edge.key for edge in self.edges}
