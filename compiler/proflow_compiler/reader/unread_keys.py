"""Reports keys that nothing reads (PF320), and suggests what they mean.

Keys that canvases write themselves (`canvas_keys`) are not reported. Keys of other products
(`foreign_settings`) are reported wherever they are, any other key once for all nodes or edges.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from proflow_schemas.configs import Config
from proflow_schemas.language import Text, Texts
from proflow_schemas.node_types import NODE_TYPES, NodeType
from proflow_schemas.node_types.foreign import Meaning, without_key
from proflow_schemas.settings import Settings

from proflow_compiler.diagnostics import Edit, Fix, Level
from proflow_compiler.diagnostics.design_edits import fix
from proflow_compiler.diagnostics.message_text import shown
from proflow_compiler.diagnostics.problems import Problems
from proflow_compiler.diagnostics.source import escape
from proflow_compiler.reader import foreign_settings
from proflow_compiler.reader.canvas_keys import (
    DATA_KEYS,
    DESIGN_KEYS,
    EDGE_KEYS,
    NODE_KEYS,
    is_of_a_row,
    is_of_the_screen,
)
from proflow_compiler.reader.suggestions import (
    closest_key,
    edge_vocabulary,
    fold_key,
    suggestion,
    vocabulary,
)

TEXTS = Texts(
    "PF320",
    {
        "nor-nodes": Text(
            ", nor of {count:1 other node|# other nodes}", "，另有 {count} 个节点也是如此"
        ),
        "nor-edges": Text(
            ", nor of {count:1 other edge|# other edges}", "，另有 {count} 条连线也是如此"
        ),
        "an": Text("an `{name:raw}`", "`{name:raw}`"),
        "a": Text("a `{name:raw}`", "`{name:raw}`"),
        "leave": Text(
            "if the canvas needs it, let it begin with `x-` or `_`: such keys are left alone",
            "如果画布需要它，请以 `x-` 或 `_` 开头，这样的键会被忽略",
        ),
        "remove": Text(
            "remove it: `{key:raw}` of `{where:raw}` counts",
            "移除它：以 `{where:raw}` 的 `{key:raw}` 为准",
        ),
        "move": Text("move it into `{where:raw}`", "移入 `{where:raw}`"),
        "let-count": Text("let it count: {help:raw}", "使其生效：{help:raw}"),
        "configured-by": Text(
            "the node is configured by `{where:raw}`: keep one of the two",
            "节点的配置在 `{where:raw}` 中：两者只保留一个",
        ),
        "did-you-mean": Text("did you mean {say:raw}?", "是否想写 {say:raw}？"),
        "did-you-mean-rule": Text(
            "did you mean {say:raw}: {one:raw}?",
            "是否想写{say:raw}：{one:raw}？",
        ),
        "into-trigger": Text(
            "fire in `{zone}`: move it into the trigger",
            "按 `{zone}` 触发：移入触发器",
        ),
        "into-design": Text(
            "read all times that name no zone as `{zone}`: move it to the design",
            "未指定时区的时间一律按 `{zone}` 计算：移到设计上",
        ),
        "of-node": Text(
            "nothing reads `{key}` of `{node_id}`",
            "`{node_id}` 的 `{key}` 不会被读取",
        ),
        "the-edge": Text("the edge `{edge_key}`", "连线 `{edge_key}`"),
        "of-edge": Text(
            "nothing reads `{key}` of the edge `{edge_key}`",
            "连线 `{edge_key}` 的 `{key}` 不会被读取",
        ),
        "unread": Text(
            "nothing reads `{key}` of {owner:raw}{more:raw}",
            "{owner:raw} 的 `{key}` 不会被读取{more:raw}",
        ),
        "near-counts": Text(
            "`{near:raw}` is there as well, and counts: remove this key",
            "已有 `{near:raw}` 并以它为准：移除这个键",
        ),
        "of-design": Text("nothing reads `{key}` of the design", "设计的 `{key}` 不会被读取"),
        "to-top": Text(
            "let it count: move `{name:raw}` to the top level",
            "使其生效：将 `{name:raw}` 移到顶层",
        ),
        "nested": Text(
            "nothing reads `{name}` in `{key:raw}`",
            "`{key:raw}` 中的 `{name}` 不会被读取",
        ),
        "beside-nodes": Text(
            "settings of a design stand beside its `nodes`",
            "设计的设置应与 `nodes` 同级",
        ),
        "of-types": Text(
            "it is a setting of {types:names}; {kind:raw} has none of that name",
            "它是 {types:names} 的设置，{kind:raw} 没有这个设置",
        ),
    },
)

_LEAVE = TEXTS("leave")
_NESTED = ("config", "settings", "options")
"""Objects beside the graph in which hosts may keep settings."""
_HOLDERS = ("config", "content")
DISPLAYED = ("default", "success", "warning", "error")
"""Values of `data.status` by which ProFlow colours a node; they are not the status of an `end`."""
_TYPES_OF: dict[str, list[str]] = {}
for _type, _kind in NODE_TYPES.items():
    for _field, _info in _kind.config.model_fields.items():
        _TYPES_OF.setdefault(_info.alias or _field, []).append(_type)


@dataclass(frozen=True)
class Holder:
    """The object that configures a node or an edge.

    Attributes:
        pointer: Where it is; where the node or edge is if it has none.
        value: The object.
        read: Its keys that are read.
        exists: True if the file has it.
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
    """Reports the keys of one drawing that nothing reads.

    Unknown keys are collected, and reported by `report` once all nodes or edges were examined.

    Attributes:
        problems: Collects the problems.
        pointer: Where the design is.
        settings: The settings that the design has.
    """

    problems: Problems
    pointer: str = ""
    settings: Collection[str] = ()
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
        """Examine a node, its `data`, and the object that configures it.

        Args:
            value: The node.
            pointer: Where it is.
            node_id: Its id.
            kind: Its type.
            holder: The object that configures it.
            quiet: Keys that are read elsewhere.
        """
        known = _keys_of(kind)
        data = value.get("data")
        at = f"{pointer}/data"
        bare = holder.pointer in (at, pointer)
        for key, one in holder.value.items():
            if key in known or key in quiet or is_empty(one):
                continue
            key_pointer = f"{holder.pointer}/{escape(key)}"
            found = foreign_settings.meaning(kind, key)
            if found is not None:
                self._foreign(found, key, one, key_pointer, node_id, kind, holder)
            elif bare:  # in a config of its own, the schema has refused the key
                self._unknown(key, one, key_pointer, node_id, kind, holder, DATA_KEYS)
        around = [(pointer, value, NODE_KEYS)]
        if isinstance(data, dict) and not bare:
            around.append((at, data, DATA_KEYS))
        for below, key, one, silent in (
            (below, key, one, silent)
            for below, keys, silent in around
            for key, one in keys.items()
            if key not in silent or key in known or key in _HOLDERS
        ):
            key_pointer = f"{below}/{escape(key)}"
            if key in quiet or is_empty(one) or key_pointer == holder.pointer or key_pointer == at:
                continue
            found = foreign_settings.meaning(kind, key)
            if key in _HOLDERS and (isinstance(one, dict) or key == "config"):
                if one != holder.value:
                    self._second(key, key_pointer, node_id, holder)
            elif key in known:
                if key != "status" or (kind.kind == "end" and one not in DISPLAYED):
                    self._misplaced(key, one, key_pointer, node_id, holder)
            elif found is not None and key not in silent:
                self._foreign(found, key, one, key_pointer, node_id, kind, holder)
            else:
                self._unknown(key, one, key_pointer, node_id, kind, holder, silent)

    def _unknown(
        self,
        key: str,
        value: Any,
        key_pointer: str,
        node_id: str,
        kind: NodeType,
        holder: Holder,
        silent: Collection[str],
    ) -> None:
        if key not in silent and not is_of_the_screen(key):
            help = _elsewhere(key, value, kind, holder.value)
            self._other(key, key_pointer, f"`{shown(node_id)}`", help, node=node_id)

    def _misplaced(
        self, key: str, one: Any, key_pointer: str, node_id: str, holder: Holder
    ) -> None:
        """Report a setting that is outside of the object that configures the node."""
        where = holder.pointer.rpartition("/")[2] if holder.exists else "data"
        if key in holder.value:
            if holder.value[key] == one:
                return
            help = TEXTS("remove", key=key, where=where)
            fixes: tuple[Fix, ...] = ()
        else:
            help = TEXTS("move", where=where)
            fixes = (_carried(TEXTS("let-count", help=help), key_pointer, one, {key: one}, holder),)
        self._add(key, key_pointer, node_id, help, fixes)

    def _second(self, key: str, key_pointer: str, node_id: str, holder: Holder) -> None:
        where = holder.pointer.rpartition("/")[2]
        self._add(key, key_pointer, node_id, TEXTS("configured-by", where=where))

    def _foreign(
        self,
        found: Meaning,
        key: str,
        one: Any,
        key_pointer: str,
        node_id: str,
        kind: NodeType,
        holder: Holder,
    ) -> None:
        """Report a key of another product."""
        if found is foreign_settings.ZONE and "timezone" not in holder.read:
            self._zone(found, key, one, key_pointer, node_id, holder)
            return
        meant = suggestion(
            key, one, vocabulary(kind.config), meaning=found, given=holder.value.keys() - {key}
        )
        help = meant.help if meant is not None else TEXTS("did-you-mean", say=found.say)
        fixes: tuple[Fix, ...] = ()
        if meant is not None and meant.written is not None:
            fixes = (
                _carried(
                    foreign_settings.title(meant.written), key_pointer, one, meant.written, holder
                ),
            )
        if found.written is None and isinstance(one, str) and "data.when" in found.say:
            help = TEXTS("did-you-mean-rule", say=without_key(found.say), one=_as_rule(one))
        self._add(key, key_pointer, node_id, help, fixes)

    def _zone(
        self, found: Meaning, key: str, one: Any, key_pointer: str, node_id: str, holder: Holder
    ) -> None:
        """Report a time zone on a node; one is only read in a cron trigger and at the top level."""
        zone = foreign_settings.zone_of(one)
        trigger = holder.value.get("trigger")
        fixes: tuple[Fix, ...] = ()
        target, title = "", ""
        if isinstance(trigger, dict) and "cron" in trigger:
            if "timezone" not in trigger:
                target = f"{holder.pointer}/trigger/timezone"
                title = TEXTS("into-trigger", zone=zone)
        elif "timezone" not in self.settings:
            target = f"{self.pointer}/timezone"
            title = TEXTS("into-design", zone=zone)
        if zone is not None:
            if target:
                moved = Edit("move", target, source=key_pointer)
                more = () if zone == one else (Edit("replace", target, zone),)
                fixes = (Fix(title, False, (moved, *more)),)
            self.problems.zones.append(key_pointer)
        self._add(key, key_pointer, node_id, TEXTS("did-you-mean", say=found.say), fixes)

    def _add(
        self,
        key: str,
        key_pointer: str,
        node_id: str,
        help: str,
        fixes: tuple[Fix, ...] = (),
    ) -> None:
        self.problems.add(
            "PF320",
            TEXTS("of-node", key=key, node_id=node_id),
            key_pointer,
            level=Level.WARNING,
            node=node_id,
            on_key=True,
            help=help,
            fixes=fixes,
        )

    def of_edge(
        self, value: Mapping[str, Any], pointer: str, edge_key: str, read: Collection[str]
    ) -> None:
        """Examine an edge and its `data`.

        Args:
            value: The edge.
            pointer: Where it is.
            edge_key: How diagnostics name it.
            read: The keys that are read, or whose misuse is an error.
        """
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
            key_pointer = f"{below}/{escape(key)}"
            found = foreign_settings.of_edge(key)
            if found is None:
                if key not in silent and not is_of_the_screen(key):
                    self._other(
                        key, key_pointer, TEXTS("the-edge", edge_key=edge_key), None, edge=edge_key
                    )
                continue
            given = holder.value.keys() - {key}
            meant = suggestion(key, one, edge_vocabulary(), meaning=found, given=given)
            fixes: tuple[Fix, ...] = ()
            if meant is not None and meant.written is not None:
                title = foreign_settings.title(meant.written)
                fixes = (_carried(title, key_pointer, one, meant.written, holder),)
            self.problems.add(
                "PF320",
                TEXTS("of-edge", key=key, edge_key=edge_key),
                key_pointer,
                level=Level.WARNING,
                edge=edge_key,
                on_key=True,
                help=meant.help if meant is not None else TEXTS("did-you-mean", say=found.say),
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
        """Collect an unknown key, to be reported once for all nodes or edges that have it."""
        kind = "node" if node is not None else "edge"
        known = self._repeated.get((kind, key))
        if known is None:
            self._repeated[kind, key] = _Repeated(pointer, owner, help, node, edge)
        else:
            known.others += 1

    def report(self) -> None:
        """Report the unknown keys that were collected, each once."""
        for (kind, key), one in self._repeated.items():
            more = ""
            if one.others:
                more = TEXTS("nor-nodes" if kind == "node" else "nor-edges", count=one.others)
            self.problems.add(
                "PF320",
                TEXTS("unread", key=key, owner=one.owner, more=more),
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
    """Examine the top level of a design.

    Args:
        value: The object that holds the graph, or a wrapper around it.
        pointer: Where it is.
        known: The keys that are read.
        problems: Collects the problems.
        wrapper: True for a wrapper, of which only keys that other products use for settings are
            reported.
    """
    for key, one in value.items():
        if key in known or is_empty(one):
            continue
        key_pointer = f"{pointer}/{escape(key)}"
        if key in _NESTED and isinstance(one, dict) and not wrapper:
            _of_nested(key, one, key_pointer, value, pointer, known, problems)
            continue
        found = foreign_settings.of_design(key)
        if found is None and (
            wrapper or key in DESIGN_KEYS or is_of_a_row(key) or isinstance(one, bool)
        ):
            continue
        near = closest_key(key, known)
        others = value.keys() - {key}
        meant = suggestion(key, one, vocabulary(Settings), meaning=found, given=others)
        fixes: tuple[Fix, ...] = ()
        help: str
        if near is not None and near in value:
            help = TEXTS("near-counts", near=near)
        elif meant is not None:
            help = meant.help
            if meant.written is not None and not wrapper:
                holder = Holder(pointer, value, known)
                fixes = (
                    _carried(
                        foreign_settings.title(meant.written),
                        key_pointer,
                        one,
                        meant.written,
                        holder,
                    ),
                )
        else:
            help = _LEAVE if found is None else TEXTS("did-you-mean", say=found.say)
        if (
            fold_key(key) in foreign_settings.ZONES
            and foreign_settings.zone_of(one) is not None
            and not wrapper
        ):
            problems.zones.append(key_pointer)
        problems.add(
            "PF320",
            TEXTS("of-design", key=key),
            key_pointer,
            level=Level.WARNING,
            on_key=True,
            help=help,
            fixes=fixes,
        )


def _of_nested(
    key: str,
    one: Mapping[str, Any],
    key_pointer: str,
    value: Mapping[str, Any],
    pointer: str,
    known: Collection[str],
    problems: Problems,
) -> None:
    """Report settings of a design that are in an object beside its graph."""
    quiet = {"id", "name", "description", "version", "nodes", "edges", "viewport", "elements"}
    for name, inner in one.items():
        if name not in known or name in quiet or is_empty(inner):
            continue
        at = f"{key_pointer}/{escape(name)}"
        fixes: tuple[Fix, ...] = ()
        if name == "timezone":
            problems.zones.append(at)
        if name not in value:
            edit = Edit("move", f"{pointer}/{escape(name)}", source=at)
            fixes = (fix(TEXTS("to-top", name=name), edit),)
        problems.add(
            "PF320",
            TEXTS("nested", name=name, key=key),
            at,
            level=Level.WARNING,
            on_key=True,
            help=TEXTS("beside-nodes"),
            fixes=fixes,
        )


def _keys_of(kind: NodeType) -> frozenset[str]:
    return _keys_of_config(kind.config)


@cache
def _keys_of_config(config: type[Config]) -> frozenset[str]:
    return frozenset(one.alias or field for field, one in config.model_fields.items())


def is_empty(value: Any) -> bool:
    """Return True if a value is empty, as forms save fields that are not filled in."""
    return value is None or value in ("", [], {})


def _elsewhere(key: str, value: Any, kind: NodeType, given: Collection[str]) -> str | None:
    """The help for a key that this node type does not have; None if nothing is likely."""
    near = closest_key(key, _keys_of(kind))
    if near is not None and near in given:
        return TEXTS("near-counts", near=near)
    meant = suggestion(key, value, vocabulary(kind.config), given=given)
    if meant is not None:
        return meant.help
    types = [name for name in _TYPES_OF.get(key, ()) if name != kind.name]
    if types:
        return TEXTS("of-types", types=types[:6], kind=_article(kind.name))
    return None


def _article(name: str) -> str:
    return TEXTS("an" if name[0] in "aeiou" else "a", name=name)


def _as_rule(text: str) -> str:
    short = text if len(text) <= 80 else text[:79] + "…"
    return f'`"data": {json.dumps({"when": short}, ensure_ascii=False)}`'.replace("\n", " ")


def _carried(
    title: str, key_pointer: str, value: Any, written: Mapping[str, Any], holder: Holder
) -> Fix:
    """Replace a key by settings with our keys in the object that configures the node or edge."""
    names = list(written)
    handle = names == ["sourceHandle"]
    below = holder.pointer.rpartition("/")[0] if handle and holder.exists else holder.pointer
    if len(names) == 1 and (holder.exists or handle):
        target = f"{below}/{escape(names[0])}"
        plain = Edit("move", target, source=key_pointer)
        if written[names[0]] == value:
            return fix(title, plain)
        return fix(title, plain, Edit("replace", target, written[names[0]]))
    if not holder.exists:
        return Fix(
            title,
            False,
            (Edit("remove", key_pointer), Edit("add", f"{holder.pointer}/data", dict(written))),
        )
    return Fix(
        title,
        False,
        (
            Edit("remove", key_pointer),
            *(Edit("add", f"{below}/{escape(name)}", one) for name, one in written.items()),
        ),
    )
