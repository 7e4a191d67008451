"""Finds the known word that is meant by an unknown one, and writes the help that suggests it."""

from collections.abc import Iterable
from difflib import get_close_matches

from proflow_schemas.language import Text, Texts

TEXTS = Texts(
    "similar-words",
    {
        "did-you-mean": Text("did you mean `{close}`?", "是否想写 `{close}`？"),
    },
)


def did_you_mean(word: str, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """Return a help that suggests the known word closest to an unknown one; None if none is close.

    Args:
        word: The unknown word; its letter case is ignored.
        known: The known words.
        cutoff: The least similarity, from 0 to 1.
    """
    return meant(closest(word, known, cutoff=cutoff))


def meant(close: str | None) -> str | None:
    """Return a help that suggests a word; None without a word."""
    return TEXTS("did-you-mean", close=close) if close is not None else None


def closest(word: str, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """Return the known word closest to an unknown one; None if none is close.

    Args:
        word: The unknown word; its letter case is ignored.
        known: The known words.
        cutoff: The least similarity, from 0 to 1.
    """
    word = word.lower()[:100]
    folded = {
        one.lower(): one
        for one in known
        if len(one) <= 100 and 2 * min(len(one), len(word)) >= cutoff * (len(one) + len(word))
    }
    close = get_close_matches(word, folded, n=1, cutoff=cutoff)
    return folded[close[0]] if close else None
