"""Fixes that guard the read of a step that may be missing: `has(steps.x) ? steps.x.output : null`."""

import re
from collections.abc import Iterator

from proflow_schemas.expressions import parse, template, written_path
from proflow_schemas.language import Text, Texts
from proflow_schemas.node_types.approval import Approval

from proflow_compiler.diagnostics import Edit, Fix
from proflow_compiler.diagnostics.design_edits import fix
from proflow_compiler.facts import Facts, Read

TEXTS = Texts(
    "guarding",
    {
        "null": Text("read null", "读取 null"),
        "empty-text": Text("read an empty text", "读取空文本"),
        "empty-list": Text("read an empty list", "读取空列表"),
        "missing": Text("`{step}` is missing", "`{step}` 不存在"),
        "guard": Text("{meaning:raw} where {where:raw}", "{where:raw}时{meaning:raw}"),
        "not-hold": Text("let the condition not hold", "条件不成立"),
    },
)

_NULL = (TEXTS("null"), "null")
_TEXT = (TEXTS("empty-text"), '""')
_LIST = (TEXTS("empty-list"), "[]")
_LOOSE = re.compile(r"\?|\|\|")


def guard_read(
    facts: Facts, read: Read, condition: str | None = None, otherwise: str | None = None
) -> Iterator[Fix]:
    """Yield the fix that reads another value if a step is missing, or if a condition does not hold.

    Args:
        facts: The facts of the design.
        read: The read to guard.
        condition: A CEL condition that has to hold for the read; None: the step has to be there.
        otherwise: Words for the case that the condition does not hold, for the title.
    """
    if not read.site.spanned or _names_people(facts, read):
        return
    step = read.reference.path[:2]
    there = f"has({written_path(step)})"
    if condition is not None:
        there = f"{there} && {condition}" if read.reference.guarded else condition
    where = otherwise or TEXTS("missing", step=read.step)
    found = _rule(read, there) if read.site.expect == "bool" else _value(facts, read, there)
    if found is not None:
        meaning, text = found
        yield fix(
            TEXTS("guard", meaning=meaning, where=where), Edit("replace", read.site.pointer, text)
        )


def _names_people(facts: Facts, read: Read) -> bool:
    """Return True if the expression names the approvers, as an approval without any is no fix."""
    node = facts.graph.design.nodes.get(read.site.node or "")
    if node is None or not isinstance(node.config, Approval) or read.site.edge is not None:
        return False
    return read.site.pointer.startswith(node.pointer_to("approverIds"))


def _rule(read: Read, there: str) -> tuple[str, str]:
    """Return the meaning and the text of a rule that does not hold without the step."""
    text = read.site.text
    return (
        TEXTS("not-hold"),
        f"{there} && {f'({text})' if _LOOSE.search(text) else text}",
    )


def _value(facts: Facts, read: Read, there: str) -> tuple[str, str] | None:
    """Return the meaning and the text of an expression or template with another value instead."""
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
    """Guard an expression by a fallback whose type fits; return the meaning and the new text."""
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
