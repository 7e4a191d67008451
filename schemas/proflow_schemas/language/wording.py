"""Fills in the templates of texts.

A field `{name}` may have a format, which says how its value is written:

| format | value | English | Chinese |
|---|---|---|---|
| none | a name or value | shortened to 60 characters, on one line | the same |
| `raw` | a text | as it is | the same |
| `and`, `or` | names | `a`, `b` and `c` | `a`、`b` 和 `c` |
| `names` | names | `a`, `b`, `c` | `a`、`b`、`c` |
| `list` | texts | a, b, c | a、b、c |
| `semicolons` | texts | a; b | a；b |
| `both` | texts | a and b | a 和 b |
| `either` | texts | a or b or c | a 或 b 或 c |
| `path` | ids of nodes | `a` → `b` → `c` | the same |
| `kind` | a JSON value | a text | 文本 |
| `one node\\|# nodes` | a number | one node, or 3 nodes | write `{count} 个节点` |
| `no node\\|one node\\|# nodes` | a number | the same, and no node | |

A value that is a message is said in the language of the text that it is part of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from string import Formatter
from typing import Any

Say = Callable[[str, Any], str]
"""Says a message in a language."""

_KINDS = {
    "null": ("null", "null"),
    "boolean": ("true or false", "布尔值"),
    "text": ("a text", "文本"),
    "number": ("a number", "数字"),
    "list": ("a list", "列表"),
    "object": ("an object", "对象"),
}
_WORDS = {("and", "en"): "and", ("or", "en"): "or", ("and", "zh"): "和", ("or", "zh"): "或"}
MOST_LISTED = 5
"""How many names of a list are written; of further ones only the number is."""


@lru_cache(maxsize=4096)
def _parts(template: str) -> tuple[tuple[str, str | None, str], ...]:
    return tuple((text, name, spec or "") for text, name, spec, _ in Formatter().parse(template))


def fields(template: str) -> frozenset[str]:
    """Return the names of the arguments of a template."""
    return frozenset(name for _, name, _ in _parts(template) if name is not None)


def worded(template: str, arguments: Mapping[str, Any], language: str, say: Say) -> str:
    """Fill in a template.

    Args:
        template: The template.
        arguments: The values of its fields.
        language: The language of the template.
        say: Says a message among the arguments in that language.
    """
    written: list[str] = []
    for text, name, spec in _parts(template):
        written.append(text)
        if name is not None:
            written.append(_value(arguments[name], spec, language, say))
    return _spaced(written) if language == "zh" else "".join(written)


def _spaced(parts: Sequence[str]) -> str:
    """Join parts of a Chinese text, with a space between Chinese and code or Latin, and none in Chinese."""
    text = ""
    for part in parts:
        if text and part:
            if _is_chinese(part[0]) and text[-1] == " " and _is_chinese(text[-2:-1]):
                text = text[:-1]
            elif _is_chinese(text[-1]) and part[0] == " " and _is_chinese(part[1:2]):
                part = part[1:]
            elif text.count("`") % 2 == 0 and (
                (_is_code(text[-1]) and _is_word(part[0]))
                or (_is_code(part[0]) and _is_word(text[-1]))
            ):
                text += " "
        text += part
    return text


def _is_chinese(character: str) -> bool:
    return "\u3000" <= character <= "\uffef"


def _is_code(character: str) -> bool:
    return character == "`" or (character.isascii() and character.isalnum())


def _is_word(character: str) -> bool:
    return "\u3400" <= character <= "\u9fff"


def _value(value: Any, spec: str, language: str, say: Say) -> str:
    match spec:
        case "":
            return say(value, language) if _is_message(value) else shown(value)
        case "raw":
            return say(value if isinstance(value, str) else str(value), language)
        case "and" | "or":
            return _series(value, spec, language, say)
        case "names":
            return ("、" if language == "zh" else ", ").join(ticks(one) for one in value)
        case "list":
            return ("、" if language == "zh" else ", ").join(say(one, language) for one in value)
        case "semicolons":
            return ("；" if language == "zh" else "; ").join(say(one, language) for one in value)
        case "both":
            return _joined([say(one, language) for one in value], "and", language)
        case "either":
            return _joined([say(one, language) for one in value], "or", language)
        case "path":
            return walk(value)
        case "kind":
            return _KINDS[_kind(value)][language == "zh"]
        case _:
            *none, one, many = spec.split("|")
            if value == 0 and none:
                return none[0]
            return (one if value == 1 else many).replace("#", str(value))


def _series(values: Sequence[Any], word: str, language: str, say: Say) -> str:
    """List names in backticks, or messages as they are."""
    if not any(_is_message(one) for one in values):
        return listed(values, _WORDS[word, language], language=language)
    *first, last = (say(one, language) for one in values)
    if not first:
        return last
    comma = "、" if language == "zh" else ", "
    return _joined([comma.join(first), last], word, language)


def _joined(parts: Sequence[str], word: str, language: str) -> str:
    """Put a word between texts."""
    between = f" {_WORDS[word, language]} "
    if language == "en":
        return between.join(parts)
    spread = [one for part in parts for one in (between, part)]
    return _spaced(spread[1:])


def _is_message(value: Any) -> bool:
    return isinstance(value, str) and type(value) is not str


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case str():
            return "text"
        case int() | float():
            return "number"
        case list():
            return "list"
        case _:
            return "object"


def shown(value: Any) -> str:
    """Write a value for a message, shortened to 60 characters and on one line."""
    text = str(value)
    text = "".join(c if c.isprintable() else f"\\u{{{ord(c):x}}}" for c in text[:61])
    return text if len(text) <= 60 else text[:59] + "…"


def kind_of(value: Any) -> str:
    """Return the type of a JSON value in English words, with its article: `a text`."""
    return _KINDS[_kind(value)][0]


def ticks(name: str) -> str:
    """Put a name in backticks, shortened and on one line."""
    return f"`{shown(name)}`"


def listed(
    names: Sequence[str], word: str = "and", most: int = MOST_LISTED, *, language: str = "en"
) -> str:
    """List names in backticks: `a`, `b` and `c`.

    Args:
        names: The names, at least one.
        word: The word before the last name.
        most: How many names to write; of further ones only the number is.
        language: The language of the list.
    """
    parts = [ticks(name) for name in names[:most]]
    if language == "zh":
        if len(names) > most:
            return f"{'、'.join(parts)} 等 {len(names)} 个"
        return parts[0] if len(parts) == 1 else f"{'、'.join(parts[:-1])} {word} {parts[-1]}"
    if len(names) > most:
        parts.append(f"{len(names) - most} more")
    if len(parts) == 1:
        return parts[0]
    return f"{', '.join(parts[:-1])} {word} {parts[-1]}"


def walk(path: Sequence[str]) -> str:
    """Write a path through the design: `a` → `b` → `c`. The middle of a long path is left out."""
    steps = [ticks(name) for name in path]
    if len(steps) > 9:
        steps = [*steps[:4], "…", *steps[-4:]]
    return " → ".join(steps)
