"""Holds inputs against the type that a handler declares: what a run has, or what a design says."""

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
"""What texts of a design have that are computed."""


@dataclass(frozen=True)
class InputProblem:
    """Why an input does not fit: what is wrong at a path, or the field that is missing there.

    `unknown`: the path ends in a field that the type does not have, and does not allow.
    """

    path: Path
    message: str
    missing: str | None = None
    unknown: bool = False


def check_handler(handler: Callable[..., Any]) -> None:
    """Check that a function can be called as a handler, and its input be validated.

    Raises:
        HandlerError: If it cannot.
    """
    require_handler(handler)
    input_adapter(handler)


def input_adapter(handler: Callable[..., Any]) -> TypeAdapter[Any] | None:
    """What validates a handler's input; None: it takes anything.

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
    """A JSON value as the type, as pydantic reads JSON: a strict model takes a text for a time, too.

    Raises:
        ValidationError: If it does not fit.
    """
    return adapter.validate_json(json.dumps(value))


def design_problems(adapter: TypeAdapter[Any], value: Any) -> Iterator[InputProblem]:
    """Why an input that a design gives can never fit; of what is computed nothing is known."""
    if _is_open(value):
        return
    try:
        validated(adapter, value)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
    except Exception:
        return  # of the host's own validators, which may not expect a `${…}`
    else:
        return
    seen: set[tuple[Path, str | None]] = set()
    members: dict[Path, set[int | str]] = {}
    for problem in problems:
        path, rest = _split(value, problem["loc"])
        members.setdefault(path, set()).update(rest[:-1])
    for problem in problems:
        path, rest = _split(value, problem["loc"])
        # Of a union that a field of the value decides about, there is one member in all paths.
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
    """As far as a value goes along pydantic's path, which names members of unions too."""
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
