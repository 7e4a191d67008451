"""Fixes of words that are spelt wrong."""

import json
from difflib import SequenceMatcher
from typing import Any

from proflow_compiler.diagnostics import Edit, Fix
from proflow_compiler.problems import shown
from proflow_compiler.source import escape

_TYPING_ERROR = 0.8
"""How alike two words are of which one must be the other, misspelt."""


def written(pointer: str, meant: Any, *, safe: bool = False) -> Fix:
    """Write a value in place of the one at a pointer."""
    text = meant if isinstance(meant, str) else json.dumps(meant)
    return Fix(f"write `{shown(text)}`", safe, (Edit("replace", pointer, meant),))


def word(pointer: str, given: str, meant: str | None) -> tuple[Fix, ...]:
    """Write a word of the few that can stand at a pointer; safe if it can be no other."""
    return () if meant is None else (written(pointer, meant, safe=is_typing_error(given, meant)),)


def name(pointer: str, meant: str | None) -> tuple[Fix, ...]:
    """Write the name of something in the design, which may not be what was meant."""
    return () if meant is None else (written(pointer, meant),)


def key(pointer: str, given: str, meant: str | None) -> tuple[Fix, ...]:
    """Spell a key as it is meant; safe if it can be no other."""
    if meant is None:
        return ()
    renamed = f"{pointer.rpartition('/')[0]}/{escape(meant)}"
    edit = Edit("move", renamed, source=pointer)
    return (Fix(f"rename the key to `{meant}`", is_typing_error(given, meant), (edit,)),)


def is_typing_error(given: str, meant: str) -> bool:
    """Whether a word is another one with a slip, whatever its letter case and its hyphens."""
    one, other = _flat(given), _flat(meant)
    return SequenceMatcher(None, one, other).ratio() >= _TYPING_ERROR


def _flat(text: str) -> str:
    return text[:100].replace("_", "").replace("-", "").lower()
