"""Small drawings, and edits of them."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

Json = dict[str, Any]
Drawn = tuple[str, str] | tuple[str, str, str]


def drawing(nodes: Mapping[str, str], edges: Sequence[Drawn], **configs: Mapping[str, Any]) -> Json:
    """Node id → type, and edges: source, target, and a handle or `when …`. Tasks run `work`."""
    return {
        "id": "design",
        "nodes": [_node(name, kind, configs.get(name, {})) for name, kind in nodes.items()],
        "edges": [edge(*one) for one in edges],
    }


def _node(name: str, kind: str, config: Mapping[str, Any], parent: str | None = None) -> Json:
    known: Json = {"task": {"handler": "work"}, "delay": {"duration": "1h"}}.get(kind, {})
    place = {} if parent is None else {"parentId": parent}
    return {"id": name, "type": kind, "config": {**known, **config}, **place}


def edge(source: str, target: str, by: str | None = None, **data: Any) -> Json:
    found: Json = {"source": source, "target": target}
    if by is not None and by.startswith("when "):
        data["when"] = by.removeprefix("when ")
    elif by == "default":
        data["default"] = True
    elif by is not None:
        found["sourceHandle"] = by
    return {**found, "data": data} if data else found


class Edit:
    """A copy of a drawing, and what can be done to it."""

    def __init__(self, drawn: Json) -> None:
        self.json = copy.deepcopy(drawn)

    def node(self, name: str) -> Json:
        found: Json = next(one for one in self.json["nodes"] if one["id"] == name)
        return found

    def edge(self, source: str, target: str) -> Json:
        found: Json = next(
            one for one in self.json["edges"] if (one["source"], one["target"]) == (source, target)
        )
        return found

    def config(self, name: str, **config: Any) -> "Edit":
        node = self.node(name)
        holder = node if "config" in node else node.setdefault("data", {})
        kept = {**holder.get("config", {}), **config}
        holder["config"] = {key: value for key, value in kept.items() if value is not None}
        return self

    def add(self, name: str, kind: str, parent: str | None = None, **config: Any) -> "Edit":
        self.json["nodes"].append(_node(name, kind, config, parent))
        return self

    def link(self, source: str, target: str, by: str | None = None, **data: Any) -> "Edit":
        self.json["edges"].append(edge(source, target, by, **data))
        return self

    def unlink(self, source: str, target: str) -> "Edit":
        self.json["edges"].remove(self.edge(source, target))
        return self

    def before(self, name: str, target: str, kind: str = "task", **config: Any) -> "Edit":
        """Puts a new node before another one, on all its edges in."""
        for one in self.json["edges"]:
            if one["target"] == target:
                one["target"] = name
        return self.add(name, kind, self.node(target).get("parentId"), **config).link(name, target)

    def between(
        self, name: str, source: str, target: str, kind: str = "task", **config: Any
    ) -> "Edit":
        self.edge(source, target)["target"] = name
        return self.add(name, kind, self.node(source).get("parentId"), **config).link(name, target)

    def remove(self, name: str) -> "Edit":
        """Takes a node with one edge out away; those before it lead to the one after it."""
        (out,) = [one for one in self.json["edges"] if one["source"] == name]
        self.json["edges"].remove(out)
        for one in self.json["edges"]:
            if one["target"] == name:
                one["target"] = out["target"]
        self.json["nodes"].remove(self.node(name))
        return self

    def rename(self, old: str, new: str) -> "Edit":
        self.node(old)["id"] = new
        for one in self.json["edges"]:
            for end in ("source", "target"):
                one[end] = new if one[end] == old else one[end]
        return self

    def when(self, source: str, target: str, rule: str) -> "Edit":
        self.edge(source, target)["data"]["when"] = rule
        return self

    def swap(self, first: tuple[str, str], second: tuple[str, str]) -> "Edit":
        """Lets two edges lead to each other's targets."""
        one, other = self.edge(*first), self.edge(*second)
        one["target"], other["target"] = other["target"], one["target"]
        return self

    def back(self, source: str, target: str, limit: int) -> "Edit":
        self.edge(source, target)["data"] = {"loop": {"max": limit}}
        return self

    def retype(self, name: str, kind: str, **config: Any) -> "Edit":
        self.node(name).update(type=kind, config=config)
        return self

    def drop(self, name: str) -> "Edit":
        """Takes a node away with all its edges."""
        self.json["nodes"].remove(self.node(name))
        self.json["edges"] = [
            one for one in self.json["edges"] if name not in (one["source"], one["target"])
        ]
        return self

    def remove_choice(self, name: str, kept: str) -> "Edit":
        """Takes a condition away, and all branches but one."""
        for one in [one for one in self.json["edges"] if one["source"] == name]:
            if one["target"] != kept:
                self.drop(one["target"])
        del self.edge(name, kept)["data"]
        return self.remove(name)

    def backwards(self) -> "Edit":
        """The same drawing, nodes and edges in the opposite order, elsewhere on the canvas."""
        for index, node in enumerate(self.json["nodes"]):
            node["position"] = {"x": index, "y": -index}
        self.json["nodes"].reverse()
        self.json["edges"].reverse()
        return self

    def named(self, id: str) -> "Edit":
        self.json["id"] = id
        return self
