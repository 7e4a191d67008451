"""Reads from a JSON Schema what type-checking an expression needs to know about a value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

_MAX_HOPS = 32
_MAX_NODES = 500
"""How many schemas a value may be one of; more count as any value."""


@dataclass(frozen=True)
class Shape:
    """A value that is valid against one of several schemas of a document; without schemas, any value.

    Attributes:
        alternatives: The schemas.
        root: The document, in which `$ref`s are resolved.
    """

    alternatives: tuple[Any, ...]
    root: Any

    @classmethod
    def of(cls, schema: Any) -> Shape:
        """Return the shape of a JSON Schema, of the name of a JSON type, or of None for any value."""
        if isinstance(schema, Shape):
            return schema
        if isinstance(schema, str):
            schema = {"type": schema}
        return cls((schema,), schema)

    def kinds(self) -> frozenset[str]:
        """Return the JSON types that the value may have; `any` is among them if nothing is known."""
        return self._known_kinds

    @cached_property
    def _known_kinds(self) -> frozenset[str]:
        return frozenset(kind for node in self._nodes for kind in _kinds(node))

    def values(self) -> tuple[Any, ...] | None:
        """Return the values that it may have, if all are listed (`enum`, `const`); else None."""
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
        """Return the names of the properties that the schemas declare."""
        return frozenset(name for node in self._nodes for name in _properties(node))

    def required(self) -> frozenset[str]:
        """Return the names of the properties that every schema requires."""
        found = [frozenset(node.get("required") or ()) for node in self._nodes]
        return frozenset.intersection(*found)

    def is_closed(self) -> bool:
        """True if properties that are not declared are not allowed."""
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
        """Return the shape of a property; any value if the schemas do not declare it."""
        found: list[Any] = []
        for node in self._nodes:
            properties = _properties(node)
            if name in properties:
                found.append(properties[name])
            elif isinstance(node.get("additionalProperties"), Mapping):
                found.append(node["additionalProperties"])
        return Shape(tuple(found), self.root) if found else _UNDECLARED

    def item(self) -> Shape:
        """Return the shape of a list's items."""
        found = [node.get("items") for node in self._nodes if "prefixItems" not in node]
        return Shape(tuple(found), self.root)

    @cached_property
    def _nodes(self) -> list[Mapping[str, Any]]:
        flat = (node for schema in self.alternatives for node in self._flat(schema, 0))
        nodes = list(islice(flat, _MAX_NODES + 1))
        return nodes if 0 < len(nodes) <= _MAX_NODES else [{}]

    def _flat(self, schema: Any, hops: int) -> Iterator[Mapping[str, Any]]:
        """Yield the schemas with `$ref`s and unions resolved; `{}` for what is not supported."""
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


_UNDECLARED = Shape((), None)
"""Any value. One object for all, so that what follows from it is computed once."""


def resolve(root: Any, reference: str) -> Any:
    """Return what a local `$ref` (`#/$defs/line`) refers to; None if it cannot be resolved."""
    if not reference.startswith("#"):
        return None
    found = root
    for part in reference[1:].split("/")[1:]:
        part = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, Mapping) and part in found:
            found = found[part]
        elif isinstance(found, list) and part.isdecimal() and int(part[:9]) < len(found):
            found = found[int(part[:9])]
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
    return tuple(kind_of(value) for value in listed) if listed else ("any",)


def kind_of(value: Any) -> str:
    """Return the name of the JSON type of a value."""
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
