"""`${…}` in the strings of a config.

A string that is exactly one `${…}` keeps the type of its expression. Elsewhere the value becomes
text: strings as they are, `true`, `false` and `null` by those words, numbers as JSON writes them
(a double without a fraction as an integer), lists and objects as compact JSON with sorted keys.
`$${` is a literal `${`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from proflow_schemas.numbers import is_exact, whole
from proflow_schemas.sizes import MAX_VALUE_BYTES, text_size

from .errors import ExpressionError
from .extent import check_size, too_large
from .program import MAX_DATA_DEPTH, Program, compile
from .syntax import Reference
from .tokens import closing_brace

_NOT_CLOSED_HELP = "close it with `}`, or write `$${` for a literal `${`"


@dataclass(frozen=True, slots=True)
class Template:
    """A string with `${…}` in it, parsed.

    `expressions` are the texts between the braces with their offsets, `references` their reads
    with spans in the whole text.
    """

    text: str
    references: tuple[Reference, ...]
    expressions: tuple[tuple[str, int], ...]
    _parts: tuple[str | tuple[Program, int], ...] = field(repr=False)

    @property
    def is_literal(self) -> bool:
        """Whether there is nothing to interpolate."""
        return not self.expressions

    @property
    def is_expression(self) -> bool:
        """Whether the text is exactly one `${…}`, so that its type is kept."""
        return len(self._parts) == 1 and bool(self.expressions)

    def render(self, scope: Mapping[str, Any]) -> Any:
        """The value for `scope`; an `ExpressionError` has its offset in the whole text."""
        if self.is_expression:
            return self._evaluate(self._parts[0], scope)
        pieces: list[str] = []
        left = MAX_VALUE_BYTES
        for part in self._parts:
            piece = part if isinstance(part, str) else as_text(self._evaluate(part, scope))
            left -= len(piece)
            if left < 0:
                raise too_large(text_size("".join([*pieces, piece])))
            pieces.append(piece)
        text = "".join(pieces)
        check_size(text)
        return text

    @staticmethod
    def _evaluate(part: str | tuple[Program, int], scope: Mapping[str, Any]) -> Any:
        if isinstance(part, str):
            return part
        program, start = part
        try:
            return program.evaluate(scope)
        except ExpressionError as error:
            raise error.shifted(start) from None


@lru_cache(maxsize=4096)
def template(text: str) -> Template:
    """Parse the string of a config; an `ExpressionError` has its offset in the whole text."""
    parts: list[str | tuple[Program, int]] = []
    expressions: list[tuple[str, int]] = []
    references: list[Reference] = []
    literal: list[str] = []
    position = 0
    while (dollar := text.find("${", position)) >= 0:
        if dollar > position and text[dollar - 1] == "$":
            literal.append(text[position : dollar - 1] + "${")
            position = dollar + 2
            continue
        literal.append(text[position:dollar])
        start = dollar + 2
        end = closing_brace(text, start)
        if end is None:
            raise ExpressionError("`${` is not closed", offset=dollar, help=_NOT_CLOSED_HELP)
        source = text[start:end]
        try:
            program = compile(source)
        except ExpressionError as error:
            raise error.shifted(start) from None
        if joined := "".join(literal):
            parts.append(joined)
        literal.clear()
        parts.append((program, start))
        expressions.append((source, start))
        references += [
            replace(one, start=one.start + start, end=one.end + start) for one in program.references
        ]
        position = end + 1
    literal.append(text[position:])
    if joined := "".join(literal):
        parts.append(joined)
    return Template(text, tuple(references), tuple(expressions), tuple(parts))


def render_value(value: Any, scope: Mapping[str, Any]) -> Any:
    """A config value with every string in it rendered; keys are taken as they are."""
    return _rendered(value, scope, 0)


def _rendered(value: Any, scope: Mapping[str, Any], depth: int) -> Any:
    if isinstance(value, str):
        return template(value).render(scope) if "${" in value else value
    if depth > MAX_DATA_DEPTH:
        raise ExpressionError(f"the value is nested more than {MAX_DATA_DEPTH} levels deep")
    if isinstance(value, Mapping):
        return {key: _rendered(item, scope, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rendered(item, scope, depth + 1) for item in value]
    return value


def value_references(value: Any) -> tuple[Reference, ...]:
    """What the strings of a config value read, in order; spans are in the string at hand."""
    return tuple(reference for text in _strings(value) for reference in template(text).references)


def _strings(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            if "${" in value:
                yield value
        elif isinstance(value, Mapping):
            waiting += reversed(list(value.values()))
        elif isinstance(value, list | tuple):
            waiting += reversed(value)


def as_text(value: Any) -> str:
    """A JSON value as it stands in a text."""
    if isinstance(value, str):
        return value
    return json.dumps(
        _without_fraction(value), ensure_ascii=False, separators=(",", ":"), sort_keys=True
    )


def _without_fraction(value: Any) -> Any:
    if isinstance(value, float):
        return whole(value) if is_exact(value) else value
    if isinstance(value, dict):
        return {key: _without_fraction(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_fraction(item) for item in value]
    return value
