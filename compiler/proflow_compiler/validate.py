"""Validates node configs and settings: pydantic says whether, jsonschema says why not.

The schemas are those that `proflow_schemas.published` publishes. jsonschema costs 45–90 µs a
node, so it is asked only about what pydantic refuses.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, TypeVar, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError as SchemaError
from jsonschema.protocols import Validator
from proflow_schemas.configs import Config
from proflow_schemas.published import model_schema
from pydantic import ValidationError

from proflow_compiler.diagnostics import Fix
from proflow_compiler.fixes import words
from proflow_compiler.other_types import word_meant
from proflow_compiler.problems import Problems, closest, kind_of, shown
from proflow_compiler.source import escape

ConfigT = TypeVar("ConfigT", bound=Config)
Path = tuple[str | int, ...]

_TYPES = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


@dataclass(frozen=True)
class Violation:
    """One thing that is wrong with a value, at `path` below it."""

    path: Path
    message: str
    help: str | None = None
    on_key: bool = False
    given: Any = None
    """What stands there, where `meant` says what should: a key, or a value."""
    meant: Any = None

    def fixes(self, pointer: str) -> tuple[Fix, ...]:
        """What to write at the pointer that `path` leads to."""
        if self.meant is None:
            return ()
        if self.on_key:
            return words.key(pointer, self.given, self.meant)
        if isinstance(self.meant, str):
            return words.word(pointer, self.given, self.meant)
        return (words.written(pointer, self.meant, safe=True),)


@dataclass(frozen=True)
class Place:
    """Where the validated object stands: its pointer, and those of keys that stand elsewhere."""

    pointer: str
    pointers: Mapping[str, str]
    node: str | None = None

    def of(self, path: Path) -> str:
        if not path:
            return self.pointer
        first = str(path[0])
        start = self.pointers.get(first, f"{self.pointer}/{escape(first)}")
        return start + "".join(f"/{escape(part)}" for part in path[1:])


def validate(
    model: type[ConfigT], value: Mapping[str, Any], place: Place, problems: Problems
) -> ConfigT | None:
    """The model of a valid object; None, and why not, otherwise."""
    try:
        return model.model_validate(value, by_alias=True, by_name=False)
    except ValidationError as error:
        refused = error
    violations = list(explain(model, value)) or list(_of_pydantic(refused))
    for violation in violations:
        pointer = place.of(violation.path)
        problems.add(
            "PF101",
            violation.message,
            pointer,
            help=violation.help,
            node=place.node,
            on_key=violation.on_key,
            fixes=violation.fixes(pointer),
        )
    return None


@cache
def validator(model: type[Config]) -> Validator:
    """The compiled validator of a model's published schema."""
    return Draft202012Validator(model_schema(model))


def explain(model: type[Config], value: Any) -> Iterator[Violation]:
    """What the published schema of a model has against a value; one violation per cause."""
    yield from _explain(list(validator(model).iter_errors(value)), ())


def _explain(errors: Sequence[SchemaError], path: Path) -> Iterator[Violation]:
    """A missing key and an unknown one that looks like it are one cause."""
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
                yield _unknown_key(at, key, absent, _properties(error))
        elif error.validator == "required":
            missing = [key for key in _limit(error) if key not in _given_keys(error)]
            key = next(key for key in missing if error.message.startswith(repr(key)))
            if any(closest_key(other, [key]) for other in unknown.get(at, [])):
                continue
            yield Violation(at, f"{_owner(at)}`{key}` is missing")
        elif error.validator in ("anyOf", "oneOf"):
            yield from _best_branch(error, path)
        else:
            yield _plain(error, at)


def _properties(error: SchemaError) -> Mapping[str, Any]:
    known: Mapping[str, Any] = cast(Mapping[str, Any], error.schema).get("properties", {})
    return known


def _given_keys(error: SchemaError) -> Mapping[str, Any]:
    return cast(Mapping[str, Any], error.instance)


def _limit(error: SchemaError) -> Any:
    return error.validator_value


def _unknown_key(at: Path, key: str, missing: list[str], known: Mapping[str, Any]) -> Violation:
    near = closest_key(key, missing) or closest_key(key, list(known))
    if near is not None:
        help = f"did you mean `{near}`?"
    elif known:
        help = "known are " + ", ".join(f"`{one}`" for one in sorted(known)[:24])
    else:
        help = "it takes no settings"
    path = (*at, key)
    meant = near if near in missing else None
    return Violation(path, f"unknown key {_named(path)}", help, on_key=True, given=key, meant=meant)


def closest_key(key: str, known: Iterable[str]) -> str | None:
    """A known key that this one seems to be meant for, whatever its spelling of words."""
    return _closest_key(key[:60], tuple(known))


@lru_cache(maxsize=4096)
def _closest_key(key: str, known: tuple[str, ...]) -> str | None:
    flat = key.replace("_", "").replace("-", "").lower()
    names = {name.lower(): name for name in known}
    if flat in names:
        return names[flat]
    if len(flat) < 3:
        return None
    near = closest(flat, names, cutoff=0.8)
    return names[near] if near is not None else None


def _best_branch(error: SchemaError, path: Path) -> Iterator[Violation]:
    """The errors of the alternative that the value was most likely meant to be."""
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
        allowed = list(dict.fromkeys(_allowed_types(cast(Mapping[str, Any], error.schema))))
        hidden = {"null"} | ({"a whole number"} if "a number" in allowed else set())
        allowed = [name for name in allowed if name not in hidden]
        yield Violation(
            at, f"{_named(at)} must be {_one_of(allowed)}, not {_given(error.instance)}"
        )
        return
    if all(
        len(errors) == 1 and errors[0].validator == "enum" and not errors[0].path
        for errors in plausible.values()
    ):
        words = [word for errors in plausible.values() for word in _limit(errors[0])]
        yield _not_one_of(at, error.instance, words)
        return
    best = min(plausible.values(), key=_badness)
    yield from _explain(best, at)


def _badness(errors: list[SchemaError]) -> tuple[int, int]:
    """Fewest foreign keys first, so that `{event, iff}` is read as an event trigger."""
    missing = sum(inner.validator == "required" and not inner.path for inner in errors)
    return missing, len(errors)


def _allowed_types(schema: Mapping[str, Any]) -> Iterator[str]:
    for branch in schema.get("anyOf", schema.get("oneOf", ())):
        if "type" in branch:
            yield _TYPES[branch["type"]]
        elif "$ref" in branch:
            yield "an object"
        else:
            yield from _allowed_types(branch)


def _plain(error: SchemaError, at: Path) -> Violation:
    name, value, limit = _named(at), error.instance, _limit(error)
    match error.validator:
        case "type":
            message = f"{name} must be {_TYPES[limit]}, not {_given(value)}"
            return Violation(at, message, given=value, meant=_unquoted(value, limit))
        case "enum":
            return _not_one_of(at, value, limit)
        case "const":
            return _not_one_of(at, value, [limit])
        case "minLength":
            return Violation(at, f"{name} is empty")
        case "maxLength":
            return Violation(at, f"{name} is longer than {limit} characters")
        case "minimum":
            return Violation(at, f"{name} is {shown(value)}, but at least {limit} is needed")
        case "maximum":
            return Violation(at, f"{name} is {shown(value)}, but at most {limit} is allowed")
        case "exclusiveMinimum":
            return Violation(at, f"{name} is {shown(value)}, but must be above {limit}")
        case "pattern":
            return Violation(
                at,
                f"{name} cannot be {_quoted(value)}",
                "write letters without accents, digits, `_`",
            )
        case "not" if "enum" in limit:
            return Violation(at, f"{name} cannot be {_quoted(value)}: it means something else")
        case "not":
            return Violation(
                at, f"{_owner(at)}`retry` and `retries` are both given", "keep one of the two"
            )
    return Violation(at, f"{name} is not valid: {shown(error.message)}")


def _not_one_of(at: Path, value: Any, words: Sequence[Any]) -> Violation:
    allowed = [str(word) for word in words]
    near = _word_meant(at, value, allowed) if isinstance(value, str) else None
    help = (
        f"did you mean `{near}`?"
        if near is not None
        else "one of " + ", ".join(f"`{word}`" for word in allowed)
    )
    return Violation(at, f"{_named(at)} cannot be {_quoted(value)}", help, given=value, meant=near)


def _word_meant(at: Path, value: str, allowed: Sequence[str]) -> str | None:
    """The word that another one is meant for: what other products call it, else the closest."""
    known = word_meant(str(at[-1]), value) if at else None
    return known if known in allowed else closest(value, allowed)


def _unquoted(value: Any, type: str) -> bool | int | None:
    """The number, or true or false, that a text holds."""
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
        return f"{kind_of(value)} (`{shown(value)}`)" if value != "" else "an empty text"
    return kind_of(value)


def _named(at: Path) -> str:
    return f"`{shown(_dotted(at))}`" if at else "it"


def _owner(at: Path) -> str:
    return f"in `{shown(_dotted(at))}`, " if at else ""


def _dotted(at: Path) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in at)
    return text.removeprefix(".")


def _one_of(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " or " + words[-1]


def _of_pydantic(error: ValidationError) -> Iterator[Violation]:
    """What only pydantic refuses; the two agree, so this is a safety net, not a second voice."""
    for item in error.errors(include_url=False, include_input=False, include_context=False):
        message = item["msg"].removeprefix("Value error, ")
        yield Violation(
            tuple(item["loc"]), f"{_named(tuple(item['loc']))} is not valid: {shown(message)}"
        )
