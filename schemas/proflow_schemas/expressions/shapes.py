"""What a JSON Schema says about a value, as far as typing an expression needs it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

_MAX_HOPS = 32


@dataclass(frozen=True)
class Shape:
    """A value described by one of several schemas of one document; none given: anything."""

    alternatives: tuple[Any, ...]
    root: Any

    @classmethod
    def of(cls, schema: Any) -> Shape:
        """The shape of a schema, of the name of a JSON type, or of `None`, which is anything."""
        if isinstance(schema, Shape):
            return schema
        if isinstance(schema, str):
            schema = {"type": schema}
        return cls((schema,), schema)

    def kinds(self) -> frozenset[str]:
        """The JSON types the value may have; `any` among them where it may have every type."""
        return self._known_kinds

    @cached_property
    def _known_kinds(self) -> frozenset[str]:
        return frozenset(kind for node in self._nodes for kind in _kinds(node))

    def values(self) -> tuple[Any, ...] | None:
        """The values it may have, where they are listed (`enum`, `const`)."""
        found: list[Any] = []
        for node in self._nodes:
            if isinstance(node.get("enum"), list):
                found += node["enum"]
            elif "const" in node:
                found.append(node["const"])
            else:
                return None
        return tuple(found) or None

    def fields(self) -> frozenset[str]:
        """The names of the properties the schemas know."""
        return frozenset(name for node in self._nodes for name in _properties(node))

    def required(self) -> frozenset[str]:
        """The names of the properties that each of the schemas requires."""
        found = [frozenset(node.get("required") or ()) for node in self._nodes]
        return frozenset.intersection(*found)

    def is_closed(self) -> bool:
        """Whether no other properties are allowed."""
        nodes = [node for node in self._nodes if "object" in _kinds(node) or _properties(node)]
        return (
            bool(nodes)
            and "any" not in self.kinds()
            and all(
                node.get("additionalProperties") is False and "patternProperties" not in node
                for node in nodes
            )
        )

    def field(self, name: str) -> Shape:
        """The shape of a property; anything, if the schemas do not know it."""
        found: list[Any] = []
        for node in self._nodes:
            properties = _properties(node)
            if name in properties:
                found.append(properties[name])
            elif isinstance(node.get("additionalProperties"), Mapping):
                found.append(node["additionalProperties"])
        return Shape(tuple(found), self.root)

    def item(self) -> Shape:
        """The shape of a list's items."""
        found = [node.get("items") for node in self._nodes if "prefixItems" not in node]
        return Shape(tuple(found), self.root)

    @cached_property
    def _nodes(self) -> list[Mapping[str, Any]]:
        nodes = [node for schema in self.alternatives for node in self._flat(schema, 0)]
        return nodes or [{}]

    def _flat(self, schema: Any, hops: int) -> Iterator[Mapping[str, Any]]:
        """The schemas without `$ref` and combinators; what is not understood is anything."""
        if not isinstance(schema, Mapping) or hops > _MAX_HOPS:
            yield {}
            return
        if isinstance(reference := schema.get("$ref"), str):
            yield from self._flat(resolve(self.root, reference), hops + 1)
            return
        members = schema.get("anyOf", schema.get("oneOf"))
        if isinstance(members, list) and members and len(members) <= _MAX_HOPS:
            for member in members:
                yield from self._flat(member, hops + _MAX_HOPS // 4)
            return
        if "allOf" in schema or "$dynamicRef" in schema or "if" in schema:
            yield {}
            return
        yield schema


def resolve(root: Any, reference: str) -> Any:
    """What a local `$ref` (`#/$defs/line`) points to, or `None`."""
    if not reference.startswith("#"):
        return None
    found = root
    for part in reference[1:].split("/")[1:]:
        part = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, Mapping) and part in found:
            found = found[part]
        elif isinstance(found, list) and part.isdecimal() and int(part) < len(found):
            found = found[int(part)]
        else:
            return None
    return found


def _properties(node: Mapping[str, Any]) -> Mapping[str, Any]:
    properties = node.get("properties")
    return properties if isinstance(properties, Mapping) else {}


def _kinds(node: Mapping[str, Any]) -> tuple[str, ...]:
    kind = node.get("type")
    if isinstance(kind, str):
        return (kind,)
    if isinstance(kind, list) and kind:
        return tuple(str(one) for one in kind)
    if _properties(node):
        return ("object",)
    listed = node.get("enum") if isinstance(node.get("enum"), list) else None
    if listed is None and "const" in node:
        listed = [node["const"]]
    return tuple(_kind_of(value) for value in listed) if listed else ("any",)


def _kind_of(value: Any) -> str:
    for kind, name in (
        (bool, "boolean"),
        (str, "string"),
        (int, "integer"),
        (float, "number"),
        (list, "array"),
        (dict, "object"),
    ):
        if isinstance(value, kind):
            return name
    return "null"
