"""Validates node configs and settings: pydantic decides, and jsonschema explains what is wrong.

The schemas are those that `proflow_schemas.published` publishes. jsonschema takes 45 to 90 µs per
node, and as long as pydantic to import, so it only examines what pydantic refuses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

from proflow_schemas.configs import Config
from proflow_schemas.language import Text, Texts
from proflow_schemas.node_types.foreign import Meaning
from proflow_schemas.published import model_schema
from pydantic import ValidationError

from proflow_compiler.diagnostics import Fix
from proflow_compiler.diagnostics import spelling_fixes as words
from proflow_compiler.diagnostics.message_text import shown
from proflow_compiler.diagnostics.problems import Problems
from proflow_compiler.diagnostics.similar_words import closest
from proflow_compiler.diagnostics.source import escape
from proflow_compiler.reader import foreign_settings
from proflow_compiler.reader.foreign_types import word_meant
from proflow_compiler.reader.suggestions import (
    Suggestion,
    Vocabulary,
    closest_key,
    one_of_types,
    suggestion,
    vocabulary,
)

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError as SchemaError
    from jsonschema.protocols import Validator
TEXTS = Texts(
    "PF101",
    {
        "it": Text("it", "该值"),
        "given": Text("{kind:kind} (`{value}`)", "{kind:kind} `{value}`"),
        "kind": Text("{value:kind}", "{value:kind}"),
        "missing": Text("{at:raw}`{key:raw}` is missing", "{at:raw}缺少 `{key:raw}`"),
        "near-counts": Text(
            "`{near:raw}` is there as well, and counts: remove this key",
            "已有 `{near:raw}` 并以它为准：移除这个键",
        ),
        "known": Text("known are {properties:names}", "可用的键：{properties:names}"),
        "no-settings": Text("it takes no settings", "它没有任何设置"),
        "unknown-key": Text("unknown key {path:raw}", "未知的键 {path:raw}"),
        "retries": Text("did you mean `retries: {value}`?", "是否想写 `retries: {value}`？"),
        "must-be": Text(
            "{at:raw} must be {allowed:raw}, not {instance:raw}",
            "{at:raw} 必须是{allowed:raw}，不能是{instance:raw}",
        ),
        "must-be-type": Text(
            "{name:raw} must be {type:raw}, not {given:raw}",
            "{name:raw} 必须是{type:raw}，不能是{given:raw}",
        ),
        "empty": Text("{name:raw} is empty", "{name:raw} 为空"),
        "too-long": Text(
            "{name:raw} is longer than {limit} characters",
            "{name:raw} 超过 {limit} 个字符",
        ),
        "at-least": Text(
            "{name:raw} is {value}, but at least {limit} is needed",
            "{name:raw} 是 {value}，不能小于 {limit}",
        ),
        "at-most": Text(
            "{name:raw} is {value}, but at most {limit} is allowed",
            "{name:raw} 是 {value}，不能大于 {limit}",
        ),
        "above": Text(
            "{name:raw} is {value}, but must be above {limit}",
            "{name:raw} 是 {value}，必须大于 {limit}",
        ),
        "cannot-be": Text("{name:raw} cannot be {value:raw}", "{name:raw} 不能是 {value:raw}"),
        "plain-letters": Text(
            "write letters without accents, digits, `_`",
            "使用不带重音的字母、数字和 `_`",
        ),
        "else": Text(
            "{name:raw} cannot be {value:raw}: it means something else",
            "{name:raw} 不能是 {value:raw}：它有其他含义",
        ),
        "both-retries": Text(
            "{at:raw}`retry` and `retries` are both given",
            "{at:raw}同时设置了 `retry` 和 `retries`",
        ),
        "keep-one": Text("keep one of the two", "两者只保留一个"),
        "not-valid": Text("{name:raw} is not valid: {said}", "{name:raw} 无效"),
        "did-you-mean": Text("did you mean `{near:raw}`?", "是否想写 `{near:raw}`？"),
        "one-of": Text("one of {allowed:names}", "可选值：{allowed:names}"),
        "not-allowed": Text("{name:raw} cannot be {value:raw}", "{name:raw} 不能是 {value:raw}"),
        "empty-text": Text("an empty text", "空文本"),
        "owner": Text("in `{at}`, ", "`{at}` 中"),
        "invalid": Text("{name:raw} is not valid: {said}", "{name:raw} 无效"),
    },
)

ConfigT = TypeVar("ConfigT", bound=Config)
Path = tuple[str | int, ...]
"""Keys and indexes that lead to a value below an object."""
Meanings = Callable[[str], Meaning | None]
"""Translates a key of another product; None if it is unknown."""

_MIN_SIMILARITY = 0.7
"""The least similarity of a misspelt value: `FETCH` is not meant for `PATCH`."""


def no_meaning(key: str) -> Meaning | None:
    """Return None: for objects for which no keys of other products are known."""
    return None


@dataclass(frozen=True)
class Naming:
    """What unknown keys of a model may mean.

    Attributes:
        top: The keys of the model.
        meaning: Translates keys of other products.
        given: The keys that the object of the model has.
    """

    top: Vocabulary
    meaning: Meanings
    given: Collection[str] = ()


@dataclass(frozen=True)
class Violation:
    """One problem of a value.

    Attributes:
        path: Where the problem is, below the value.
        message: What is wrong.
        help: What to do.
        on_key: True if the key is wrong, not its value.
        given: The value that is given there.
        meant: The value that was probably meant; for an unknown key, a `Suggestion`.
    """

    path: Path
    message: str
    help: str | None = None
    on_key: bool = False
    given: Any = None
    meant: Any = None

    def fixes(self, pointer: str) -> tuple[Fix, ...]:
        """Make the fixes; `pointer` is where `path` leads to in the file."""
        if self.meant is None:
            return ()
        if isinstance(self.meant, Suggestion):
            return self.meant.fixes(pointer, str(self.path[-1]), self.given)
        if isinstance(self.meant, str):
            return words.word(pointer, self.given, self.meant)
        return (words.written(pointer, self.meant, safe=True),)


@dataclass(frozen=True)
class Location:
    """Where a validated object is in the file.

    Attributes:
        pointer: The pointer of the object.
        pointers: The pointers of values that are elsewhere or have other keys in the file, by key.
        node: The id of the node that it configures.
    """

    pointer: str
    pointers: Mapping[str, str]
    node: str | None = None

    def of(self, path: Path) -> str:
        """Return the pointer of the value at a path below the object."""
        if not path:
            return self.pointer
        first = str(path[0])
        start = self.pointers.get(first, f"{self.pointer}/{escape(first)}")
        return start + "".join(f"/{escape(part)}" for part in path[1:])


def validate(
    model: type[ConfigT],
    value: Mapping[str, Any],
    location: Location,
    problems: Problems,
    meaning: Meanings = no_meaning,
) -> ConfigT | None:
    """Validate an object, and report everything that is wrong with it.

    Args:
        model: The model of the object.
        value: The object.
        location: Where it is in the file.
        problems: Collects the problems.
        meaning: Translates keys of other products.

    Returns:
        The validated model; None if the object has errors.
    """
    try:
        return model.model_validate(value, by_alias=True, by_name=False)
    except ValidationError as error:
        refused = error
    violations = list(explain(model, value, meaning)) or list(_of_pydantic(refused))
    for violation in violations:
        pointer = location.of(violation.path)
        problems.add(
            "PF101",
            violation.message,
            pointer,
            help=violation.help,
            node=location.node,
            on_key=violation.on_key,
            fixes=violation.fixes(pointer),
        )
    return None


@cache
def validator(model: type[Config]) -> Validator:
    """Return the validator of a model's published schema."""
    from jsonschema import Draft202012Validator

    return Draft202012Validator(model_schema(model))


def explain(model: type[Config], value: Any, meaning: Meanings = no_meaning) -> Iterator[Violation]:
    """Explain why a value violates the published schema of a model: one violation per cause."""
    naming = Naming(vocabulary(model), meaning, value if isinstance(value, Mapping) else ())
    yield from _explain(list(validator(model).iter_errors(value)), (), naming)


def _explain(errors: Sequence[SchemaError], path: Path, naming: Naming) -> Iterator[Violation]:
    """Turn errors into violations. A missing key and an unknown one that means it are one cause."""
    unknown: dict[Path, list[str]] = {}
    for error in errors:
        if error.validator == "additionalProperties":
            at = (*path, *error.path)
            known = _properties(error)
            unknown[at] = [key for key in _given_keys(error) if key not in known]
    for error in errors:
        at = (*path, *error.path)
        if error.validator == "additionalProperties":
            absent = [key for key in _properties(error) if key not in _given_keys(error)]
            for key in unknown[at]:
                yield _unknown_key(at, key, error, absent, naming)
        elif error.validator == "required":
            missing = [key for key in _limit(error) if key not in _given_keys(error)]
            key = next(key for key in missing if error.message.startswith(repr(key)))
            if any(_is_meant(other, key, error) for other in unknown.get(at, [])):
                continue
            yield Violation(at, TEXTS("missing", at=_owner(at), key=key))
        elif error.validator in ("anyOf", "oneOf"):
            yield from _best_branch(error, path, naming)
        else:
            yield _plain(error, at)


def _is_meant(other: str, key: str, error: SchemaError) -> bool:
    """True if an unknown key is meant for a missing one."""
    meaning = foreign_settings.of_object(_properties(error), other)
    return closest_key(other, [key]) is not None or (meaning is not None and meaning.name == key)


def _properties(error: SchemaError) -> Mapping[str, Any]:
    known: Mapping[str, Any] = cast(Mapping[str, Any], error.schema).get("properties", {})
    return known


def _given_keys(error: SchemaError) -> Mapping[str, Any]:
    return cast(Mapping[str, Any], error.instance)


def _limit(error: SchemaError) -> Any:
    return error.validator_value


def _unknown_key(
    at: Path, key: str, error: SchemaError, missing: list[str], naming: Naming
) -> Violation:
    known = Vocabulary(_properties(error), naming.top.defs) if at else naming.top
    given = _given_keys(error)
    meaning = naming.meaning(key) if not at else foreign_settings.of_object(known.properties, key)
    found = suggestion(key, given[key], known, meaning=meaning, given=given, near=missing)
    path = (*at, key)
    if found is not None:
        help = found.help
    elif (near := closest_key(key, known.properties)) is not None and near in given:
        help = TEXTS("near-counts", near=near)
    elif known.properties:
        help = TEXTS("known", properties=sorted(known.properties)[:24])
    else:
        help = TEXTS("no-settings")
    message = TEXTS("unknown-key", path=_named(path))
    return Violation(path, message, help, on_key=True, given=given[key], meant=found)


def _short_form(at: Path, value: Any, naming: Naming) -> Suggestion | None:
    """Suggest `retries` for a `retry` that is only a number."""
    if at != ("retry",) or "retries" in naming.given or not naming.top.fits("retries", value):
        return None
    return Suggestion(TEXTS("retries", value=value), {"retries": value})


def _best_branch(error: SchemaError, path: Path, naming: Naming) -> Iterator[Violation]:
    """The violations of the alternative that was most likely meant."""
    branches: dict[int, list[SchemaError]] = {}
    for inner in error.context or ():
        branches.setdefault(int(inner.relative_schema_path[0]), []).append(inner)
    at = (*path, *error.path)
    plausible = {
        index: errors
        for index, errors in branches.items()
        if not any(inner.validator == "type" and not inner.path for inner in errors)
    }
    if not plausible:
        allowed = one_of_types(cast(Mapping[str, Any], error.schema))
        message = TEXTS("must-be", at=_named(at), allowed=allowed, instance=_given(error.instance))
        meant = _short_form(at, error.instance, naming)
        help = None if meant is None else meant.help
        yield Violation(at, message, help, given=error.instance, meant=meant)
        return
    if all(
        len(errors) == 1 and errors[0].validator == "enum" and not errors[0].path
        for errors in plausible.values()
    ):
        words = [word for errors in plausible.values() for word in _limit(errors[0])]
        yield _not_one_of(at, error.instance, words)
        return
    best = min(plausible.values(), key=_badness)
    yield from _explain(best, at, naming)


def _badness(errors: list[SchemaError]) -> tuple[int, int]:
    """Rank alternatives by missing keys, so that `{event, iff}` is read as an event trigger."""
    missing = sum(inner.validator == "required" and not inner.path for inner in errors)
    return missing, len(errors)


def _plain(error: SchemaError, at: Path) -> Violation:
    name, value, limit = _named(at), error.instance, _limit(error)
    match error.validator:
        case "type":
            message = TEXTS(
                "must-be-type", name=name, type=one_of_types({"type": limit}), given=_given(value)
            )
            return Violation(at, message, given=value, meant=_unquoted(value, limit))
        case "enum":
            return _not_one_of(at, value, limit)
        case "const":
            return _not_one_of(at, value, [limit])
        case "minLength":
            return Violation(at, TEXTS("empty", name=name))
        case "maxLength":
            return Violation(at, TEXTS("too-long", name=name, limit=limit))
        case "minimum":
            return Violation(at, TEXTS("at-least", name=name, value=value, limit=limit))
        case "maximum":
            return Violation(at, TEXTS("at-most", name=name, value=value, limit=limit))
        case "exclusiveMinimum":
            return Violation(at, TEXTS("above", name=name, value=value, limit=limit))
        case "pattern":
            return Violation(
                at,
                TEXTS("cannot-be", name=name, value=_quoted(value)),
                TEXTS("plain-letters"),
            )
        case "not" if "enum" in limit:
            return Violation(at, TEXTS("else", name=name, value=_quoted(value)))
        case "not":
            return Violation(at, TEXTS("both-retries", at=_owner(at)), TEXTS("keep-one"))
    said = error.message
    return Violation(at, TEXTS("not-valid", name=name, said=said))


def _not_one_of(at: Path, value: Any, words: Sequence[Any]) -> Violation:
    allowed = [str(word) for word in words]
    near = _word_meant(at, value, allowed) if isinstance(value, str) else None
    help = (
        TEXTS("did-you-mean", near=near) if near is not None else TEXTS("one-of", allowed=allowed)
    )
    return Violation(
        at,
        TEXTS("not-allowed", name=_named(at), value=_quoted(value)),
        help,
        given=value,
        meant=near,
    )


def _word_meant(at: Path, value: str, allowed: Sequence[str]) -> str | None:
    """The allowed value that is meant by another product's value, or else the closest one."""
    known = word_meant(str(at[-1]), value) if at else None
    return known if known in allowed else closest(value, allowed, cutoff=_MIN_SIMILARITY)


def _unquoted(value: Any, type: str) -> bool | int | None:
    """The number or boolean that a string holds; None if it holds none."""
    if not isinstance(value, str):
        return None
    if type in ("integer", "number"):
        return int(value) if re.fullmatch(r"-?(0|[1-9][0-9]{0,8})", value) else None
    return {"true": True, "false": False}.get(value) if type == "boolean" else None


def _quoted(value: Any) -> str:
    return f"`{shown(value)}`" if isinstance(value, str) and value else _given(value)


def _given(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "`true`" if value else "`false`"
    if isinstance(value, str | int | float):
        return TEXTS("given", kind=value, value=value) if value != "" else TEXTS("empty-text")
    return TEXTS("kind", value=value)


def _named(at: Path) -> str:
    return f"`{shown(_dotted(at))}`" if at else TEXTS("it")


def _owner(at: Path) -> str:
    return TEXTS("owner", at=_dotted(at)) if at else ""


def _dotted(at: Path) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in at)
    return text.removeprefix(".")


def _of_pydantic(error: ValidationError) -> Iterator[Violation]:
    """The violations that only pydantic finds: a fallback, since the schema covers the models."""
    for item in error.errors(include_url=False, include_input=False, include_context=False):
        said = item["msg"].removeprefix("Value error, ")
        yield Violation(
            tuple(item["loc"]), TEXTS("invalid", name=_named(tuple(item["loc"])), said=said)
        )
