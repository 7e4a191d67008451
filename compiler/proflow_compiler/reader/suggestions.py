"""Suggests which known key is meant by an unknown one.

A known key is suggested if its spelling is similar, or if the unknown one is another product's name
for it (`foreign_settings`). It must accept the value that is given. Only for a typing error, a key
is suggested that does not, and the help says what it takes.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, lru_cache
from typing import Any

from proflow_schemas.configs import Config
from proflow_schemas.durations import MAX_WAIT, DurationError, parse_duration
from proflow_schemas.language import Text, Texts
from proflow_schemas.node_types import NODE_TYPES
from proflow_schemas.node_types.foreign import Meaning
from proflow_schemas.published import edge_data_schema, model_schema
from proflow_schemas.times import TimeError, is_timezone, read_time

from proflow_compiler.diagnostics import Fix
from proflow_compiler.diagnostics import spelling_fixes as words
from proflow_compiler.diagnostics.message_text import kind_of
from proflow_compiler.diagnostics.similar_words import closest
from proflow_compiler.reader.foreign_settings import SPANS, title, worded

TEXTS = Texts(
    "suggestions",
    {
        "types": Text("{types:or}", "{types:or}"),
        "text": Text("a text", "文本"),
        "integer": Text("a whole number", "整数"),
        "number": Text("a number", "数字"),
        "boolean": Text("true or false", "布尔值"),
        "list": Text("a list", "列表"),
        "object": Text("an object", "对象"),
        "did-you-mean": Text("did you mean `{meant:raw}`?", "是否想写 `{meant:raw}`？"),
        "did-you-mean-setting": Text("did you mean {say:raw}?", "是否想写 {say:raw}？"),
        "did-you-mean-meaning": Text("did you mean {meaning:raw}?", "是否想写 {meaning:raw}？"),
        "say-unit": Text(
            "did you mean `{name:raw}`? say the unit in its value",
            "是否想写 `{name:raw}`？请在值中写明单位",
        ),
        "other-value": Text(
            "did you mean `{name:raw}`? it does not take this value",
            "是否想写 `{name:raw}`？它不接受这个值",
        ),
        "not-given": Text(", not {value:kind}", "，不能是{value:kind}"),
        "takes": Text(
            "did you mean `{name:raw}`? it takes {takes:raw}{given:raw}",
            "是否想写 `{name:raw}`？它接受{takes:raw}{given:raw}",
        ),
        "one-of": Text("one of {names:names}", "{names:names} 之一"),
    },
)

_TYPES = {
    "string": TEXTS("text"),
    "integer": TEXTS("integer"),
    "number": TEXTS("number"),
    "boolean": TEXTS("boolean"),
    "array": TEXTS("list"),
    "object": TEXTS("object"),
    "null": "null",
}

_WAITED = frozenset({"timeout", "duration", "start", "finish", "period"})
"""The durations that Inngest waits for, which must be whole seconds."""


@dataclass(frozen=True)
class Vocabulary:
    """The keys that an object may have.

    Attributes:
        properties: The JSON Schemas of their values, by key.
        defs: The definitions that these schemas refer to.
        fractions: True if timeouts need not be whole seconds, because Inngest does not wait for
            them.
    """

    properties: Mapping[str, Any]
    defs: Mapping[str, Any]
    fractions: bool = False

    def fits(self, key: str, value: Any) -> bool:
        """Return True if a key accepts a value."""
        if key not in self.properties or not self._is_sound(key, value):
            return False
        from jsonschema import Draft202012Validator

        schema = {"$defs": self.defs, "allOf": [self.properties[key]]}
        return bool(Draft202012Validator(schema).is_valid(value))

    def _is_sound(self, key: str, value: Any) -> bool:
        """False if a key takes a duration, a time or a time zone, and the value is no valid one."""
        if key == "timezone":
            return isinstance(value, str) and is_timezone(value)
        if key == "until":
            return _is_time(value)
        if isinstance(value, dict) and key in self.properties:
            inner = self._keys_below(key)
            return all(self._is_sound(name, one) for name, one in value.items() if name in inner)
        if key not in SPANS or isinstance(value, dict | bool):
            return True
        try:
            found = parse_duration(value)
        except DurationError:
            return False
        if self.fractions or key not in _WAITED:
            return found > timedelta()
        return timedelta(seconds=1) <= found <= MAX_WAIT and not found.microseconds

    def takes(self, key: str) -> str:
        """Return the types that a key accepts, in words."""
        return one_of_types(self._resolved(self.properties[key]))

    def _keys_below(self, key: str) -> frozenset[str]:
        """The keys of the objects that a key accepts."""
        schema = self.properties[key]
        choices = [self._resolved(one) for one in (schema, *schema.get("anyOf", ()))]
        return frozenset(name for one in choices for name in one.get("properties", ()))

    def _resolved(self, schema: Any) -> Mapping[str, Any]:
        name = schema.get("$ref", "").rpartition("/")[2]
        found: Mapping[str, Any] = self.defs.get(name, schema)
        return found


@dataclass(frozen=True)
class Suggestion:
    """A suggestion for an unknown key.

    Attributes:
        help: The help of the diagnostic.
        written: The keys and values to write instead; None if they are not known.
        safe: True if nothing else can have been meant.
    """

    help: str
    written: Mapping[str, Any] | None = None
    safe: bool = False

    def fixes(self, pointer: str, key: str, value: Any) -> tuple[Fix, ...]:
        """Make the fix that replaces the key, if it is known what to write.

        Args:
            pointer: Where the key is.
            key: The key.
            value: Its value.
        """
        if self.written is None:
            return ()
        if len(self.written) == 1:
            ((name, meant),) = self.written.items()
            if meant == value and type(meant) is type(value):
                return words.key(pointer, key, name)
        return (words.carried(title(self.written), pointer, value, self.written),)


def _is_time(value: Any) -> bool:
    """Return True if a value is a time, or an expression that computes one."""
    if isinstance(value, str) and "${" in value:
        return True
    try:
        read_time(value)
    except TimeError:
        return False
    return True


@cache
def vocabulary(model: type[Config]) -> Vocabulary:
    """Return the keys of a config model."""
    schema = model_schema(model)
    fractions = any(kind.config is model and kind.kind == "step" for kind in NODE_TYPES.values())
    return Vocabulary(schema.get("properties", {}), schema.get("$defs", {}), fractions)


@cache
def edge_vocabulary() -> Vocabulary:
    """Return the keys of an edge's `data`."""
    return Vocabulary(edge_data_schema(), {})


def suggestion(
    key: str,
    value: Any,
    known: Vocabulary,
    *,
    meaning: Meaning | None = None,
    given: Collection[str] = (),
    near: Collection[str] = (),
) -> Suggestion | None:
    """Suggest what an unknown key is meant for; None if nothing is likely.

    Args:
        key: The key, which is not in `known`.
        value: Its value.
        known: The known keys.
        meaning: What other products mean by the key.
        given: The other keys of the object, which are not suggested.
        near: The known keys among which a similar one is searched first, such as missing ones.
    """
    names = [one for one in known.properties if one not in given]
    alike = closest_key(key, [one for one in near if one not in given]) or closest_key(key, names)
    same = alike is not None and fold_key(alike) == fold_key(key)
    if alike is not None and same and known.fits(alike, value):
        return _renamed(key, alike, value)
    if meaning is not None and (found := _carried(key, value, known, meaning, given)) is not None:
        return found
    if alike is not None and known.fits(alike, value) and not _has_unit(key, alike, value):
        return _renamed(key, alike, value)
    if alike is not None and words.is_typing_error(key, alike):
        return Suggestion(_takes(alike, value, known))
    if meaning is not None:
        return Suggestion(_said(meaning, value, known))
    return None


def _renamed(key: str, meant: str, value: Any) -> Suggestion:
    safe = words.is_typing_error(key, meant)
    return Suggestion(TEXTS("did-you-mean", meant=meant), {meant: value}, safe)


def _carried(
    key: str, value: Any, known: Vocabulary, meaning: Meaning, given: Collection[str]
) -> Suggestion | None:
    """Suggest the settings that another product's key means; None if they would not be valid."""
    written = meaning.written(key, value) if meaning.written is not None else None
    if not written or not all(known.fits(name, one) for name, one in written.items()):
        return None
    if any(name in given for name in written):
        return Suggestion(TEXTS("did-you-mean-setting", say=meaning.say))
    return Suggestion(
        TEXTS("did-you-mean-meaning", meaning=worded(meaning, written, value)), written
    )


def _said(meaning: Meaning, value: Any, known: Vocabulary) -> str:
    """The help for another product's key whose value cannot be translated."""
    if meaning.name is None or meaning.name not in known.properties:
        return TEXTS("did-you-mean-setting", say=meaning.say)
    if known.fits(meaning.name, value) or meaning.say != f"`{meaning.name}`":
        return TEXTS("did-you-mean-setting", say=meaning.say)
    return _takes(meaning.name, value, known)


def _takes(name: str, value: Any, known: Vocabulary) -> str:
    takes = known.takes(name)
    if known.fits(name, value):
        return TEXTS("say-unit", name=name)
    if takes == kind_of(value) or not takes:
        return TEXTS("other-value", name=name)
    listed = "one of" in takes and isinstance(value, str)
    given = "" if listed else TEXTS("not-given", value=value)
    return TEXTS("takes", name=name, takes=takes, given=given)


def _has_unit(key: str, meant: str, value: Any) -> bool:
    """True if a key is a duration's with a unit: `timeoutMs: 30` is not a misspelt `timeout`.

    A value such as `"30s"` has its own unit, so that its key is misspelt all the same.
    """
    if meant not in SPANS or (isinstance(value, str) and any(map(str.isalpha, value))):
        return False
    return fold_key(key).removeprefix(fold_key(meant)) in _UNITS


_UNITS = frozenset(
    {"ms", "s", "m", "h", "d", "sec", "secs", "min", "mins", "hrs", "hour", "hours", "day", "days"}
    | {"second", "seconds", "minute", "minutes", "millis", "milliseconds"}
)


def fold_key(key: str) -> str:
    """Normalise the spelling of a key: `approver_ids` → `approverids`."""
    return key[:60].replace("_", "").replace("-", "").lower()


def closest_key(key: str, known: Iterable[str]) -> str | None:
    """Return the known key with the closest spelling, whatever its case; None if none is close."""
    return _closest_key(key[:60], tuple(known))


@lru_cache(maxsize=4096)
def _closest_key(key: str, known: tuple[str, ...]) -> str | None:
    flat = fold_key(key)
    names = {name.lower(): name for name in known}
    if flat in names:
        return names[flat]
    if len(flat) < 3:
        return None
    near = closest(flat, names, cutoff=0.8)
    return names[near] if near is not None else None


def one_of_types(schema: Mapping[str, Any]) -> str:
    """Return the types that a schema allows, in words; empty if it allows any."""
    allowed = list(dict.fromkeys(_allowed_types(schema)))
    hidden = {"null"} | ({TEXTS("integer")} if TEXTS("number") in allowed else set())
    allowed = [name for name in allowed if name not in hidden]
    if len(allowed) < 2:
        return allowed[0] if allowed else ""
    return TEXTS("types", types=allowed)


def _allowed_types(schema: Mapping[str, Any]) -> Iterable[str]:
    if "enum" in schema:
        yield TEXTS("one-of", names=[one for one in schema["enum"] if one is not None])
    elif "type" in schema:
        types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        yield from (_TYPES[one] for one in types)
    elif "$ref" in schema:
        yield TEXTS("object")
    for branch in schema.get("anyOf", schema.get("oneOf", ())):
        yield from _allowed_types(branch)
