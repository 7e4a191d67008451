"""Makes the fixes that replace a misspelt word, name or key.

Such a fix is safe if the given word can only be the known one with a typing error.
"""

import json
from collections.abc import Mapping
from difflib import SequenceMatcher
from typing import Any

from proflow_schemas.language import Text, Texts

from proflow_compiler.diagnostics import Edit, Fix
from proflow_compiler.diagnostics.source import escape

TEXTS = Texts(
    "spelling",
    {
        "write": Text("write `{text}`", "改为 `{text}`"),
        "rename": Text("rename the key to `{meant:raw}`", "将键改名为 `{meant:raw}`"),
    },
)

_MIN_SIMILARITY = 0.8
"""The least similarity of two words (0 to 1) of which one is the other with a typing error."""
_MAX_LENGTH_DIFFERENCE = 2
"""How many letters may be missing, or too many."""


def written(pointer: str, meant: Any, *, safe: bool = False) -> Fix:
    """Replace the value at a pointer by the one that was meant."""
    text = meant if isinstance(meant, str) else json.dumps(meant)
    return Fix(TEXTS("write", text=text), safe, (Edit("replace", pointer, meant),))


def word(pointer: str, given: str, meant: str | None) -> tuple[Fix, ...]:
    """Replace a word by the allowed one that was meant.

    The fix is safe if the word is the other one with a typing error.

    Args:
        pointer: Where the word is.
        given: The word.
        meant: The allowed word; None for no fix.
    """
    return () if meant is None else (written(pointer, meant, safe=is_typing_error(given, meant)),)


def name(pointer: str, meant: str | None) -> tuple[Fix, ...]:
    """Replace a name by that of something in the design, which may not be what was meant.

    Args:
        pointer: Where the name is.
        meant: The name of something that exists; None for no fix.
    """
    return () if meant is None else (written(pointer, meant),)


def key(pointer: str, given: str, meant: str | None) -> tuple[Fix, ...]:
    """Rename a key to the one that was meant.

    The fix is safe if the key is the other one with a typing error.

    Args:
        pointer: Where the key is.
        given: The key.
        meant: The known key; None for no fix.
    """
    if meant is None:
        return ()
    renamed = f"{pointer.rpartition('/')[0]}/{escape(meant)}"
    edit = Edit("move", renamed, source=pointer)
    return (Fix(TEXTS("rename", meant=meant), is_typing_error(given, meant), (edit,)),)


def carried(title: str, pointer: str, value: Any, meant: Mapping[str, Any]) -> Fix:
    """Replace a key and its value by other keys with their values, in the same object.

    Args:
        title: The title of the fix.
        pointer: Where the key is.
        value: Its value.
        meant: The keys and values to write instead.
    """
    above = pointer.rpartition("/")[0]
    if len(meant) > 1:
        added = (Edit("add", f"{above}/{escape(name)}", one) for name, one in meant.items())
        return Fix(title, False, (Edit("remove", pointer), *added))
    ((name, one),) = meant.items()
    target = f"{above}/{escape(name)}"
    moved = (Edit("move", target, source=pointer),)
    return Fix(title, False, moved if one == value else (*moved, Edit("replace", target, one)))


def is_typing_error(given: str, meant: str) -> bool:
    """Return True if a word is the other one with a typing error.

    Letter case, hyphens and underscores are ignored. A whole word more or less is no typing error:
    `maxRetries` is not `retries` misspelt.
    """
    one, other = _flat(given), _flat(meant)
    similar = SequenceMatcher(None, one, other).ratio() >= _MIN_SIMILARITY
    return similar and abs(len(one) - len(other)) <= _MAX_LENGTH_DIFFERENCE


def _flat(text: str) -> str:
    return text[:100].replace("_", "").replace("-", "").lower()
