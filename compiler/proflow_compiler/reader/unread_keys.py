"""PF320: keys that nothing reads, with what seems to be meant by them.

What canvases put into a file themselves is known (`canvas_keys`), what other products call a setting
is known in part (`other_words`). Of all else it is said once for each key, wherever it stands.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from proflow_schemas.configs import Config
from proflow_schemas.node_types import NODE_TYPES, NodeType
from proflow_schemas.node_types.foreign import Meaning
from proflow_schemas.settings import Settings

from proflow_compiler.diagnostics import Edit, Fix, Level
from proflow_compiler.diagnostics.making_edits import fix
from proflow_compiler.diagnostics.problems import Problems, shown
from proflow_compiler.diagnostics.source import escape
from proflow_compiler.reader import other_words
from proflow_compiler.reader.canvas_keys import (
    DATA_KEYS,
    DESIGN_KEYS,
    EDGE_KEYS,
    NODE_KEYS,
    is_of_a_row,
    is_of_the_screen,
)
from proflow_compiler.reader.suggesting import (
    closest_key,
    edge_vocabulary,
    fold_key,
    suggestion,
    vocabulary,
)

_LEAVE = "if the canvas needs it, let it begin with `x-` or `_`: such keys are left alone"
_NESTED = ("config", "settings", "options")
"""Objects beside the graph in which hosts keep settings."""
_HOLDERS = ("config", "content")
DISPLAYED = ("default", "success", "warning", "error")
"""How ProFlow paints a node (`data.status`): no status of an `end`."""
_TYPES_OF: dict[str, list[str]] = {}
for _type, _kind in NODE_TYPES.items():
    for _field, _info in _kind.config.model_fields.items():
        _TYPES_OF.setdefault(_info.alias or _field, []).append(_type)


@dataclass(frozen=True)
class Holder:
    """The object that configures a node or an edge: where it stands, and what is read of it.

    `exists`: it stands in the file; else `pointer` is where the node stands, which has no `data`.
    """

    pointer: str
    value: Mapping[str, Any]
    read: Collection[str]
    exists: bool = True


@dataclass
class _Repeated:
    pointer: str
    owner: str
    help: str | None
    node: str | None
    edge: str | None
    others: int = 0


@dataclass
class UnreadKeys:
    """Collects the keys of one drawing that nothing reads; `report` says the rest."""

    problems: Problems
    pointer: str = ""
    """Where the design stands."""
    settings: Collection[str] = ()
    """The settings that it has."""
    _repeated: dict[tuple[str, str], _Repeated] = field(default_factory=dict)

    def of_node(
        self,
        value: Mapping[str, Any],
        pointer: str,
        node_id: str,
        kind: NodeType,
        holder: Holder,
        quiet: Collection[str] = (),
    ) -> None:
        """Look through a node, its `data`, and what configures it; `quiet` keys are read elsewhere."""
        known = _keys_of(kind)
        data = value.get("data")
        at = f"{pointer}/data"
        bare = holder.pointer in (at, pointer)
        for key, one in holder.value.items():
            if key in known or key in quiet or is_empty(one):
                continue
            place = f"{holder.pointer}/{escape(key)}"
            found = other_words.meaning(kind, key)
            if found is not None:
                self._foreign(found, key, one, place, node_id, kind, holder)
            elif bare:  # else the schema has said so
                self._unknown(key, one, place, node_id, kind, holder, DATA_KEYS)
        around = [(pointer, value, NODE_KEYS)]
        if isinstance(data, dict) and not bare:
            around.append((at, data, DATA_KEYS))
        for below, key, one, silent in (
            (below, key, one, silent)
            for below, keys, silent in around
            for key, one in keys.items()
            if key not in silent or key in known or key in _HOLDERS
        ):
            place = f"{below}/{escape(key)}"
            if key in quiet or is_empty(one) or place == holder.pointer or place == at:
                continue
            found = other_words.meaning(kind, key)
            if key in _HOLDERS and (isinstance(one, dict) or key == "config"):
                if one != holder.value:
                    self._second(key, place, node_id, holder)
            elif key in known:
                if key != "status" or (kind.kind == "end" and one not in DISPLAYED):
                    self._misplaced(key, one, place, node_id, holder)
            elif found is not None and key not in silent:
                self._foreign(found, key, one, place, node_id, kind, holder)
            else:
                self._unknown(key, one, place, node_id, kind, holder, silent)

    def _unknown(
        self,
        key: str,
        value: Any,
        place: str,
        node_id: str,
        kind: NodeType,
        holder: Holder,
        silent: Collection[str],
    ) -> None:
        if key not in silent and not is_of_the_screen(key):
            help = _elsewhere(key, value, kind, holder.value)
            self._other(key, place, f"`{shown(node_id)}`", help, node=node_id)

    def _misplaced(self, key: str, one: Any, place: str, node_id: str, holder: Holder) -> None:
        """A setting of the type that does not stand where the others are."""
        where = holder.pointer.rpartition("/")[2] if holder.exists else "data"
        if key in holder.value:
            if holder.value[key] == one:
                return
            help = f"remove it: `{key}` of `{where}` counts"
            fixes: tuple[Fix, ...] = ()
        else:
            help = f"move it into `{where}`"
            fixes = (_carried(f"let it count: {help}", place, one, {key: one}, holder),)
        self._add(key, place, node_id, help, fixes)

    def _second(self, key: str, place: str, node_id: str, holder: Holder) -> None:
        where = holder.pointer.rpartition("/")[2]
        self._add(key, place, node_id, f"the node is configured by `{where}`: keep one of the two")

    def _foreign(
        self,
        found: Meaning,
        key: str,
        one: Any,
        place: str,
        node_id: str,
        kind: NodeType,
        holder: Holder,
    ) -> None:
        """A key that is another product's word."""
        if found is other_words.ZONE and "timezone" not in holder.read:
            self._zone(found, key, one, place, node_id, holder)
            return
        meant = suggestion(
            key, one, vocabulary(kind.config), meaning=found, given=holder.value.keys() - {key}
        )
        help = meant.help if meant is not None else f"did you mean {found.say}?"
        fixes: tuple[Fix, ...] = ()
        if meant is not None and meant.written is not None:
            fixes = (_carried(other_words.title(meant.written), place, one, meant.written, holder),)
        if found.written is None and isinstance(one, str) and "data.when" in found.say:
            help = f"did you mean {found.say.partition(':')[0]}: {_as_rule(one)}?"
        self._add(key, place, node_id, help, fixes)

    def _zone(
        self, found: Meaning, key: str, one: Any, place: str, node_id: str, holder: Holder
    ) -> None:
        """A time zone, which is read in the trigger of a cron, and beside the nodes."""
        zone = other_words.zone_of(one)
        trigger = holder.value.get("trigger")
        fixes: tuple[Fix, ...] = ()
        target, title = "", ""
        if isinstance(trigger, dict) and "cron" in trigger:
            if "timezone" not in trigger:
                target = f"{holder.pointer}/trigger/timezone"
                title = f"fire in `{shown(zone)}`: move it into the trigger"
        elif "timezone" not in self.settings:
            target = f"{self.pointer}/timezone"
            title = f"{other_words.title({'timezone': zone})}: move it to the design"
        if zone is not None:
            if target:
                moved = Edit("move", target, source=place)
                more = () if zone == one else (Edit("replace", target, zone),)
                fixes = (Fix(title, False, (moved, *more)),)
            self.problems.zones.append(place)
        self._add(key, place, node_id, f"did you mean {found.say}?", fixes)

    def _add(
        self,
        key: str,
        place: str,
        node_id: str,
        help: str,
        fixes: tuple[Fix, ...] = (),
    ) -> None:
        self.problems.add(
            "PF320",
            f"nothing reads `{shown(key)}` of `{shown(node_id)}`",
            place,
            level=Level.WARNING,
            node=node_id,
            on_key=True,
            help=help,
            fixes=fixes,
        )

    def of_edge(
        self, value: Mapping[str, Any], pointer: str, edge_key: str, read: Collection[str]
    ) -> None:
        """Look through an edge and its `data`; `read` are the keys that are, or an error there."""
        data = value.get("data")
        at = f"{pointer}/data"
        holder = Holder(at if isinstance(data, dict) else pointer, data or {}, read, bool(data))
        own = [
            (key, one, at, DATA_KEYS)
            for key, one in (data.items() if isinstance(data, dict) else ())
            if key not in read
        ]
        own += [
            (key, one, pointer, EDGE_KEYS)
            for key, one in value.items()
            if key not in EDGE_KEYS and key not in read
        ]
        for key, one, below, silent in own:
            if is_empty(one):
                continue
            place = f"{below}/{escape(key)}"
            found = other_words.of_edge(key)
            if found is None:
                if key not in silent and not is_of_the_screen(key):
                    self._other(key, place, f"the edge `{shown(edge_key)}`", None, edge=edge_key)
                continue
            given = holder.value.keys() - {key}
            meant = suggestion(key, one, edge_vocabulary(), meaning=found, given=given)
            fixes: tuple[Fix, ...] = ()
            if meant is not None and meant.written is not None:
                title = other_words.title(meant.written)
                fixes = (_carried(title, place, one, meant.written, holder),)
            self.problems.add(
                "PF320",
                f"nothing reads `{shown(key)}` of the edge `{shown(edge_key)}`",
                place,
                level=Level.WARNING,
                edge=edge_key,
                on_key=True,
                help=meant.help if meant is not None else f"did you mean {found.say}?",
                fixes=fixes,
            )

    def _other(
        self,
        key: str,
        pointer: str,
        owner: str,
        help: str | None,
        *,
        node: str | None = None,
        edge: str | None = None,
    ) -> None:
        """A key of which nothing is known: it is told once, however often it stands there."""
        kind = "node" if node is not None else "edge"
        known = self._repeated.get((kind, key))
        if known is None:
            self._repeated[kind, key] = _Repeated(pointer, owner, help, node, edge)
        else:
            known.others += 1

    def report(self) -> None:
        """Report what has been collected, each key once."""
        for (kind, key), one in self._repeated.items():
            more = ""
            if one.others:
                more = f", nor of {one.others} other {kind}{'s' if one.others > 1 else ''}"
            self.problems.add(
                "PF320",
                f"nothing reads `{shown(key)}` of {one.owner}{more}",
                one.pointer,
                level=Level.WARNING,
                node=one.node,
                edge=one.edge,
                on_key=True,
                help=one.help or _LEAVE,
            )
        self._repeated.clear()


def of_design(
    value: Mapping[str, Any],
    pointer: str,
    known: Collection[str],
    problems: Problems,
    *,
    wrapper: bool = False,
) -> None:
    """Look through the top level; of a wrapper only what other tools call a setting is told."""
    for key, one in value.items():
        if key in known or is_empty(one):
            continue
        place = f"{pointer}/{escape(key)}"
        if key in _NESTED and isinstance(one, dict) and not wrapper:
            _of_nested(key, one, place, value, pointer, known, problems)
            continue
        found = other_words.of_design(key)
        if found is None and (
            wrapper or key in DESIGN_KEYS or is_of_a_row(key) or isinstance(one, bool)
        ):
            continue
        near = closest_key(key, known)
        others = value.keys() - {key}
        meant = suggestion(key, one, vocabulary(Settings), meaning=found, given=others)
        fixes: tuple[Fix, ...] = ()
        if near is not None and near in value:
            help = f"`{near}` is there as well, and counts: remove this key"
        elif meant is not None:
            help = meant.help
            if meant.written is not None and not wrapper:
                holder = Holder(pointer, value, known)
                fixes = (
                    _carried(other_words.title(meant.written), place, one, meant.written, holder),
                )
        else:
            help = _LEAVE if found is None else f"did you mean {found.say}?"
        if (
            fold_key(key) in other_words.ZONES
            and other_words.zone_of(one) is not None
            and not wrapper
        ):
            problems.zones.append(place)
        problems.add(
            "PF320",
            f"nothing reads `{shown(key)}` of the design",
            place,
            level=Level.WARNING,
            on_key=True,
            help=help,
            fixes=fixes,
        )


def _of_nested(
    key: str,
    one: Mapping[str, Any],
    place: str,
    value: Mapping[str, Any],
    pointer: str,
    known: Collection[str],
    problems: Problems,
) -> None:
    """Settings of a design in an object beside its graph."""
    quiet = {"id", "name", "description", "version", "nodes", "edges", "viewport", "elements"}
    for name, inner in one.items():
        if name not in known or name in quiet or is_empty(inner):
            continue
        at = f"{place}/{escape(name)}"
        fixes: tuple[Fix, ...] = ()
        if name == "timezone":
            problems.zones.append(at)
        if name not in value:
            edit = Edit("move", f"{pointer}/{escape(name)}", source=at)
            fixes = (fix(f"let it count: move `{name}` to the top level", edit),)
        problems.add(
            "PF320",
            f"nothing reads `{shown(name)}` in `{key}`",
            at,
            level=Level.WARNING,
            on_key=True,
            help="settings of a design stand beside its `nodes`",
            fixes=fixes,
        )


def _keys_of(kind: NodeType) -> frozenset[str]:
    return _keys_of_config(kind.config)


@cache
def _keys_of_config(config: type[Config]) -> frozenset[str]:
    return frozenset(one.alias or field for field, one in config.model_fields.items())


def is_empty(value: Any) -> bool:
    """True if nothing is lost where nobody reads a value: forms save fields that are not filled."""
    return value is None or value in ("", [], {})


def _elsewhere(key: str, value: Any, kind: NodeType, given: Collection[str]) -> str | None:
    """What may have been meant by a key that this node type does not have."""
    near = closest_key(key, _keys_of(kind))
    if near is not None and near in given:
        return f"`{near}` is there as well, and counts: remove this key"
    meant = suggestion(key, value, vocabulary(kind.config), given=given)
    if meant is not None:
        return meant.help
    types = [name for name in _TYPES_OF.get(key, ()) if name != kind.name]
    if types:
        listed = ", ".join(f"`{name}`" for name in types[:6])
        return f"it is a setting of {listed}; {_article(kind.name)} has none of that name"
    return None


def _article(name: str) -> str:
    return f"{'an' if name[0] in 'aeiou' else 'a'} `{name}`"


def _as_rule(text: str) -> str:
    short = text if len(text) <= 80 else text[:79] + "…"
    return f'`"data": {json.dumps({"when": short}, ensure_ascii=False)}`'.replace("\n", " ")


def _carried(title: str, place: str, value: Any, written: Mapping[str, Any], holder: Holder) -> Fix:
    """Write under our keys what stands under another one."""
    names = list(written)
    handle = names == ["sourceHandle"]
    below = holder.pointer.rpartition("/")[0] if handle and holder.exists else holder.pointer
    if len(names) == 1 and (holder.exists or handle):
        target = f"{below}/{escape(names[0])}"
        plain = Edit("move", target, source=place)
        if written[names[0]] == value:
            return fix(title, plain)
        return fix(title, plain, Edit("replace", target, written[names[0]]))
    if not holder.exists:
        return Fix(
            title,
            False,
            (Edit("remove", place), Edit("add", f"{holder.pointer}/data", dict(written))),
        )
    return Fix(
        title,
        False,
        (
            Edit("remove", place),
            *(Edit("add", f"{below}/{escape(name)}", one) for name, one in written.items()),
        ),
    )
