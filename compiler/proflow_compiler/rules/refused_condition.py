"""PF409: a condition of `cancelOn` for which Inngest would refuse to register the app."""

import re
from collections.abc import Iterator

from proflow_schemas.language import Text

from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.facts import Facts
from proflow_compiler.facts.sites import listed, pointed
from proflow_compiler.rules.rule import Rule

RULE = Rule(
    code="PF409",
    name="refused-condition",
    level=Level.ERROR,
    summary="""an `if` of `cancelOn` with functions, macros, arithmetic or escaped texts, which Inngest does
not take there""",
    why="""
Inngest looks for the runs that an event cancels by comparing fields. Of functions it takes `int`,
`uint` and `double`, and no macros such as `has` or `exists`; it refuses to register the app, with all
its functions, otherwise. A field that is missing compares as false, so that `has` is not needed. A
text with an escape, such as `"a\\b"`, never matches: the server compares it unread. For the same
reason a run whose trigger holds a backslash, a double quote or an invisible character in what is
compared fails at its start, and says so. In a
stored design the service compares itself, and takes every expression.
""",
    incorrect="""
{
  "cancelOn": {"event": "order/changed", "if": "has(async.data.stop) && async.data.stop"},
  "nodes": [{"id": "begin", "type": "start"}, {"id": "done", "type": "end"}],
  "edges": [{"source": "begin", "target": "done"}]
}
""",
    correct="""
{
  "cancelOn": {"event": "order/changed", "if": "async.data.stop == true"},
  "nodes": [{"id": "begin", "type": "start"}, {"id": "done", "type": "end"}],
  "edges": [{"source": "begin", "target": "done"}]
}
""",
    fix="Compare fields with `==`, `!=`, `<`, `in` and so on; use `match` for an id in both events.",
    texts={
        "escaped": Text(
            "Inngest never matches the escaped text `{text}`",
            "Inngest 无法匹配带转义的文本 `{text}`",
        ),
        "no-escapes": Text(
            "compare with a text without backslashes and line breaks",
            "与不含反斜杠和换行的文本比较",
        ),
        "refused": Text(
            "Inngest does not take `{name}` in an `if` of `cancelOn`",
            "Inngest 不支持在 `cancelOn` 的 `if` 中使用 `{name}`",
        ),
        "compare-fields": Text(
            "compare fields by `==`, `<` or `in`: one that is missing compares as false",
            "用 `==`、`<` 或 `in` 比较字段：字段不存在时比较结果为假",
        ),
    },
)

_TEXT = re.compile(r"""r?("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""", re.DOTALL)
_CALL = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\s*\(")
_SUM = re.compile(r"[\w)\]\"']\s*([+*/%-])")
_ALLOWED = frozenset({"int", "uint", "double", "in"})


def check(facts: Facts) -> Iterator[Diagnostic]:
    if facts.stored:
        return
    design = facts.graph.design
    for cancel, pointer in listed(design.settings.cancel_on, design.pointer_to("cancelOn")):
        found = None if cancel.condition is None else _refused(cancel.condition)
        escaped = None if cancel.condition is None else _escaped(cancel.condition)
        if escaped is not None:
            yield RULE.diagnostic(
                RULE.text("escaped", text=escaped[0]),
                pointed(pointer, "if"),
                span=escaped[1],
                help=RULE.text("no-escapes"),
            )
        elif found is not None:
            yield RULE.diagnostic(
                RULE.text("refused", name=found[0]),
                pointed(pointer, "if"),
                span=found[1],
                help=RULE.text("compare-fields"),
            )


def _escaped(text: str) -> tuple[str, tuple[int, int]] | None:
    """Return the first string with an escape, and its span; the server does not decode escapes."""
    for match in _TEXT.finditer(text):
        if "\\" in match[0] and not match[0].startswith("r"):
            return match[0], match.span()
    return None


def _refused(text: str) -> tuple[str, tuple[int, int]] | None:
    """Return the first function or operator that is not allowed, and its span."""
    bare = _TEXT.sub(lambda match: "'" + " " * (len(match[0]) - 2) + "'", text)
    for match in _CALL.finditer(bare):
        if match[1] not in _ALLOWED:
            return match[1], match.span(1)
    operator = _SUM.search(bare)
    return None if operator is None else (operator[1], operator.span(1))
