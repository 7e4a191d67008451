"""Fixes that let an expression ask first whether a step that it reads is there."""

import re
from collections.abc import Iterator

from proflow_schemas.expressions import parse, template, written_path
from proflow_schemas.nodes import Approval

from proflow_compiler.checks.facts import Facts, Read
from proflow_compiler.checks.wording import ticks
from proflow_compiler.diagnostics import Edit, Fix
from proflow_compiler.fixes.making import fix

_TEXTS = ("outcome", "decidedBy", "comment")
_LOOSE = re.compile(r"\?|\|\|")


def guarded(facts: Facts, read: Read, condition: str | None = None) -> Iterator[Fix]:
    """Read something else where a step is missing, or where a condition on it does not hold."""
    if not read.site.spanned or _names_people(facts, read):
        return
    step = read.reference.path[:2]
    there = f"has({written_path(step)})"
    if condition is not None:
        there = f"{there} && {condition}" if read.reference.guarded else condition
    where = f"{ticks(read.step)} is missing" if condition is None else f"not `{condition}`"
    found = _rule(read, there) if read.site.expect == "bool" else _value(read, there)
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
    return "let it not hold", f"{there} && {f'({text})' if _LOOSE.search(text) else text}"


def _value(read: Read, there: str) -> tuple[str, str] | None:
    site = read.site
    if site.form == "expression":
        meaning, other = ("read an empty list", "[]") if site.expect == "list" else _other(read)
        return meaning, _either(there, site.text, other)
    parsed = template(site.text)
    if parsed.is_expression and site.is_text:
        return None
    meaning, other = _other(read) if parsed.is_expression else ("write nothing", '""')
    text, done = "", 0
    for part, start in parsed.expressions:
        if _reads(part, read.step):
            text += site.text[done:start] + _either(there, part, other)
            done = start + len(part)
    return meaning, text + site.text[done:]


def _other(read: Read) -> tuple[str, str]:
    """What is read instead: of the type that the step's field has, if that is known."""
    if read.reference.path[2:3] and read.reference.path[2] in _TEXTS:
        return "read an empty text", '""'
    return "read null", "null"


def _either(there: str, text: str, other: str) -> str:
    text = text.strip()
    return f"{there} ? {f'({text})' if '?' in text else text} : {other}"


def _reads(text: str, step: str) -> bool:
    return any(one.path[:2] == ("steps", step) for one in parse(text).references)
