"""Reads the config of a node: finds the object that holds it, and validates it for the node's type.

A canvas may hold the config in `config`, `data.config`, `data.content` or `data`.
"""

import re
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

from proflow_schemas.configs import Config
from proflow_schemas.language import Text, Texts
from proflow_schemas.node_types import NodeType

from proflow_compiler.design import InexactNumber
from proflow_compiler.diagnostics import Diagnostic, Edit, Fix
from proflow_compiler.diagnostics.problems import Problems
from proflow_compiler.reader import foreign_settings, inexact_numbers, places, riveredge
from proflow_compiler.reader.canvas_keys import is_of_host
from proflow_compiler.reader.drawing import Drawing, Item, misspelt
from proflow_compiler.reader.suggestions import Suggestion, closest_key, suggestion, vocabulary
from proflow_compiler.reader.unread_keys import DISPLAYED, Holder
from proflow_compiler.reader.validate import Location, validate

TEXTS = Texts(
    "node-configs",
    {
        "unknown-key": Text("unknown key `{key}`", "未知的键 `{key}`"),
        "on-node": Text("`{key:raw}` stands on the node itself", "`{key:raw}` 直接写在了节点上"),
        "into-config": Text(
            'move it into `config`: `"config": {{"{key:raw}": …}}`',
            '移入 `config`：`"config": {{"{key:raw}": …}}`',
        ),
        "move": Text("move `{key:raw}` into `config`", "将 `{key:raw}` 移入 `config`"),
        "config-object": Text(
            "`config` must be an object, not {one:kind}",
            "`config` 必须是对象，不能是{one:kind}",
        ),
    },
)


@cache
def _config_keys(config: type[Config]) -> dict[str, str]:
    """The fields of a config by their keys in a file."""
    return {entry.alias or key: key for key, entry in config.model_fields.items()}


@dataclass(frozen=True)
class ReadConfig:
    """A valid config.

    Attributes:
        config: The validated config.
        location: Where its object is.
        pointers: Where each of its values is, by key.
        holder: The object in the file, with its other keys.
        inexact: The numbers that would be rounded.
    """

    config: Config
    location: Location
    pointers: dict[str, str]
    holder: Holder
    inexact: tuple[InexactNumber, ...] = ()


@dataclass(frozen=True)
class _Config:
    value: dict[str, Any]
    """The config, with our keys."""
    location: Location
    bare: bool
    """True if it is `data` itself, which may hold keys of the canvas as well."""
    drawn: dict[str, Any]
    """The object in the file."""


def read_config(
    item: Item,
    node_id: str,
    kind: NodeType,
    data: dict[str, Any],
    drawing: Drawing,
    problems: Problems,
) -> ReadConfig | None:
    """Read the config of a node.

    Args:
        item: The node.
        node_id: Its id.
        kind: Its type.
        data: Its `data`; empty if there is none.
        drawing: The drawing that it belongs to.
        problems: Collects the problems.

    Returns:
        The config; None if it has errors.
    """
    value: dict[str, Any] = item.value
    found = _config(value, data, kind, item.pointer, node_id, problems)
    if found is None:
        return None
    if drawing.dialect == riveredge.DIALECT:
        renamed, pointers = riveredge.config(kind.name, found.value, found.location.pointer)
        location = replace(found.location, pointers=pointers)
        found = _Config(renamed, location, found.bare, found.value)
    known = _config_keys(kind.config)
    given = found.value
    if found.bare:
        given = {}
        before = len(problems.found)
        for key, one in found.value.items():
            if key in known:
                if one is not None and not (key == "status" and one in DISPLAYED):
                    given[key] = one
            elif not is_of_host(key, one) and misspelt(key, list(known), found.value) is not None:
                meant = _meant(key, kind, found.value)
                if meant is None:
                    continue  # not a typing error: `unread-key` reports it
                pointer = found.location.of((key,))
                problems.add(
                    "PF101",
                    TEXTS("unknown-key", key=key),
                    pointer,
                    help=meant.help,
                    node=node_id,
                    on_key=True,
                    fixes=meant.fixes(pointer, key, one),
                )
        if len(problems.found) > before:
            return None
    else:
        given = {key: one for key, one in given.items() if not _is_foreign(key, kind)}
    misplaced = [
        key
        for key, entry in kind.config.model_fields.items()
        if entry.is_required()
        and (entry.alias or key) in value
        and (entry.alias or key) not in given
    ]
    if misplaced:
        key = kind.config.model_fields[misplaced[0]].alias or misplaced[0]
        problems.add(
            "PF101",
            TEXTS("on-node", key=key),
            f"{item.pointer}/{key}",
            help=TEXTS("into-config", key=key),
            node=node_id,
            on_key=True,
            fixes=_moved_in(value, key, item.pointer),
        )
        return None
    before = len(problems.found)
    meaning = partial(foreign_settings.meaning, kind)
    parsed = validate(kind.config, given, found.location, problems, meaning)
    if parsed is None:
        problems.found[before:] = [_with_meant(one, kind, found) for one in problems.found[before:]]
        return None
    exists = not found.bare or value.get("data") is not None
    holder = Holder(found.location.pointer, found.drawn, known, exists)
    pointers = {key: found.location.of((key,)) for key in given}
    inexact = tuple(inexact_numbers.in_config(given, pointers))
    return ReadConfig(parsed, found.location, pointers, holder, inexact)


def _meant(key: str, kind: NodeType, given: dict[str, Any]) -> Suggestion | None:
    return suggestion(
        key,
        given[key],
        vocabulary(kind.config),
        meaning=foreign_settings.meaning(kind, key),
        given=given,
    )


def _with_meant(one: Diagnostic, kind: NodeType, found: _Config) -> Diagnostic:
    """If a key is missing, point to the key by which another product calls it, if that is given."""
    missing = re.fullmatch(r"`(\w+)` is missing", one.message)
    if missing is None or one.pointer != found.location.pointer:
        return one
    for key, value in found.value.items():
        if key in _config_keys(kind.config) or is_of_host(key, value):
            continue
        meaning = foreign_settings.meaning(kind, key)
        meant = _meant(key, kind, found.value)
        if meaning is None or meaning.name != missing[1] or meant is None:
            continue
        pointer = found.location.of((key,))
        fixes = meant.fixes(pointer, key, value)
        return replace(one, pointer=pointer, on_key=True, help=meant.help, fixes=fixes)
    return one


def _is_foreign(key: str, kind: NodeType) -> bool:
    """True if a key is another product's, and not one of ours with a typing error."""
    known = _config_keys(kind.config)
    if key in known or closest_key(key, known) is not None:
        return False
    return foreign_settings.meaning(kind, key) is not None


def _moved_in(value: dict[str, Any], key: str, pointer: str) -> tuple[Fix, ...]:
    """Move a key from the node itself into its `config`, which is added if it is missing."""
    config = value.get("config")
    edits = [] if isinstance(config, dict) else [Edit("add", f"{pointer}/config", {})]
    edits.append(Edit("move", f"{pointer}/config/{key}", source=f"{pointer}/{key}"))
    return (Fix(TEXTS("move", key=key), True, tuple(edits)),)


def _config(
    value: dict[str, Any],
    data: dict[str, Any],
    kind: NodeType,
    pointer: str,
    node_id: str,
    problems: Problems,
) -> _Config | None:
    """Find the object that configures a node: `config`, `data.config`, `data.content` or `data`."""
    own = _config_keys(kind.config)
    is_setting = "content" in own and any(key in data for key in own if key != "content")
    for *above, key in places.CONFIGS:
        if key == "content" and is_setting:
            continue
        holder, at = (data, f"{pointer}/data") if above else (value, pointer)
        one = holder.get(key)
        if key == "config" and one is not None and not isinstance(one, dict):
            problems.add(
                "PF101",
                TEXTS("config-object", one=one),
                f"{at}/config",
                node=node_id,
            )
            return None
        if isinstance(one, dict) and one:
            return _Config(one, Location(f"{at}/{key}", {}, node_id), False, one)
    at = f"{pointer}/data" if value.get("data") is not None else pointer
    return _Config(data, Location(at, {}, node_id), True, data)
