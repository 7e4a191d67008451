"""Fixes that let an expression ask first whether a step that it reads is there."""

import re
from collections.abc import Iterator

from proflow_schemas.expressions import parse, template, written_path
from proflow_schemas.node_types.approval import Approval

from proflow_compiler.diagnostics import Edit, Fix
from proflow_compiler.diagnostics.design_edits import fix
from proflow_compiler.diagnostics.message_text import ticks
from proflow_compiler.facts import Facts, Read

_NULL = ("read null", "null")
_TEXT = ("read an empty text", '""')
_LIST = ("read an empty list", "[]")
_LOOSE = re.compile(r"\?|\|\|")


def guarded(
    facts: Facts, read: Read, condition: str | None = None, otherwise: str | None = None
) -> Iterator[Fix]:
    """Read something else where a step is missing, or where a condition on it does not hold.

    `otherwise` says in words that it does not.
    """
    if not read.site.spanned or _names_people(facts, read):
        return
    step = read.reference.path[:2]
    there = f"has({written_path(step)})"
    if condition is not None:
        there = f"{there} && {condition}" if read.reference.guarded else condition
    where = otherwise or f"{ticks(read.step)} is missing"
    found = _rule(read, there) if read.site.expect == "bool" else _value(facts, read, there)
    if found is not None:
        meaning, text = found
        yield fix(f"{meaning} where {where}", Edit("replace", read.site.pointer, text))


def _names_people(facts: Facts, read: Read) -> bool:
    """Whether it says who decides: that nobody does is no mend."""
    node = facts.graph.design.nodes.get(read.site.node or "")
    if node is None or not isinstance(node.config, Approval) or read.site.edge is not None:
        return False
    return read.site.pointer.startswith(node.pointer_to("approverIds"))


def _rule(read: Read, there: str) -> tuple[str, str]:
    text = read.site.text
    return (
        "let the condition not hold",
        f"{there} && {f'({text})' if _LOOSE.search(text) else text}",
    )


def _value(facts: Facts, read: Read, there: str) -> tuple[str, str] | None:
    site = read.site
    if site.form == "expression":
        return _instead(facts, read, there, site.text)
    parsed = template(site.text)
    if parsed.is_expression and site.is_text:
        return None
    meaning, text, done = "", "", 0
    for part, start in parsed.expressions:
        if _reads(part, read.step):
            found = _instead(facts, read, there, part)
            if found is None:
                return None
            meaning, text = found[0], text + site.text[done:start] + found[1]
            done = start + len(part)
    return meaning, text + site.text[done:]


def _instead(facts: Facts, read: Read, there: str, text: str) -> tuple[str, str] | None:
    """What to read instead, of a type that fits: in words, and the whole expression."""
    if read.site.expect == "list":
        values: tuple[tuple[str, str], ...] = (_LIST,)
    elif read.site.form == "template" and not template(read.site.text).is_expression:
        values = (_TEXT, _NULL)
    else:
        values = (_NULL, _TEXT)
    for meaning, value in values:
        whole = _either(there, text, value)
        if facts.is_sound(whole, read.site):
            return meaning, whole
    return None


def _either(there: str, text: str, other: str) -> str:
    text = text.strip()
    return f"{there} ? {f'({text})' if '?' in text else text} : {other}"


def _reads(text: str, step: str) -> bool:
    return any(one.path[:2] == ("steps", step) for one in parse(text).references)
