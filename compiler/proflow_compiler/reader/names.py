"""Normalises ids: reads them as strings, and makes those of designs safe.

A safe id is valid as the id of an Inngest function and, with underscores for hyphens, as the name
of a Python module.
"""

import hashlib
import keyword
import re
import unicodedata
from pathlib import PurePath
from typing import Any

from anyascii import anyascii

MAX_NAME = 64
"""The longest safe id. Longer ids are cut, and a digest of the whole keeps them distinct."""


def safe_id(text: str) -> str:
    """Make a readable id of ASCII letters, digits, `-` and `_` that begins with a letter.

    `采购审批` becomes `cai-gou-shen-pi-…`: it is transliterated, and a digest of the text is added
    because other words may sound the same.
    """
    plain = unicodedata.normalize("NFC", text)
    if plain.isascii():
        name = re.sub(r"[^A-Za-z0-9_-]+", "-", plain)
    else:
        spelt = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", anyascii(plain)).lower()
        name = re.sub(r"[^a-z0-9_-]+", "-", spelt).strip("-_") or "design"
        name = f"{name[: MAX_NAME - 7].rstrip('-_')}-{_digest(plain)}"
    name = name.strip("-_")
    if len(name) > MAX_NAME:
        name = f"{name[: MAX_NAME - 7].rstrip('-_')}-{_digest(plain)}"
    if not name:
        name = f"design-{_digest(plain)}"
    module = name.replace("-", "_")
    if not name[0].isalpha():
        name = f"design-{name}"
    elif keyword.iskeyword(module) or keyword.issoftkeyword(module):
        name = f"{name}-design"
    return name


def stem(path: str) -> str:
    """Return a file's name without folders and endings: `expenses.design.json` → `expenses`."""
    name = PurePath(path).name
    for ending in (".json", ".design", ".proflow", ".flow"):
        if name.lower().endswith(ending) and len(name) > len(ending):
            name = name[: -len(ending)]
    return name


def as_id(value: Any) -> str | None:
    """Return an id, which some canvases write as a number, as a string; None if it is invalid."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:6]
