"""Evaluates expressions against the data of a run."""

from __future__ import annotations

import base64
import datetime
import json
import math
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

import cel_expr_python.cel as cel

from proflow_schemas.numbers import AS_TEXT, BEYOND, MAX_EXACT, is_exact, whole

from .errors import ExpressionError
from .extent import check_extent, check_size, grows, nodes_of
from .functions import REPLACED, SUMS, mixed
from .large_data import Results, as_json, is_large, with_floats
from .literals import written_path
from .syntax import SURROGATE, Reference, Syntax, children, constant_path, parse
from .texts import duration_text, time_text
from .tree import Call, Const, Node
from .wording import COMPARISONS, evaluation_error

# Deeper data would exhaust the C++ stack of the library.
MAX_DATA_DEPTH = 200

_results = Results()
_ERROR = cel.Type.ERROR
_MISSING = object()
_GONE_THROUGH = ("a list", "an object")
_TOO_DEEP = f"the data is nested more than {MAX_DATA_DEPTH} levels deep"
_NUL = "a text in the data contains the character U+0000"
_LONGEST_SHOWN = 60
"""Characters of a text in a message."""
_SCALARS = frozenset({str, int, float, bool, type(None)})

# The part of the scope that an expression reads, nested by field. `True`: the whole value; `False`: only
# whether the field exists.
_Plan = dict[str, "bool | _Plan"]


class Program:
    """A compiled expression.

    Only the data that the expression reads is passed to the library. The library converts all data that
    it is given, so the time of an evaluation would otherwise grow with the size of the scope.
    """

    __slots__ = ("_direct", "_evaluate", "_growing", "_plan", "syntax")

    def __init__(self, syntax: Syntax) -> None:
        self.syntax = syntax
        self._plan = _plan(syntax.references)
        self._evaluate = syntax.compiled.eval
        reference = syntax.references[0] if syntax.is_reference else None
        self._direct = None if reference is None or reference.presence else reference
        self._growing = nodes_of(syntax.tree) if grows(syntax.tree) else 0
        """The result of `nodes_of`, by which the cost is estimated first; 0: the value cannot be too large."""

    @property
    def text(self) -> str:
        """The expression as the user wrote it."""
        return self.syntax.text

    @property
    def references(self) -> tuple[Reference, ...]:
        """What the expression reads, in the order of its text."""
        return self.syntax.references

    def evaluate(self, scope: Mapping[str, Any]) -> Any:
        """Evaluate the expression.

        Args:
            scope: `event`, `steps`, `run`, … → their JSON values. `steps` has only the steps that have
                finished.

        Returns:
            A JSON value: objects have sorted keys, timestamps are RFC 3339, durations are in seconds
            (`"90s"`), bytes are base64.

        Raises:
            ExpressionError: If the evaluation fails; the message names a missing field.
        """
        if self._direct is not None:
            found = _json(_read(scope, self._direct))
            check_size(found)
            return found
        read = _narrowed(scope, self._plan)
        if not is_large(read):
            return self._computed(scope, read, None)
        text = as_json(read)
        if text is None:
            return self._computed(scope, read, None)
        key = Results.key(self.text, text)
        known = _results.get(key)
        noting = mixed.get()
        if known is not None:
            if noting is not None:
                noting += known[1]
            return known[0]
        noted: list[int] = []
        token = mixed.set(noted)
        try:
            found = self._computed(scope, read, text)
        finally:
            mixed.reset(token)
        if noting is not None:
            noting += noted
        _results.keep(key, found, tuple(noted))
        return found

    def _computed(self, scope: Mapping[str, Any], read: dict[str, Any], text: str | None) -> Any:
        """Evaluate without the kept results; `text` is `read` as JSON, or None."""
        value = self._value(scope, read, text)
        plain = value.plain_value()
        if type(plain) is str and value.type() == _ERROR:
            raise _failure(plain, self.syntax, scope)
        found = _json(plain)
        check_size(found)
        return found

    def length(self, scope: Mapping[str, Any]) -> int | None:
        """Return the length of the list that the expression reads, without copying the list.

        Args:
            scope: As for `evaluate`.

        Returns:
            The length; None if the expression computes something, or reads something else.

        Raises:
            ExpressionError: As `evaluate`.
        """
        if self._direct is None:
            return None
        found = _read(scope, self._direct)
        return len(found) if isinstance(found, list | tuple) else None

    def item(self, scope: Mapping[str, Any], index: int) -> tuple[Any] | None:
        """Return one item of the list that the expression reads, without copying the list.

        Args:
            scope: As for `evaluate`.
            index: The index of the item.

        Returns:
            A tuple with the item. None if the expression computes something or reads something else, or
            if the list has not more than one item, or no such one.

        Raises:
            ExpressionError: As `evaluate`, but only for this item.
        """
        if self._direct is None:
            return None
        found = _read(scope, self._direct)
        if not isinstance(found, list | tuple) or len(found) <= max(1, index):
            return None
        return (_json(found[index], 1),)

    def test(self, scope: Mapping[str, Any], unlike: list[str] | None = None) -> bool:
        """Evaluate the expression as a condition.

        Args:
            scope: As for `evaluate`.
            unlike: A list to which a message is appended for each comparison of a number with a text.

        Returns:
            True if the condition holds.

        Raises:
            ExpressionError: If the evaluation fails, or the result is neither true nor false.
        """
        if unlike is None:
            plain = self.evaluate(scope)
        else:
            noted: list[int] = []
            token = mixed.set(noted)
            try:
                plain = self.evaluate(scope)
            finally:
                mixed.reset(token)
            unlike += map(self._unlike, dict.fromkeys(noted))
        if plain is True or plain is False:
            return bool(plain)
        raise ExpressionError(
            f"the condition gives {_kind(plain)}, not true or false",
            offset=0,
            help="compare the value with something",
        )

    def _unlike(self, offset: int) -> str:
        """Return the message about the comparison of a number with a text at an offset."""
        sides = [
            constant_path(argument)
            for call in _calls(self.syntax.tree)
            if call.offset == offset and call.function in COMPARISONS
            for argument in call.arguments
        ]
        named = [f"`{written_path(path)}`" for path in sides if path is not None]
        text = self.text if len(self.text) <= _LONGEST_SHOWN else f"{self.text[:_LONGEST_SHOWN]}…"
        what = " and ".join(named) or f"what `{text}` compares"
        return f"{what}: a number never equals a text"

    def _value(self, scope: Mapping[str, Any], read: dict[str, Any], text: str | None) -> cel.Value:
        if self._growing:
            try:
                check_extent(self.syntax.tree, read, self._growing)
            except RecursionError:  # the data is far deeper than the limit
                raise ExpressionError(_TOO_DEEP) from None
        data = None if text is None else with_floats(text, MAX_DATA_DEPTH)
        if data is None:
            data = _converted(read, self._plan)
        try:
            return self._evaluate(data=data)
        except (RuntimeError, TypeError, UnicodeError) as error:
            raise _failure(str(error), self.syntax, scope) from None


@lru_cache(maxsize=4096)
def compile(text: str) -> Program:
    """Compile an expression; the latest 4,096 are cached.

    Raises:
        ExpressionError: If it cannot be parsed.
    """
    return Program(parse(text))


def _plan(references: tuple[Reference, ...]) -> _Plan:
    plan: _Plan = {}
    for reference in references:
        node = plan
        for part in reference.path[:-1]:
            below = node.get(part)
            if below is True:
                break
            if below is None or below is False:
                below = node[part] = {}
            node = below
        else:
            last = reference.path[-1]
            if not reference.presence:
                node[last] = True
            else:
                node.setdefault(last, False)
    return plan


def _narrowed(source: Mapping[str, Any], plan: _Plan) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, below in plan.items():
        value = source.get(key, _MISSING)
        if value is _MISSING:
            continue
        if below is False:
            found[key] = None
        elif below is True or type(value) in _SCALARS or not isinstance(value, Mapping):
            found[key] = value
        else:
            found[key] = _narrowed(value, below)
    return found


def _converted(read: Mapping[str, Any], plan: _Plan) -> dict[str, Any]:
    """Convert what an expression reads to what the library accepts."""
    found: dict[str, Any] = {}
    for key, value in read.items():
        below = plan[key]
        if below is True or below is False or not isinstance(value, Mapping):
            found[key] = _prepared(value, 0)
        else:
            found[key] = _converted(value, below)
    return found


def _prepared(value: Any, depth: int) -> Any:
    """Convert data to what the library accepts: all numbers become floats.

    Data is refused that would crash the library (too deep), that it would cut off (a text at its first
    NUL), or that it would round.
    """
    kind = type(value)
    if kind is int or kind is float:
        if -MAX_EXACT <= value <= MAX_EXACT:
            return float(value)
        raise ExpressionError(f"a number in the data is {BEYOND}", help=AS_TEXT)
    if kind is str:
        if "\0" in value:
            raise ExpressionError(_NUL)
        return value
    if kind in _SCALARS:
        return value
    if depth >= MAX_DATA_DEPTH:
        raise ExpressionError(_TOO_DEEP)
    if isinstance(value, Mapping):
        if any(type(key) is str and "\0" in key for key in value):
            raise ExpressionError(_NUL)
        return {key: _prepared(one, depth + 1) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_prepared(one, depth + 1) for one in value]
    return value


def _read(scope: Mapping[str, Any], reference: Reference) -> Any:
    value: Any = scope
    for at, part in enumerate(reference.path):
        if not (type(value) is dict or isinstance(value, Mapping)) or part not in value:
            raise _missing(value, reference, at)
        value = value[part]
    return value


def _missing(parent: Any, reference: Reference, at: int) -> ExpressionError:
    """Return the error that part `at` of the path cannot be read from `parent`."""
    part = reference.path[at]
    if at == 0:
        return ExpressionError(f"there is nothing called `{part}` here", offset=reference.start)
    owner = written_path(reference.path[:at])
    help: str | None = None
    if not isinstance(parent, Mapping):
        message = f"`{owner}` is {_kind(parent)} and has no field `{part}`"
    elif reference.path[:at] == ("steps",):
        message = f"the step `{part}` has not run"
        help = f"test it with `has({written_path(reference.path[: at + 1])})` first"
    else:
        message = f"`{owner}` has no field `{part}`"
        close = get_close_matches(part, [key for key in parent if isinstance(key, str)], n=1)
        path = written_path(reference.path[: at + 1])
        help = f"did you mean `{close[0]}`?" if close else f"test it with `has({path})` first"
    return ExpressionError(message, offset=reference.start, help=help)


def _failure(raw: str, syntax: Syntax, scope: Mapping[str, Any]) -> ExpressionError:
    """Return the error of a failed evaluation: about the reference that cannot be read, if that is the cause."""
    key = re.search(r'Key not found in map : "(.*)"', raw, re.DOTALL)
    if key or "SELECT to non-message" in raw or "No value with name" in raw:
        for reference in syntax.references:
            value: Any = scope
            for at, part in enumerate(reference.path):
                if not isinstance(value, Mapping) or part not in value:
                    last = reference.presence and at == len(reference.path) - 1
                    if last and isinstance(value, Mapping):
                        break
                    if key and (key.group(1) != part or not isinstance(value, Mapping)):
                        break
                    return _missing(value, reference, at)
                value = value[part]
    function, error = evaluation_error(raw)
    if function is None:
        return error
    called = [one for one in _calls(syntax.tree) if function in _names_of(one.function)]
    error = _naming(error, called, scope)
    return error.shifted(called[0].offset) if len(called) == 1 else error


def _naming(
    error: ExpressionError, called: list[Call], scope: Mapping[str, Any]
) -> ExpressionError:
    """Add to an error which fields the operator does not accept, and what their values are."""
    for call in called:
        if call.target is not None and call.function in ("contains", "startsWith", "endsWith"):
            sides = [_side(one, scope) for one in (call.target, *call.arguments)]
        elif call.function in COMPARISONS or call.function in SUMS:
            sides = [_side(argument, scope) for argument in call.arguments]
        else:
            continue
        kinds = [kind for _, kind in sides]
        fits = kinds[-1] in _GONE_THROUGH if call.function == "@in" else len(set(kinds)) == 1
        named = [f"`{written_path(path)}` is {kind}" for path, kind in sides if path is not None]
        if fits or None in kinds or not named:
            continue
        message = error.message
        if call.function == "@in" and _is_loose(call.arguments[1]):
            # Structured conditions with `contains` are converted to this form.
            message = f"`contains` is for a string, a list or an object, not {kinds[1]}"
        return ExpressionError(f"{message}: {' and '.join(named)}", help=error.help)
    return error


def _side(node: Node, scope: Mapping[str, Any]) -> tuple[tuple[str, ...] | None, str | None]:
    """Return the path that an operand reads and the kind of its value; None where they are not known."""
    if isinstance(node, Const):
        return None, _kind(node.value)
    if _is_loose(node):
        return _side(children(node)[0], scope)
    value: Any = scope
    path = constant_path(node)
    for part in path or ():
        if not isinstance(value, Mapping) or part not in value:
            return None, None
        value = value[part]
    return (None, None) if path is None else (path, _kind(value))


def _is_loose(node: Node) -> bool:
    return isinstance(node, Call) and node.function == "dyn"


def _names_of(function: str) -> tuple[str | None, ...]:
    """Return the names that a function may have in the evaluated tree."""
    return function, REPLACED.get(function), SUMS.get(function)


def _calls(node: Node) -> Iterator[Call]:
    if isinstance(node, Call):
        yield node
    for child in children(node):
        yield from _calls(child)


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a string"
    return "a list" if isinstance(value, list) else "an object"


def value_shown(value: Any) -> str:
    """Describe a JSON value for a message; short values are shown: `the string "a"`, `a list`."""
    if value is None or isinstance(value, list | tuple | Mapping):
        return _kind(value)
    text = json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool):
        return f"`{text}`"
    shown = text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
    return f"the {'string' if isinstance(value, str) else 'number'} `{shown}`"


def _json(value: Any, depth: int = 0) -> Any:
    kind = type(value)
    if kind is bool or value is None:
        return value
    if kind is str:
        if not value.isascii() and SURROGATE.search(value):
            raise ExpressionError("a text in the data is not valid Unicode")
        return value
    if kind is int or kind is float:
        if is_exact(value):
            return whole(value)
        if kind is float and not math.isfinite(value):
            raise ExpressionError("the result is not a finite number")
        raise ExpressionError(f"the number is {BEYOND}", help=AS_TEXT)
    if depth > MAX_DATA_DEPTH:
        raise ExpressionError(_TOO_DEEP)
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise ExpressionError("an object's keys must be strings", help="use `string(…)`")
        return {key: _json(value[key], depth + 1) for key in sorted(value)}
    if isinstance(value, list | tuple):
        return [_json(item, depth + 1) for item in value]
    if isinstance(value, datetime.datetime):
        return time_text(value)
    if isinstance(value, datetime.timedelta):
        return duration_text(value)
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode()
    raise ExpressionError("the result is not a JSON value", help="use `string(…)`")
