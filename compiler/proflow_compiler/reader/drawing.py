"""Defines `Drawing`, the common form of all accepted shapes before nodes and edges are read.

The modules of the shapes build it with `items`, `collection` and `settings_of`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from proflow_schemas.language import Text, Texts
from proflow_schemas.node_types import BUILT_IN_TYPES, NodeTypes
from proflow_schemas.settings import Settings

from proflow_compiler.design import Collection
from proflow_compiler.diagnostics.problems import Problems
from proflow_compiler.diagnostics.source import escape
from proflow_compiler.diagnostics.spelling_fixes import is_typing_error
from proflow_compiler.reader import foreign_settings, unread_keys
from proflow_compiler.reader.canvas_keys import HOST_KEYS
from proflow_compiler.reader.decode import unsound_text
from proflow_compiler.reader.suggestions import Suggestion, closest_key, suggestion, vocabulary

TEXTS = Texts(
    "drawing",
    {
        "text-read": Text(
            "a text is read if it holds JSON: {why:raw}",
            "只有内容是 JSON 的文本才会被读取：{why:raw}",
        ),
        "not-list": Text(
            "`{what:raw}` must be a list, not {value:kind}",
            "`{what:raw}` 必须是列表，不能是{value:kind}",
        ),
        "unknown-key": Text("unknown key `{key}`", "未知的键 `{key}`"),
        "did-you-mean": Text("did you mean `{near:raw}`?", "是否想写 `{near:raw}`？"),
    },
)

SETTINGS = {field.alias or name: name for name, field in Settings.model_fields.items()}
"""The names of the settings of a design, by their keys in a file."""


@dataclass(frozen=True)
class Item:
    """A node or an edge as the file has it.

    Attributes:
        pointer: Where it is.
        value: Its JSON value, with the keys that React Flow uses.
        key: Its key, if the nodes or edges are a map by id.
        names: The keys of the file, by ours, where the two differ.
    """

    pointer: str
    value: Any
    key: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)

    def at(self, key: str) -> str:
        """Return the pointer of the value of a key of ours."""
        return f"{self.pointer}/{self.names.get(key, key)}"


@dataclass(frozen=True)
class Drawing:
    """The nodes, edges and settings of a design, not yet validated.

    Attributes:
        pointer: Where the design is in its file.
        nodes: The nodes, in the order of the file.
        edges: The edges, in the order of the file.
        settings: The settings by key.
        setting_pointers: Where each setting is.
        dialect: `riveredge` if the design is read as that product reads its drawings.
        tenant_id: The tenant of a row; None if the design is not a row.
        nodes_pointer: Where the nodes are.
        drawn_nodes: The list or map that holds the nodes in the file.
        drawn_edges: The list or map that holds the edges in the file.
        types: The node types that the design may use.
    """

    pointer: str
    nodes: tuple[Item, ...]
    edges: tuple[Item, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    setting_pointers: Mapping[str, str] = field(default_factory=dict)
    dialect: str = "proflow"
    tenant_id: int | None = None
    nodes_pointer: str = ""
    drawn_nodes: Collection = field(default_factory=lambda: Collection("/nodes"))
    drawn_edges: Collection = field(default_factory=lambda: Collection("/edges"))
    types: NodeTypes = field(default=BUILT_IN_TYPES, repr=False)


def items(value: Any, pointer: str, what: str, problems: Problems) -> tuple[Item, ...]:
    """Return the members of a list or of a map by id; report any other value.

    Args:
        value: The list or map; None has no members.
        pointer: Where it is.
        what: Its key, for messages.
        problems: Collects the problems.
    """
    if value is None:
        return ()
    if isinstance(value, list):
        return tuple(Item(f"{pointer}/{index}", one) for index, one in enumerate(value))
    if isinstance(value, dict):
        return tuple(Item(f"{pointer}/{escape(key)}", one, key) for key, one in value.items())
    why = unsound_text(value) if isinstance(value, str) else None
    help = None if why is None else TEXTS("text-read", why=why)
    problems.add("PF101", TEXTS("not-list", what=what, value=value), pointer, help=help)
    return ()


def collection(value: Any, pointer: str) -> Collection:
    """Describe the list or map of nodes or edges that is at a pointer."""
    members = value.values() if isinstance(value, dict) else value
    members = members if isinstance(value, dict | list) else ()
    return Collection(
        pointer,
        keyed=isinstance(value, dict),
        named=any(isinstance(one, dict) and "id" in one for one in members),
        missing=value is None,
    )


def settings_of(
    value: Mapping[str, Any], pointer: str, problems: Problems, *, graph_keys: tuple[str, ...] = ()
) -> tuple[dict[str, Any], dict[str, str]]:
    """Find the settings among the keys of an object.

    A key that seems to be a misspelt setting is an error. Other keys that nothing reads are warned
    about.

    Args:
        value: The object that holds the graph.
        pointer: Where it is.
        problems: Collects the problems.
        graph_keys: The keys that hold the graph.

    Returns:
        The settings by key, and their pointers.
    """
    known = [*SETTINGS, *graph_keys]
    found: dict[str, Any] = {}
    wrong: set[str] = set()
    for key, one in value.items():
        if key in SETTINGS:
            found[key] = one
        elif key not in graph_keys and key not in HOST_KEYS:
            meant = _meant(key, value, known)
            if meant is None:
                continue
            at = f"{pointer}/{escape(key)}"
            problems.add(
                "PF101",
                TEXTS("unknown-key", key=key),
                at,
                help=meant.help,
                on_key=True,
                fixes=meant.fixes(at, key, one),
            )
            wrong.add(key)
    others = {key: one for key, one in value.items() if key not in wrong}
    unread_keys.of_design(others, pointer, frozenset(known), problems)
    return found, {key: f"{pointer}/{key}" for key in found}


def _meant(key: str, value: Mapping[str, Any], known: list[str]) -> Suggestion | None:
    """What to suggest for a misspelt key at the top level; None if it is not misspelt."""
    near = misspelt(key, known, value)
    if near is None:
        return None
    if near not in SETTINGS:
        return Suggestion(
            TEXTS("did-you-mean", near=near), {near: value[key]}, is_typing_error(key, near)
        )
    meaning = foreign_settings.of_design(key)
    return suggestion(key, value[key], vocabulary(Settings), meaning=meaning, given=value)


def misspelt(key: str, known: list[str], given: Mapping[str, Any]) -> str | None:
    """Return the known key that an unknown one is a misspelling of.

    Args:
        key: The unknown key.
        known: The known keys.
        given: The object that has the key; a key that it already has was not meant.
    """
    near = closest_key(key, known)
    return near if near is not None and near not in given else None


def objects(drawn: tuple[Item, ...]) -> Iterator[tuple[Item, dict[str, Any]]]:
    """Yield the items whose values are objects, with these."""
    for item in drawn:
        if isinstance(item.value, dict):
            yield item, item.value
