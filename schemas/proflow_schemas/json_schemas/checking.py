"""Checks that a JSON Schema of a design can be evaluated: within bounds, and from its own text alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from proflow_schemas.json_schemas.patterns import PatternError, check_pattern
from proflow_schemas.language import Text, Texts

TEXTS = Texts(
    "json-schema",
    {
        "unevaluated": Text(
            "`unevaluatedProperties` cannot be evaluated together with `patternProperties`",
            "`unevaluatedProperties` 不能与 `patternProperties` 一起使用",
        ),
        "too-deep": Text("it is nested more than {most} levels deep", "嵌套超过 {most} 层"),
        "too-large": Text("it holds more than {most} values", "包含超过 {most} 个值"),
        "no-target": Text(
            "`{keyword:raw}` leads to `{reference:raw}`, which the schema does not have",
            "`{keyword:raw}` 指向 `{reference:raw}`，模式中没有它",
        ),
        "outside": Text(
            "`{keyword:raw}` leads to `{reference:raw}`, out of the schema: nothing is "
            "loaded from elsewhere",
            "`{keyword:raw}` 指向模式之外的 `{reference:raw}`：不会从其他地方加载",
        ),
        "too-long": Text("`{keyword:raw}` is too long", "`{keyword:raw}` 过长"),
        "own-id": Text(
            "a part of a schema cannot have an `$id` of its own",
            "模式的一部分不能有自己的 `$id`",
        ),
        "pattern": Text(
            "the pattern `{shown:raw}` cannot be evaluated: {error:raw}",
            "正则表达式 `{shown:raw}` 无法使用：{error:raw}",
        ),
        "itself": Text(
            "it refers to itself without going into the value",
            "引用了自己，却没有进入值的内部",
        ),
        "in-place": Text(
            "it holds one value against more than {most} schemas",
            "同一个值要与超过 {most} 个模式比较",
        ),
    },
)

MAX_VALUES = 20_000
"""The largest schema, in JSON values."""
MAX_DEPTH = 64
"""How deep the JSON of a schema may be nested."""
MAX_IN_PLACE = 10_000
"""How many subschemas one value may be held against, through `allOf`, `$ref` and their like."""
_ONE = (
    *("not", "if", "then", "else"),
    *("items", "contains", "propertyNames", "additionalProperties"),
    *("unevaluatedItems", "unevaluatedProperties"),
)
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_MAPS = ("properties", "patternProperties", "dependentSchemas", "$defs", "definitions")
_IN_PLACE_ONE = ("not", "if", "then", "else")
_IN_PLACE_LISTS = ("allOf", "anyOf", "oneOf")
_REFERENCES = ("$ref", "$dynamicRef")
_ANCHORS = ("$anchor", "$dynamicAnchor")
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class SchemaProblem:
    """Why a schema cannot be evaluated.

    Attributes:
        path: Where in the schema.
        message: What is wrong there.
    """

    path: Path
    message: str


def schema_problems(schema: Any) -> Iterator[SchemaProblem]:
    """Find what keeps a schema from being evaluated.

    Whether it is valid JSON Schema at all is for the meta-schema to say.

    Args:
        schema: A JSON Schema, or any JSON.

    Yields:
        The problems: too large, references out of it, references to nothing or to themselves,
        regular expressions that take more than linear time.
    """
    too_large = _extent(schema)
    if too_large is not None:
        yield too_large
        return
    walk = _Walk(schema)
    yield from walk.problems()
    keywords = {key: path for one, path in walk.seen.values() for key in one}
    if "patternProperties" in keywords and "unevaluatedProperties" in keywords:
        # The library would search for the patterns itself, by backtracking.
        text = TEXTS("unevaluated")
        yield SchemaProblem((*keywords["unevaluatedProperties"], "unevaluatedProperties"), text)
    elif not walk.found:
        yield from _repeated(walk)


def _extent(schema: Any) -> SchemaProblem | None:
    count = 0
    left: list[tuple[Any, int, Path]] = [(schema, 1, ())]
    while left:
        value, depth, path = left.pop()
        count += 1
        if depth > MAX_DEPTH:
            text = TEXTS("too-deep", most=MAX_DEPTH)
            return SchemaProblem(path[:1], text)
        if count > MAX_VALUES:
            return SchemaProblem((), TEXTS("too-large", most=MAX_VALUES))
        if isinstance(value, Mapping):
            left += [(one, depth + 1, path or (key,)) for key, one in value.items()]
        elif isinstance(value, list):
            left += [(one, depth + 1, path) for one in value]
    return None


class _Walk:
    """Goes through the subschemas of a schema, those that only a reference leads to as well."""

    def __init__(self, schema: Any) -> None:
        self.root = schema
        self.found = False
        self.seen: dict[int, tuple[Mapping[str, Any], Path]] = {}
        self._anchors: dict[str, Any] = {}
        self._left: list[tuple[Any, Path]] = [(schema, ())]
        self._referring: list[tuple[str, str, Path]] = []

    def problems(self) -> Iterator[SchemaProblem]:
        for one in self._all():
            self.found = True
            yield one

    def target(self, reference: str) -> Any:
        """Return what a reference leads to. Raises `LookupError` if that is nothing."""
        name = unquote(reference[1:])
        if name and not name.startswith("/"):
            return self._anchors[name]
        at = self.root
        for part in name.split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            if isinstance(at, list):
                if not (key.isascii() and key.isdigit()):
                    raise LookupError(key)
                at = at[int(key[:9])]
            elif isinstance(at, Mapping):
                at = at[key]
            else:
                raise LookupError(key)
        return at

    def _all(self) -> Iterator[SchemaProblem]:
        while True:
            while self._left:
                schema, path = self._left.pop()
                if isinstance(schema, Mapping) and id(schema) not in self.seen:
                    self.seen[id(schema)] = (schema, path)
                    yield from self._one(schema, path)
            if not self._referring:
                return
            # Only now all anchors are known, except those that further references lead to.
            referring, self._referring = self._referring, []
            for keyword, reference, path in referring:
                try:
                    found = self.target(reference)
                except LookupError:
                    text = TEXTS("no-target", keyword=keyword, reference=reference[:200])
                    yield SchemaProblem((*path, keyword), text)
                else:
                    self._left.append((found, path))

    def _one(self, schema: Mapping[str, Any], path: Path) -> Iterator[SchemaProblem]:
        for keyword in _REFERENCES:
            reference = schema.get(keyword)
            if not isinstance(reference, str):
                continue
            if not reference.startswith("#"):
                text = TEXTS("outside", keyword=keyword, reference=reference[:200])
                yield SchemaProblem((*path, keyword), text)
            elif len(reference) > 1_000:
                yield SchemaProblem((*path, keyword), TEXTS("too-long", keyword=keyword))
            else:
                self._referring.append((keyword, reference, path))
        if path and isinstance(schema.get("$id"), str):
            text = TEXTS("own-id")
            yield SchemaProblem((*path, "$id"), text)
        for keyword in _ANCHORS:
            if isinstance(schema.get(keyword), str):
                self._anchors.setdefault(schema[keyword], schema)
        yield from _patterns(schema, path)
        for keyword in _ONE:
            self._left.append((schema.get(keyword), (*path, keyword)))
        for keyword in _LISTS:
            parts = schema.get(keyword)
            if isinstance(parts, list):
                self._left += [(one, (*path, keyword, index)) for index, one in enumerate(parts)]
        for keyword in _MAPS:
            named = schema.get(keyword)
            if isinstance(named, Mapping):
                self._left += [(one, (*path, keyword, name)) for name, one in named.items()]


def _patterns(schema: Mapping[str, Any], path: Path) -> Iterator[SchemaProblem]:
    given: list[tuple[Any, Path]] = [(schema.get("pattern"), (*path, "pattern"))]
    keyed = schema.get("patternProperties")
    if isinstance(keyed, Mapping):
        given += [(one, (*path, "patternProperties", one)) for one in keyed]
    for pattern, at in given:
        if not isinstance(pattern, str):
            continue
        try:
            check_pattern(pattern)
        except PatternError as error:
            shown = pattern if len(pattern) <= 100 else f"{pattern[:99]}…"
            yield SchemaProblem(at, TEXTS("pattern", shown=shown, error=error))


def _repeated(walk: _Walk) -> Iterator[SchemaProblem]:
    """Find the subschema that one value is held against too often, or for ever."""
    counts: dict[int, int] = {}
    open_now: set[int] = set()
    for start, (_, origin) in list(walk.seen.items()):
        # Depth first, without recursion: chains of references may be long.
        stack = [start]
        while stack:
            here = stack[-1]
            if here in counts:
                stack.pop()
                open_now.discard(here)
                continue
            schema, path = walk.seen[here]
            parts = _in_place(schema, walk)
            if here not in open_now:
                open_now.add(here)
                waiting = [one for one in parts if one not in counts]
                if any(one in open_now for one in waiting):
                    yield SchemaProblem(path, TEXTS("itself"))
                    return
                stack += waiting
                if waiting:
                    continue
            counts[here] = 1 + sum(counts.get(one, 1) for one in parts)
            if counts[here] > MAX_IN_PLACE:
                text = TEXTS("in-place", most=MAX_IN_PLACE)
                yield SchemaProblem(path or origin, text)
                return


def _in_place(schema: Mapping[str, Any], walk: _Walk) -> list[int]:
    """Return the subschemas against which the very same value is held."""
    found = [schema.get(keyword) for keyword in _IN_PLACE_ONE]
    for keyword in _IN_PLACE_LISTS:
        parts = schema.get(keyword)
        found += parts if isinstance(parts, list) else []
    dependent = schema.get("dependentSchemas")
    found += dependent.values() if isinstance(dependent, Mapping) else []
    for keyword in _REFERENCES:
        if isinstance(schema.get(keyword), str):
            found.append(walk.target(schema[keyword]))
    return [id(one) for one in found if id(one) in walk.seen]
