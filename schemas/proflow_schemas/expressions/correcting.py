"""Corrects expressions that cannot be parsed because they use the syntax of another language.

Examples are `=` for `==`, `and` for `&&`, `${…}` in a rule, and typographic quotes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from proflow_schemas.language import Text, Texts

from .errors import Correction, ExpressionError
from .literals import quote, written_path
from .scope import TypeScope
from .syntax import parse
from .tokens import Token, closing_brace, tokens

TEXTS = Texts(
    "correcting",
    {
        "size": Text("did you mean `size`?", "是否想写 `size`？"),
        "negate-all": Text(
            "write `!`, and parentheses around all that it negates",
            "写 `!`，并用括号括起要取反的部分",
        ),
        "negate": Text("write `!`", "写 `!`"),
        "no-braces": Text("write {inner:raw} without the braces", "去掉花括号，写 {inner:raw}"),
        "quote": Text('quote strings with `"`', '字符串使用 `"`'),
        "no-template": Text("write it without `${{` and `}}`", "去掉 `${{` 和 `}}`"),
        "sign": Text("write `{sign:raw}`", "改为 `{sign:raw}`"),
        "write": Text("write `{sign:raw}`", "改为 `{sign:raw}`"),
        "not-equal": Text("write `!=`", "改为 `!=`"),
        "two-signs": Text("write `{sign:raw}=`", "改为 `{sign:raw}=`"),
        "equals": Text("compare with `==`", "用 `==` 比较"),
        "doubled": Text("write `{sign:raw}`", "改为 `{sign:raw}`"),
        "space": Text("a space", "空格"),
        "write-shown": Text("write {shown:raw}", "改为{shown:raw}"),
        "negation": Text("write `!`: `{written:raw}`", "写 `!`：`{written:raw}`"),
        "whole": Text("write `{whole:raw}`", "改为 `{whole:raw}`"),
        "no-unit": Text(
            "write the number without its unit: `{number:raw}`",
            "数字不带单位：`{number:raw}`",
        ),
        "written": Text("write {written:raw}", "改为 {written:raw}"),
        "step-result": Text(
            "read the result of the step: {path:raw}",
            "读取步骤的结果：{path:raw}",
        ),
        "quote-text": Text(
            "quote it if it is a text: {written:raw}",
            "如果是文本，请加引号：{written:raw}",
        ),
        "nothing-called": Text(
            "there is nothing called `{name:raw}` here",
            "这里没有 `{name:raw}`",
        ),
        "did-you-mean": Text("did you mean {written:raw}?", "是否想写 {written:raw}？"),
    },
)

_MOST_SLIPS = 20
_IN_READS = frozenset({"(", ")", "[", "]", "."})
_BETWEEN = frozenset({"in", "{", "}"})
_SIZES = frozenset({"len", "length", "count", "LEN", "strlen", "Length", "Count"})
_LOGIC = {
    **dict.fromkeys(("and", "且", "并且", "而且"), "&&"),
    **dict.fromkeys(("or", "或", "或者"), "||"),
}
_NOT = ("not", "非")
_SIGNS = {"≥": ">=", "≤": "<=", "≠": "!=", "×": "*", "÷": "/"}
_SHORT = 60
"""The most characters of an expression that a message shows."""

_LOGIC_WORD = re.compile(r"(and|or)\b|(并且|而且|且|或者|或)(?![^\x00-\x7f])", re.IGNORECASE)
_NOT_BEFORE = re.compile(r"\bnot\s+\Z", re.IGNORECASE)
_NOT_IN_CHINESE = re.compile(r"非(?![^\x00-\x7f])\s*")
_QUOTED = re.compile("[“”„‟]([^“”„‟\"]*)[“”„‟\"]|[‘’]([^‘’']*)[‘’']|「([^」]*)」")
_IN_BRACES = re.compile(r"\{\{([^{}]*)\}\}")
_THOUSANDS = re.compile(r"(?:,[0-9]{3})+(?![0-9,])")
_PATH = re.compile(r"""[^\W\d]\w*(?:\s*\.\s*[^\W\d]\w*|\[(?:"[^"\\]*"|'[^'\\]*')\])*""")
_PART = re.compile(r"""\[["']([^"']*)["']\]|(\w+)""")


@dataclass(frozen=True, slots=True)
class _Slip:
    """A known mistake.

    Attributes:
        help: What to write instead.
        text: The whole expression without the mistake; None if it is not certain.
        sure: True if nothing else can have been meant.
    """

    help: str
    text: str | None
    sure: bool = True


def corrected(text: str, scope: TypeScope) -> tuple[str | None, Correction | None]:
    """Return what to write instead of the first mistake, and the correction of all.

    Args:
        text: An expression that cannot be parsed.
        scope: What it may read.

    Returns:
        The help, or None if the mistake is not a known one; the correction, or None if the
        expression still cannot be parsed when the known mistakes are corrected.
    """
    now, help, sure = text, None, True
    for _ in range(_MOST_SLIPS):
        try:
            parse(now)
        except ExpressionError as error:
            if error.kind == "inexact":
                break
            slip = _slip(now, error.offset, scope)
            if slip is not None and help is None and now == text:
                help = slip.help
            if slip is None or slip.text is None or slip.text == now:
                return help, None
            now, sure = slip.text, sure and slip.sure
        else:
            break
    else:
        return help, None
    return help, None if now == text else Correction(0, len(text), now, sure=sure)


def renamed(text: str, start: int, end: int) -> tuple[str | None, Correction | None]:
    """Return what to write instead of the name of an unknown function, and the correction.

    Args:
        text: An expression that can be parsed.
        start: Where the name begins.
        end: Where it ends.
    """
    name = text[start:end]
    if name in _SIZES:
        return TEXTS("size"), Correction(start, end, "size")
    if name.lower() != "not":
        return None, None
    opening = end + len(text[end:]) - len(text[end:].lstrip())
    if _operand_end(text, opening) != _call_end(text, opening):
        return TEXTS("negate-all"), None
    return TEXTS("negate"), Correction(start, opening, "!", sure=True)


def _call_end(text: str, opening: int) -> int | None:
    """Return where what follows a call begins; None if a parenthesis is not closed."""
    closed = False
    for depth, one in _with_depth(text, opening):
        if closed:
            return one.start
        closed = depth == 0 and one.text == ")"
    return len(text) if closed else None


def _slip(text: str, offset: int | None, scope: TypeScope) -> _Slip | None:
    """Return the mistake at an offset; None if it is not a known one."""
    if (match := _IN_BRACES.search(text)) and _is_outside_strings(text, match.start()):
        inner = match[1].strip()
        help = TEXTS("no-braces", inner=_shown(inner))
        return _instead(text, match.start(), match.end(), inner, help)
    if offset is None or offset >= len(text):
        return None
    before, rest = text[:offset], text[offset:]
    for found in (
        _word_slip(text, offset),
        _sign_slip(text, offset),
        _negation(text, offset),
        _number_slip(text, offset),
    ):
        if found is not None:
            return found
    if (match := _QUOTED.match(rest)) is not None:
        inner = next(one for one in match.groups() if one is not None)
        return _Slip(TEXTS("quote"), before + quote(inner) + rest[match.end() :])
    if rest.startswith("${") and (close := _closing(text, offset + 2)) is not None:
        inner = text[offset + 2 : close].strip()
        whole = text.strip() == text[offset : close + 1]
        alone = inner if whole or _is_operand(inner) else f"({inner})"
        return _instead(text, offset, close + 1, alone, TEXTS("no-template"))
    return _named(text, offset, scope)


def _closing(text: str, start: int) -> int | None:
    try:
        return closing_brace(text, start)
    except ExpressionError:
        return None


def _instead(text: str, start: int, end: int, written: str, help: str) -> _Slip:
    return _Slip(help, text[:start] + written + text[end:])


def _word_slip(text: str, offset: int) -> _Slip | None:
    match = _LOGIC_WORD.match(text, offset)
    if match is None or re.search(r"[^\W\d_a-zA-Z]\Z|\.\s*\Z", text[:offset]):
        return None
    sign = _LOGIC[match.group().lower()]
    left = "" if text[offset - 1 : offset].isspace() else " "
    right = "" if text[match.end() : match.end() + 1].isspace() else " "
    return _instead(text, offset, match.end(), f"{left}{sign}{right}", TEXTS("sign", sign=sign))


def _sign_slip(text: str, offset: int) -> _Slip | None:
    before, sign, two = text[:offset], text[offset], text[offset : offset + 2]
    if sign == "=" and before.endswith(("==", "!=")):
        return _instead(text, offset, offset + 1, "", TEXTS("write", sign=before[-2:]))
    if sign == ">" and before.endswith("<"):
        return _instead(text, offset - 1, offset + 1, "!=", TEXTS("not-equal"))
    if two in ("=>", "=<"):
        return _instead(text, offset, offset + 2, f"{two[1]}=", TEXTS("two-signs", sign=two[1]))
    if sign == "=" and two != "==":
        return _instead(text, offset, offset + 1, "==", TEXTS("equals"))
    if sign in "&|" and two != sign * 2:
        return _instead(text, offset, offset + 1, sign * 2, TEXTS("doubled", sign=sign * 2))
    plain = _SIGNS.get(sign) or unicodedata.normalize("NFKC", sign)
    if not sign.isascii() and plain.isascii() and sign not in "“”„‟‘’":
        shown = TEXTS("space") if plain.isspace() else f"`{'==' if plain == '=' else plain}`"
        return _instead(text, offset, offset + 1, plain, TEXTS("write-shown", shown=shown))
    return None


def _negation(text: str, offset: int) -> _Slip | None:
    """Return the mistake that a `not` is, whose operand ends where that of Python would."""
    if (match := _NOT_BEFORE.search(text[:offset])) is not None:
        start, operand = match.start(), offset
    elif (chinese := _NOT_IN_CHINESE.match(text, offset)) is not None:
        start, operand = offset, chinese.end()
    else:
        return None
    end = operand + len(text[operand : _operand_end(text, operand)].rstrip())
    inner = text[operand:end]
    if not inner:
        return None
    written = f"!{inner}" if _is_operand(inner) else f"!({inner})"
    help = TEXTS("negation", written=written) if _can_be_shown(written) else TEXTS("negate")
    return _instead(text, start, end, written, help)


def _operand_end(text: str, start: int) -> int:
    """Return where the operand of a `not` ends: before the next logical operator beside it."""
    for depth, one in _with_depth(text, start):
        if depth < 0 or (
            depth == 0
            and (one.text in ("&&", "||", "&", "|", "?", ":", ",") or one.text.lower() in _LOGIC)
        ):
            return one.start
    return len(text)


def _is_operand(text: str) -> bool:
    """True if a text is a read, a call or in parentheses, so that `!` takes the whole of it."""
    was_value = False
    for depth, one in _with_depth(text, 0):
        is_value = one.kind in ("name", "field", "string", "number")
        if depth == 0 and ((is_value and was_value) or one.text in _BETWEEN):
            return False
        if depth == 0 and not is_value and one.text not in _IN_READS:
            return False
        was_value = is_value or one.text in (")", "]")
    return True


def _with_depth(text: str, start: int) -> Iterator[tuple[int, Token]]:
    """Yield the tokens with how many brackets are open around them."""
    depth = 0
    for one in tokens(text, start):
        if one.text in ("(", "[", "{"):
            yield depth, one
            depth += 1
            continue
        if one.text in (")", "]", "}"):
            depth -= 1
        yield depth, one


def _number_slip(text: str, offset: int) -> _Slip | None:
    """Return the mistake in a number with thousands separators or with a unit."""
    number = re.search(r"(?<![\w.])[0-9]+(?:\.[0-9]+)?(\s*)\Z", text[:offset])
    if number is None:
        return None
    if match := _THOUSANDS.match(text, offset):
        if number[1] or len(number.group()) > 3:
            return None
        whole = number.group() + match.group().replace(",", "")
        return _instead(text, number.start(), match.end(), whole, TEXTS("whole", whole=whole))
    if (unit := re.match(r"[^\W\d_]+", text[offset:])) and not (number[1] and unit[0].isascii()):
        return _Slip(TEXTS("no-unit", number=number.group().strip()), None)
    return None


def _named(text: str, offset: int, scope: TypeScope) -> _Slip | None:
    """Return the mistake of a name that is no identifier: it has to stand in brackets."""
    if not re.match(r"\w", text[offset:]) or text[offset].isascii():
        return None
    found = next((one for one in _PATH.finditer(text) if one.start() <= offset < one.end()), None)
    if found is None:
        return None
    path = tuple(key or name for key, name in _PART.findall(found.group()))
    if path[0].isascii():
        written = written_path(path)
        return _instead(
            text, found.start(), found.end(), written, TEXTS("written", written=_shown(written))
        )
    declared = path[0] in scope.data.fields()
    if path[0] in scope.steps and not declared:
        written = written_path(("steps", *path))
        if len(path) == 1:
            return _Slip(TEXTS("step-result", path=_shown(f"{written}.output")), None)
    elif not declared and re.search(r"[=!]=\s*\Z", text[: found.start()]):
        written = quote(found.group())
        help = TEXTS("quote-text", written=_shown(written))
        return _Slip(help, text[: found.start()] + written + text[found.end() :], sure=False)
    elif declared or not scope.data.is_closed():
        written = written_path(("event", "data", *path))
    else:
        return _Slip(TEXTS("nothing-called", name=path[0]), None)
    now = text[: found.start()] + written + text[found.end() :]
    return _Slip(TEXTS("did-you-mean", written=_shown(written)), now, sure=False)


def _is_outside_strings(text: str, offset: int) -> bool:
    return all(
        one.kind != "string" or not one.start <= offset < one.end for one in tokens(text[:32_768])
    )


def _shown(text: str) -> str:
    return f"`{text}`" if _can_be_shown(text) else "it"


def _can_be_shown(text: str) -> bool:
    return len(text) <= _SHORT and text.isprintable() and "`" not in text
