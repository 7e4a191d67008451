"""Checks inputs of handlers, at run time and in designs, against the types that handlers declare."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError

from proflow_schemas.numbers import Path
from proflow_schemas.signatures import HandlerError, Same, described, input_type, require_handler
from proflow_schemas.typed_dicts import readable

OPEN = "${"
"""The beginning of an expression in a text of a design."""


@dataclass(frozen=True)
class InputProblem:
    """A reason why an input is not valid.

    Attributes:
        path: Where in the input.
        message: What is wrong there, as pydantic words it.
        missing: The field that is missing there, or None.
        unknown: True if the path ends in a field that the type does not have and does not allow.
    """

    path: Path
    message: str
    missing: str | None = None
    unknown: bool = False


def check_handler(handler: Callable[..., Any]) -> None:
    """Check that a function can be called as a handler, and that its input can be validated.

    Raises:
        HandlerError: If that is not the case.
    """
    require_handler(handler)
    input_adapter(handler)


def input_adapter(handler: Callable[..., Any]) -> TypeAdapter[Any] | None:
    """Return the validator of a handler's input; None if the handler accepts any input.

    Raises:
        HandlerError: If the function cannot be a handler, or pydantic cannot validate the type.
    """
    return _adapter(Same(handler))


@lru_cache(maxsize=4096)
def _adapter(key: Same) -> TypeAdapter[Any] | None:
    handler = key.function
    hint = input_type(handler)
    if hint in (Any, object):
        return None
    try:
        return TypeAdapter(readable(hint))
    except PydanticUserError as error:
        said = error.message.partition("\n")[0].partition(". ")[0]
        raise HandlerError(
            f"{described(handler)}: the type of its input cannot be validated: {said}"
        ) from None


def validated(adapter: TypeAdapter[Any], value: Any) -> Any:
    """Convert a JSON value to the type of a handler's input.

    It is validated as JSON text, since a strict model accepts a text for a time only in JSON.

    Raises:
        ValidationError: If it is not valid.
    """
    return adapter.validate_json(json.dumps(value))


def design_problems(adapter: TypeAdapter[Any], value: Any) -> Iterator[InputProblem]:
    """Find reasons why the input in a design can never be valid, whatever its expressions evaluate to.

    Args:
        adapter: The validator of the handler's input.
        value: The input in the design, with `${…}` in its strings.
    """
    if _is_open(value):
        return
    try:
        validated(adapter, value)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
    except Exception:
        return  # raised by a validator of the host, which may not expect a `${…}`
    else:
        return
    seen: set[tuple[Path, str | None]] = set()
    members: dict[Path, set[int | str]] = {}
    for problem in problems:
        path, rest = _split(value, problem["loc"])
        members.setdefault(path, set()).update(rest[:-1])
    for problem in problems:
        path, rest = _split(value, problem["loc"])
        # For a discriminated union, all paths of pydantic name the same member.
        named = len(rest) == 1 or (len(rest) == 2 and len(members[path]) == 1)
        missing = str(rest[-1]) if problem["type"] == "missing" and named else None
        unknown = problem["type"] in _ABOUT_KEYS and not rest
        if missing is None and not unknown and _holds_open(_at(value, path)):
            continue
        if (path, missing) not in seen:
            seen.add((path, missing))
            yield InputProblem(path, problem["msg"], missing, unknown)


_ABOUT_KEYS = {"extra_forbidden", "unexpected_keyword_argument"}


def _split(value: Any, loc: tuple[int | str, ...]) -> tuple[Path, tuple[int | str, ...]]:
    """Split pydantic's path into the part that exists in the value, and the rest.

    The rest contains names of union members and of missing fields.
    """
    for number, key in enumerate(loc):
        if isinstance(value, list):
            there = isinstance(key, int) and key < len(value)
        else:
            there = isinstance(value, dict) and key in value
        if not there:
            return loc[:number], loc[number:]
        value = _at(value, (key,))
    return loc, ()


def _at(value: Any, path: Path) -> Any:
    for key in path:
        value = value[key]
    return value


def _is_open(value: Any) -> bool:
    return isinstance(value, str) and OPEN in value


def _holds_open(value: Any) -> bool:
    stack = [value]
    while stack:
        one = stack.pop()
        if _is_open(one):
            return True
        if isinstance(one, dict):
            stack += one.values()
        elif isinstance(one, list):
            stack += one
    return False
