"""Reads the nodes of a drawing: ids, types, configs, and the containers that they are in."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from proflow_schemas.language import Text, Texts
from proflow_schemas.published import MAX_ID

from proflow_compiler.design import Node
from proflow_compiler.diagnostics import Edit, Fix, Level, Related, has_errors
from proflow_compiler.diagnostics import spelling_fixes as words
from proflow_compiler.diagnostics.problems import Problems
from proflow_compiler.diagnostics.similar_words import meant
from proflow_compiler.diagnostics.source import escape
from proflow_compiler.reader import node_rules, places, riveredge
from proflow_compiler.reader.drawing import Drawing, Item, misspelt
from proflow_compiler.reader.names import as_id
from proflow_compiler.reader.node_configs import read_config
from proflow_compiler.reader.node_rules import NodeRules
from proflow_compiler.reader.node_types import GROUPS, NOTES, refuse_type, spelling_of
from proflow_compiler.reader.unread_keys import UnreadKeys

TEXTS = Texts(
    "nodes",
    {
        "same-id": Text("two nodes have the id `{node_id}`", "有两个节点的 ID 都是 `{node_id}`"),
        "other": Text("the other one", "另一个"),
        "own-id": Text("give each node an id of its own", "为每个节点设置不同的 ID"),
        "remove-copy": Text(
            "remove the second of the two, which are alike",
            "移除重复的节点（两者内容相同）",
        ),
        "take-out": Text(
            "take `{name}` out of what does not exist",
            "将 `{name}` 移出不存在的容器",
        ),
        "no-parent": Text(
            "`{name}` stands in `{parent}`, which does not exist",
            "`{name}` 所在的容器 `{parent}` 不存在",
        ),
        "remove-key": Text(
            "remove the key if the node is in no container",
            "如果节点不在容器中，移除这个键",
        ),
        "start-inside": Text(
            "the start `{node}` stands in `{container}`",
            "开始节点 `{node}` 位于容器 `{container}` 中",
        ),
        "begins-item": Text(
            "leave it out: a node that no edge leads to begins an item, or an iteration",
            "去掉它：没有进入连线的节点会作为该项或该轮的起点",
        ),
        "itself-over": Text(
            "`{at}` stands in itself, by way of {cycle:names}",
            "`{at}` 经由 {cycle:names} 包含了自己",
        ),
        "itself": Text("`{at}` stands in itself", "`{at}` 包含了自己"),
        "break-up": Text("let one of them be in no other node", "将其中一个移出其他节点"),
        "data-object": Text(
            "`data` must be an object, not {data:kind}",
            "`data` 必须是对象，不能是{data:kind}",
        ),
        "group": Text(
            "the group `{node_id}` is left out: it does not run",
            "忽略分组 `{node_id}`：它不会执行",
        ),
        "note": Text(
            "the note `{node_id}` is left out: it does not run",
            "忽略注释 `{node_id}`：它不会执行",
        ),
        "unknown-key": Text("unknown key `{key:raw}`", "未知的键 `{key:raw}`"),
        "did-you-mean": Text("did you mean `{near:raw}`?", "是否想写 `{near:raw}`？"),
        "not-object": Text(
            "a node must be an object, not {value:kind}",
            "节点必须是对象，不能是{value:kind}",
        ),
        "no-id": Text("a node has no `id`", "节点缺少 `id`"),
        "id-type": Text(
            "the id of a node must be a text or a whole number, not {given:kind}",
            "节点的 ID 必须是文本或整数，不能是{given:kind}",
        ),
        "id-empty": Text("the id of a node is empty", "节点的 ID 为空"),
        "id-long": Text(
            "the id of a node has {count} characters, but at most {most} are allowed",
            "节点的 ID 有 {count} 个字符，最多允许 {most} 个",
        ),
        "id-nul": Text("the id of a node holds a NUL character", "节点的 ID 包含 NUL 字符"),
    },
)

_NODE_KEYS = ["id", "type", "data", "config", "label"]


@dataclass
class ReadNodes:
    """The nodes of a drawing, with what reading the edges needs to know of all others.

    Attributes:
        nodes: The nodes without errors, by id.
        broken: The ids of nodes with errors.
        notes: The ids of notes.
        groups: The ids of groups that do not run.
        parents: For each node or group inside of another one, the id of that one, and the pointer
            of the key that says so.
        rules: The rules that condition nodes hold themselves, by the ids of these nodes.
    """

    nodes: dict[str, Node] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    notes: set[str] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)
    parents: dict[str, tuple[str, str]] = field(default_factory=dict)
    rules: dict[str, NodeRules] = field(default_factory=dict)

    @property
    def known(self) -> set[str]:
        """The ids of all nodes that run, with or without errors."""
        return self.broken | self.nodes.keys()

    def containers(self, name: str) -> list[str]:
        """Return the ids of the containers that a node is in, the innermost first."""
        found: list[str] = []
        parent = self.nodes[name].parent
        while parent is not None and parent not in found:
            found.append(parent)
            parent = self.nodes[parent].parent
        return found


def read_nodes(drawing: Drawing, problems: Problems) -> ReadNodes:
    """Read the nodes of a drawing.

    Args:
        drawing: The drawing.
        problems: Collects the problems.
    """
    read = ReadNodes()
    unread = UnreadKeys(problems, drawing.pointer, drawing.settings)
    first: dict[str, Item] = {}
    for item in drawing.nodes:
        node_id = _id(item, problems)
        if node_id is None:
            continue
        if node_id in first:
            problems.add(
                "PF103",
                TEXTS("same-id", node_id=node_id),
                _id_pointer(item),
                node=node_id,
                related=(Related(_id_pointer(first[node_id]), TEXTS("other")),),
                help=TEXTS("own-id"),
                fixes=_without_copy(item, first[node_id]),
            )
            _read_node(item, node_id, drawing, ReadNodes(), UnreadKeys(Problems()), problems)
            read.broken.add(node_id)
            continue
        first[node_id] = item
        _read_node(item, node_id, drawing, read, unread, problems)
    unread.report()
    _assign_containers(read, drawing.dialect, problems)
    return read


def _without_copy(item: Item, first: Item) -> tuple[Fix, ...]:
    """Remove a node that is an exact copy of another one."""
    if item.value != first.value:
        return ()
    return (Fix(TEXTS("remove-copy"), True, (Edit("remove", item.pointer),)),)


def _assign_containers(read: ReadNodes, dialect: str, problems: Problems) -> None:
    """Set the `parent` of each node to the innermost container around it; groups are none."""
    if _has_parent_cycle(read, problems):
        return
    known = read.known | read.groups | read.notes
    for name, (parent, pointer) in read.parents.items():
        if parent not in known and dialect != riveredge.DIALECT:
            near = problems.closest(parent, read.known | read.groups)
            removed = Fix(
                TEXTS("take-out", name=name),
                False,
                (Edit("remove", pointer),),
            )
            problems.add(
                "PF112",
                TEXTS("no-parent", name=name, parent=parent),
                pointer,
                node=name,
                help=meant(near) or TEXTS("remove-key"),
                fixes=(*words.name(pointer, near), removed),
            )
    for node in list(read.nodes.values()):
        container = _container(node.id, read)
        if container is None:
            continue
        read.nodes[node.id] = replace(node, parent=container)
        if node.type == "start":
            problems.add(
                "PF112",
                TEXTS("start-inside", node=node.id, container=container),
                read.parents[node.id][1],
                node=node.id,
                help=TEXTS("begins-item"),
            )


def _container(name: str, read: ReadNodes) -> str | None:
    while name in read.parents:
        name = read.parents[name][0]
        if name in read.nodes and read.nodes[name].kind.container:
            return name
    return None


def _has_parent_cycle(read: ReadNodes, problems: Problems) -> bool:
    """Report nodes that are inside of themselves; True if there are any."""
    done: set[str] = set()
    found = False
    for name in read.parents:
        path: list[str] = []
        at = name
        while at in read.parents and at not in done:
            done.add(at)
            path.append(at)
            at = read.parents[at][0]
        if at not in path:
            continue
        found = True
        cycle = path[path.index(at) :]
        problems.add(
            "PF112",
            TEXTS("itself-over", at=at, cycle=cycle[1:6])
            if len(cycle) > 1
            else TEXTS("itself", at=at),
            read.parents[at][1],
            node=at,
            help=TEXTS("break-up"),
        )
    return found


def _read_node(
    item: Item,
    node_id: str,
    drawing: Drawing,
    read: ReadNodes,
    unread: UnreadKeys,
    problems: Problems,
) -> None:
    value: dict[str, Any] = item.value
    data = value.get("data")
    if data is not None and not isinstance(data, dict):
        problems.add(
            "PF101",
            TEXTS("data-object", data=data),
            f"{item.pointer}/data",
            node=node_id,
        )
        read.broken.add(node_id)
        return
    data = data or {}
    spelling, pointer = spelling_of(value, data, item.pointer, drawing.types)
    if spelling is not None and spelling.lower() in NOTES | GROUPS:
        group = spelling.lower() in GROUPS
        (read.groups if group else read.notes).add(node_id)
        if group:
            _note_parent(item, node_id, read)
        problems.add(
            "PF107",
            TEXTS("group", node_id=node_id) if group else TEXTS("note", node_id=node_id),
            item.pointer,
            level=Level.INFO,
            node=node_id,
        )
        return
    kind = None if spelling is None else drawing.types.get(spelling)
    if kind is None:
        refuse_type(value, item.pointer, node_id, spelling, pointer, drawing.types, problems)
        read.broken.add(node_id)
        return
    before = len(problems.found)
    for key in value:
        if key not in _NODE_KEYS and (near := misspelt(key, _NODE_KEYS, value)) in (
            "data",
            "config",
        ):
            problems.add(
                "PF101",
                TEXTS("unknown-key", key=key),
                f"{item.pointer}/{escape(key)}",
                help=TEXTS("did-you-mean", near=near),
                node=node_id,
                on_key=True,
                fixes=words.key(f"{item.pointer}/{escape(key)}", key, near),
            )
    config = read_config(item, node_id, kind, data, drawing, problems)
    if config is None or has_errors(problems.found[before:]):
        read.broken.add(node_id)
        return
    quiet: Collection[str] = ()
    if drawing.dialect == riveredge.DIALECT:
        quiet = riveredge.READ_KEYS
    else:
        holders = [(config.holder.value, config.holder.pointer), (data, f"{item.pointer}/data")]
        rules = node_rules.found_in(kind, holders)
        if rules is not None:
            read.rules[node_id] = rules
            quiet = (rules.key,)
    unread.of_node(value, item.pointer, node_id, kind, config.holder, quiet)
    read.nodes[node_id] = Node(
        id=node_id,
        type=kind.name,
        label=next((one for one, _ in places.texts(value, places.LABELS)), node_id),
        config=config.config,
        pointer=item.pointer,
        config_pointer=config.location.pointer,
        config_pointers=config.pointers,
        position=_position(value),
        host_type=kind if kind in drawing.types.hosts else None,
        inexact=config.inexact,
    )
    _note_parent(item, node_id, read)


def _id(item: Item, problems: Problems) -> str | None:
    value = item.value
    if not isinstance(value, dict):
        problems.add("PF101", TEXTS("not-object", value=value), item.pointer)
        return None
    if "id" not in value and item.key is None:
        problems.add("PF101", TEXTS("no-id"), item.pointer)
        return None
    given = value.get("id", item.key)
    node_id = as_id(given)
    if node_id is None:
        problems.add(
            "PF101",
            TEXTS("id-type", given=given),
            f"{item.pointer}/id",
        )
        return None
    if not node_id:
        problems.add("PF101", TEXTS("id-empty"), _id_pointer(item))
        return None
    if len(node_id) > MAX_ID:
        problems.add(
            "PF101",
            TEXTS("id-long", count=len(node_id), most=MAX_ID),
            _id_pointer(item),
        )
        return None
    if "\0" in node_id:
        problems.add("PF101", TEXTS("id-nul"), _id_pointer(item))
        return None
    return node_id


def _id_pointer(item: Item) -> str:
    return f"{item.pointer}/id" if "id" in item.value else item.pointer


def _note_parent(item: Item, node_id: str, read: ReadNodes) -> None:
    for key in places.PARENTS:
        parent = as_id(item.value.get(key))
        if parent:
            read.parents[node_id] = parent, f"{item.pointer}/{key}"
            return


def _position(value: Mapping[str, Any]) -> tuple[float, float] | None:
    position = value.get("position")
    if not isinstance(position, dict):
        return None
    x, y = position.get("x"), position.get("y")
    if not isinstance(x, int | float) or not isinstance(y, int | float):
        return None
    try:
        return float(x), float(y)
    except OverflowError:
        return None
