"""Allows `has(steps["a-1"])`, which CEL rejects: its `has` accepts only fields after a dot.

Ids with a hyphen are common, so `has(x["key"])` is rewritten to `"key" in x`. The rewritten text has the
same length, and its offsets can be mapped back to the original.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from .tokens import Token, tokens


@dataclass(frozen=True, slots=True)
class _Region:
    """One rewritten `has(…)`.

    Attributes:
        start: Where it begins, in both texts.
        end: Where it ends, in both texts.
        operand: Where `x` of `has(x["key"])` begins in the original.
        key: Where the key begins in the original.
        inner: The span of the argument in the original.
        moved_operator: Where `in` begins in the rewritten text.
        moved_operand: Where `x` begins in the rewritten text.
    """

    start: int
    end: int
    operand: int
    key: int
    inner: tuple[int, int]
    moved_operator: int
    moved_operand: int


@dataclass(frozen=True, slots=True)
class Rewriting:
    """The rewritten text for the library, and the mapping of its offsets to the original."""

    text: str
    regions: tuple[_Region, ...]

    def original(self, offset: int) -> int:
        """Return the offset in the original text that belongs to an offset in the rewritten one."""
        region = self._around(offset)
        if region is None:
            return offset
        if offset >= region.moved_operand:
            return min(offset - region.moved_operand + region.operand, region.end - 1)
        return region.key

    def presence(self, offset: int) -> tuple[int, int] | None:
        """Return the span of the argument if the `in` at this offset was a `has(…)`; else None."""
        region = self._around(offset)
        return region.inner if region and region.moved_operator == offset else None

    def _around(self, offset: int) -> _Region | None:
        at = bisect_right(self.regions, offset, key=lambda region: region.start) - 1
        return self.regions[at] if at >= 0 and offset < self.regions[at].end else None


def rewrite_presence(text: str) -> Rewriting:
    """Rewrite every `has(x["key"])` of an expression to `("key" in x)`."""
    if "has" not in text or "[" not in text:
        return Rewriting(text, ())
    found = tokens(text)
    pieces: list[str] = []
    regions: list[_Region] = []
    done = 0
    for at, token in enumerate(found):
        if token.text != "has" or token.start < done or (at and found[at - 1].text == "."):
            continue
        close = _matching(found, at + 1)
        if close is None or close - at < 6:
            continue
        opening, key, closing = found[close - 3 : close]
        if (opening.text, key.kind, closing.text) != ("[", "string", "]"):
            continue
        chain = found[at + 2 : close - 3]
        if not _is_chain(chain):
            continue
        first, last = chain[0], chain[-1]
        operand = text[first.start : opening.start]
        # A comment would hide what is moved behind it.
        if "//" in text[last.end : opening.start] or "//" in text[opening.end : closing.start]:
            continue
        replaced = f"({key.text} in {operand})"
        whole = found[close].end - token.start
        pieces += [text[done : token.start], replaced.ljust(whole)]
        operator = token.start + len(key.text) + 2
        regions.append(
            _Region(
                start=token.start,
                end=found[close].end,
                operand=first.start,
                key=key.start,
                inner=(first.start, closing.end),
                moved_operator=operator,
                moved_operand=operator + 3,
            )
        )
        done = found[close].end
    pieces.append(text[done:])
    return Rewriting("".join(pieces), tuple(regions))


def _matching(found: list[Token], at: int) -> int | None:
    if at >= len(found) or found[at].text != "(":
        return None
    depth = 0
    for index in range(at, len(found)):
        if found[index].text in ("(", "["):
            depth += 1
        elif found[index].text in (")", "]"):
            depth -= 1
            if depth == 0:
                return index
    return None


def _is_chain(found: list[Token]) -> bool:
    """True if the tokens are a name with fields, indices and calls, without operators."""
    depth = 0
    for token in found:
        if token.text in ("(", "["):
            depth += 1
        elif token.text in (")", "]"):
            depth -= 1
        elif depth == 0 and token.kind not in ("name", "field") and token.text != ".":
            return False
    return bool(found) and found[0].text != "["
