"""Fixes of words that are spelt wrong."""

import json
from collections.abc import Mapping
from difflib import SequenceMatcher
from typing import Any

from proflow_compiler.diagnostics import Edit, Fix
from proflow_compiler.diagnostics.problems import shown
from proflow_compiler.diagnostics.source import escape

_TYPING_ERROR = 0.8
"""How alike two words are of which one must be the other, misspelt."""


_SLIP = 2
"""How many letters may be missing, or too many."""


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


def carried(title: str, pointer: str, value: Any, meant: Mapping[str, Any]) -> Fix:
    """Write other keys beside where one stands, in its place."""
    above = pointer.rpartition("/")[0]
    if len(meant) > 1:
        added = (Edit("add", f"{above}/{escape(name)}", one) for name, one in meant.items())
        return Fix(title, False, (Edit("remove", pointer), *added))
    ((name, one),) = meant.items()
    target = f"{above}/{escape(name)}"
    moved = (Edit("move", target, source=pointer),)
    return Fix(title, False, moved if one == value else (*moved, Edit("replace", target, one)))


def is_typing_error(given: str, meant: str) -> bool:
    """Whether a word is another one with a slip, whatever its letter case and its hyphens.

    A word more or less is no slip: `maxRetries` is not misspelt.
    """
    one, other = _flat(given), _flat(meant)
    alike = SequenceMatcher(None, one, other).ratio() >= _TYPING_ERROR
    return alike and abs(len(one) - len(other)) <= _SLIP


def _flat(text: str) -> str:
    return text[:100].replace("_", "").replace("-", "").lower()
