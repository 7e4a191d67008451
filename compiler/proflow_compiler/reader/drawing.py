"""What every shape is brought to before its nodes and edges are read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from proflow_schemas.node_types import BUILT_IN_TYPES, NodeTypes
from proflow_schemas.settings import Settings

from proflow_compiler.design import Collection
from proflow_compiler.diagnostics.edits_of_words import is_typing_error
from proflow_compiler.diagnostics.problems import Problems, kind_of, shown
from proflow_compiler.diagnostics.source import escape
from proflow_compiler.reader import other_words, unread_keys
from proflow_compiler.reader.canvas_keys import HOST_KEYS
from proflow_compiler.reader.decode import unsound_text
from proflow_compiler.reader.suggesting import Suggestion, closest_key, suggestion, vocabulary

SETTINGS = {field.alias or name: name for name, field in Settings.model_fields.items()}
"""Top-level keys of a design, in their spelling on the canvas."""


@dataclass(frozen=True)
class Item:
    """A node or an edge as drawn; `key` is its key where they are a map.

    `names` are those of its keys that the file calls otherwise.
    """

    pointer: str
    value: Any
    key: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)

    def at(self, key: str) -> str:
        """The pointer of the value of a key, whatever the file calls it."""
        return f"{self.pointer}/{self.names.get(key, key)}"


@dataclass(frozen=True)
class Drawing:
    """Nodes and edges in file order, and the settings beside them, not yet looked into."""

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
    """The members of a list, or of a map by id."""
    if value is None:
        return ()
    if isinstance(value, list):
        return tuple(Item(f"{pointer}/{index}", one) for index, one in enumerate(value))
    if isinstance(value, dict):
        return tuple(Item(f"{pointer}/{escape(key)}", one, key) for key, one in value.items())
    why = unsound_text(value) if isinstance(value, str) else None
    help = None if why is None else f"a text is read if it holds JSON: {why}"
    problems.add("PF101", f"`{what}` must be a list, not {kind_of(value)}", pointer, help=help)
    return ()


def collection(value: Any, pointer: str) -> Collection:
    """What a list or a map of nodes or edges is like."""
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
    """The settings among the keys of an object, and where they stand.

    One that seems to be a misspelt setting is an error; of others that nothing reads it is said.
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
            place = f"{pointer}/{escape(key)}"
            problems.add(
                "PF101",
                f"unknown key `{shown(key)}`",
                place,
                help=meant.help,
                on_key=True,
                fixes=meant.fixes(place, key, one),
            )
            wrong.add(key)
    others = {key: one for key, one in value.items() if key not in wrong}
    unread_keys.of_design(others, pointer, frozenset(known), problems)
    return found, {key: f"{pointer}/{key}" for key in found}


def _meant(key: str, value: Mapping[str, Any], known: list[str]) -> Suggestion | None:
    """What a key at the top level is a misspelling of."""
    near = misspelt(key, known, value)
    if near is None:
        return None
    if near not in SETTINGS:
        return Suggestion(f"did you mean `{near}`?", {near: value[key]}, is_typing_error(key, near))
    meaning = other_words.of_design(key)
    return suggestion(key, value[key], vocabulary(Settings), meaning=meaning, given=value)


def misspelt(key: str, known: list[str], given: Mapping[str, Any]) -> str | None:
    """The known key that a host's key seems to be meant for: one that is close, and missing."""
    near = closest_key(key, known)
    return near if near is not None and near not in given else None


def objects(drawn: tuple[Item, ...]) -> Iterator[tuple[Item, dict[str, Any]]]:
    """Those items that are objects."""
    for item in drawn:
        if isinstance(item.value, dict):
            yield item, item.value
