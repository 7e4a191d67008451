"""Templates: strings of a config with expressions in `${…}`.

A string that is exactly one `${…}` evaluates to the value of the expression, of whatever type. In any
other string the value is converted to text: strings stay as they are, everything else becomes compact
JSON with sorted keys, and a float without a fraction is written as an integer. `$${` is a literal `${`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from proflow_schemas.language import Text, Texts
from proflow_schemas.numbers import is_exact, whole
from proflow_schemas.sizes import MAX_VALUE_BYTES, text_size

from .errors import ExpressionError
from .extent import check_size, too_large
from .program import MAX_DATA_DEPTH, Program, compile
from .syntax import Reference
from .tokens import closing_brace

TEXTS = Texts(
    "template",
    {
        "close": Text(
            "close it with `}}`, or write `$${{` for a literal `${{`",
            "用 `}}` 结束，或写 `$${{` 表示 `${{` 本身",
        ),
        "not-closed": Text("`${{` is not closed", "`${{` 没有结束"),
        "too-deep": Text(
            "the value is nested more than {most} levels deep",
            "值的嵌套超过 {most} 层",
        ),
    },
)

_NOT_CLOSED_HELP = TEXTS("close")


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed template.

    Attributes:
        text: The whole string.
        references: What its expressions read; spans are offsets in the whole string.
        expressions: The texts between the braces, with their offsets in the whole string.
    """

    text: str
    references: tuple[Reference, ...]
    expressions: tuple[tuple[str, int], ...]
    _parts: tuple[str | tuple[Program, int], ...] = field(repr=False)

    @property
    def is_literal(self) -> bool:
        """True if it has no expressions."""
        return not self.expressions

    @property
    def is_expression(self) -> bool:
        """True if it is exactly one `${…}`, so that the type of the value is kept."""
        return len(self._parts) == 1 and bool(self.expressions)

    def render(self, scope: Mapping[str, Any]) -> Any:
        """Evaluate the template.

        Args:
            scope: As for `Program.evaluate`.

        Returns:
            A JSON value; a text unless `is_expression`.

        Raises:
            ExpressionError: If an expression fails, or the text is too large. Its offset is in the
                whole string.
        """
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
    """Parse a template; the latest 4,096 are cached.

    Raises:
        ExpressionError: If an expression cannot be parsed or `${` is not closed. Its offset is in the
            whole string.
    """
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
            raise ExpressionError(TEXTS("not-closed"), offset=dollar, help=_NOT_CLOSED_HELP)
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
    """Render every string of a JSON value; keys of objects are not templates.

    Raises:
        ExpressionError: If an expression fails, or the value is nested too deeply.
    """
    return _rendered(value, scope, 0)


def _rendered(value: Any, scope: Mapping[str, Any], depth: int) -> Any:
    if isinstance(value, str):
        return template(value).render(scope) if "${" in value else value
    if depth > MAX_DATA_DEPTH:
        raise ExpressionError(TEXTS("too-deep", most=MAX_DATA_DEPTH))
    if isinstance(value, Mapping):
        return {key: _rendered(item, scope, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rendered(item, scope, depth + 1) for item in value]
    return value


def value_references(value: Any) -> tuple[Reference, ...]:
    """Return what the strings of a JSON value read, in order; spans are offsets in each string."""
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
    """Return a JSON value as it is inserted into a text."""
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
