"""The config of a drawn node: found in one of four places, and valid for its type."""

import re
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

from proflow_schemas.configs import Config
from proflow_schemas.node_types import NodeType

from proflow_compiler.design import InexactNumber
from proflow_compiler.diagnostics import Diagnostic, Edit, Fix
from proflow_compiler.diagnostics.problems import Problems, kind_of, shown
from proflow_compiler.reader import inexact_numbers, other_words, riveredge
from proflow_compiler.reader.canvas_keys import is_of_host
from proflow_compiler.reader.drawing import Drawing, Item, misspelt
from proflow_compiler.reader.suggesting import Suggestion, closest_key, suggestion, vocabulary
from proflow_compiler.reader.unread_keys import DISPLAYED, Holder
from proflow_compiler.reader.validate import Place, validate


@cache
def _config_keys(config: type[Config]) -> dict[str, str]:
    """The keys of a config as they are written → the names of its fields."""
    return {entry.alias or key: key for key, entry in config.model_fields.items()}


@dataclass(frozen=True)
class ReadConfig:
    """A valid config: where it stands, where its values stand, and what else stands beside them."""

    config: Config
    place: Place
    pointers: dict[str, str]
    holder: Holder
    inexact: tuple[InexactNumber, ...] = ()


@dataclass(frozen=True)
class _Config:
    value: dict[str, Any]
    place: Place
    bare: bool
    drawn: dict[str, Any]
    """The object as it stands in the file."""


def read_config(
    item: Item,
    node_id: str,
    kind: NodeType,
    data: dict[str, Any],
    drawing: Drawing,
    problems: Problems,
) -> ReadConfig | None:
    """The config of a node; None if it is unsound."""
    value: dict[str, Any] = item.value
    found = _config(value, data, kind, item.pointer, node_id, problems)
    if found is None:
        return None
    if drawing.dialect == riveredge.DIALECT:
        renamed, places = riveredge.config(kind.name, found.value, found.place.pointer)
        found = _Config(renamed, replace(found.place, pointers=places), found.bare, found.value)
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
                    continue  # no typing error: unread-key says that nothing reads it
                place = found.place.of((key,))
                problems.add(
                    "PF101",
                    f"unknown key `{shown(key)}`",
                    place,
                    help=meant.help,
                    node=node_id,
                    on_key=True,
                    fixes=meant.fixes(place, key, one),
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
            f"`{key}` stands on the node itself",
            f"{item.pointer}/{key}",
            help=f'move it into `config`: `"config": {{"{key}": …}}`',
            node=node_id,
            on_key=True,
            fixes=_moved_in(value, key, item.pointer),
        )
        return None
    before = len(problems.found)
    meaning = partial(other_words.meaning, kind)
    parsed = validate(kind.config, given, found.place, problems, meaning)
    if parsed is None:
        problems.found[before:] = [_with_meant(one, kind, found) for one in problems.found[before:]]
        return None
    exists = not found.bare or value.get("data") is not None
    holder = Holder(found.place.pointer, found.drawn, known, exists)
    pointers = {key: found.place.of((key,)) for key in given}
    inexact = tuple(inexact_numbers.in_config(given, pointers))
    return ReadConfig(parsed, found.place, pointers, holder, inexact)


def _meant(key: str, kind: NodeType, given: dict[str, Any]) -> Suggestion | None:
    return suggestion(
        key,
        given[key],
        vocabulary(kind.config),
        meaning=other_words.meaning(kind, key),
        given=given,
    )


def _with_meant(one: Diagnostic, kind: NodeType, found: _Config) -> Diagnostic:
    """Of a missing key: what stands under another product's word for it."""
    missing = re.fullmatch(r"`(\w+)` is missing", one.message)
    if missing is None or one.pointer != found.place.pointer:
        return one
    for key, value in found.value.items():
        if key in _config_keys(kind.config) or is_of_host(key, value):
            continue
        meaning = other_words.meaning(kind, key)
        meant = _meant(key, kind, found.value)
        if meaning is None or meaning.name != missing[1] or meant is None:
            continue
        place = found.place.of((key,))
        fixes = meant.fixes(place, key, value)
        return replace(one, pointer=place, on_key=True, help=meant.help, fixes=fixes)
    return one


def _is_foreign(key: str, kind: NodeType) -> bool:
    """True if a key is another product's word, and none of ours with a typing error."""
    known = _config_keys(kind.config)
    if key in known or closest_key(key, known) is not None:
        return False
    return other_words.meaning(kind, key) is not None


def _moved_in(value: dict[str, Any], key: str, pointer: str) -> tuple[Fix, ...]:
    """Move a key of the node itself into its `config`, or make it one."""
    config = value.get("config")
    edits = [] if isinstance(config, dict) else [Edit("add", f"{pointer}/config", {})]
    edits.append(Edit("move", f"{pointer}/config/{key}", source=f"{pointer}/{key}"))
    return (Fix(f"move `{key}` into `config`", True, tuple(edits)),)


def _config(
    value: dict[str, Any],
    data: dict[str, Any],
    kind: NodeType,
    pointer: str,
    node_id: str,
    problems: Problems,
) -> _Config | None:
    """The object that configures a node: `config`, `data.config`, `data.content`, `data`."""
    places = [("config", value, pointer), ("config", data, f"{pointer}/data")]
    own = _config_keys(kind.config)
    if "content" not in own or not any(key in data for key in own if key != "content"):
        places.append(("content", data, f"{pointer}/data"))
    for key, holder, at in places:
        one = holder.get(key)
        if key == "config" and one is not None and not isinstance(one, dict):
            problems.add(
                "PF101",
                f"`config` must be an object, not {kind_of(one)}",
                f"{at}/config",
                node=node_id,
            )
            return None
        if isinstance(one, dict) and one:
            return _Config(one, Place(f"{at}/{key}", {}, node_id), False, one)
    at = f"{pointer}/data" if value.get("data") is not None else pointer
    return _Config(data, Place(at, {}, node_id), True, data)
