"""Reports keys of structured conditions that nothing reads (PF320)."""

from typing import Any

from proflow_schemas.expressions.conditions import NOTES
from proflow_schemas.language import Text, Texts

from proflow_compiler.diagnostics import Level
from proflow_compiler.diagnostics.problems import Problems
from proflow_compiler.diagnostics.source import escape
from proflow_compiler.reader.canvas_keys import is_of_the_screen
from proflow_compiler.reader.unread_keys import is_empty

TEXTS = Texts(
    "unread-conditions",
    {
        "unread": Text(
            "nothing reads `{key}` in the condition of the edge `{edge_key}`",
            "连线 `{edge_key}` 的条件中，`{key}` 不会被读取",
        ),
        "condition": Text(
            "a condition has `field`, `operator` and `value`",
            "条件包含 `field`、`operator` 和 `value`",
        ),
        "group": Text(
            "a group has `logic`, `and` or `or`, and `conditions`",
            "条件组包含 `logic`（`and` 或 `or`）和 `conditions`",
        ),
    },
)

_COMPARED = frozenset({"field", "operator", "op", "comparator", "value"})
_GROUPED = frozenset(
    {"all", "and", "&&", "every", "any", "or", "||", "some", "not", "logic", "combinator"}
    | {"logicalOperator", "logical_operator", "conjunction", "conditions", "rules", "children"}
    | {"items", "operator", "type"}
)


def of_condition(value: Any, pointer: str, edge_key: str, problems: Problems) -> None:
    """Report the keys of a structured condition that nothing reads.

    Args:
        value: The condition.
        pointer: Where it is.
        edge_key: How diagnostics name its edge.
        problems: Collects the problems.
    """
    stack = [(value, pointer)]
    while stack:
        one, at = stack.pop()
        if isinstance(one, list):
            stack += [(member, f"{at}/{index}") for index, member in enumerate(one)]
        if not isinstance(one, dict):
            continue
        compared = "field" in one
        for key, member in one.items():
            below = f"{at}/{escape(key)}"
            if not compared and isinstance(member, list | dict) and key in _GROUPED:
                stack.append((member, below))
            read = key in (_COMPARED if compared else _GROUPED)
            if read or key in NOTES or is_empty(member) or is_of_the_screen(key):
                continue
            if not compared and isinstance(member, str) and member.lower() in _GROUPED:
                continue
            problems.add(
                "PF320",
                TEXTS("unread", key=key, edge_key=edge_key),
                below,
                level=Level.WARNING,
                edge=edge_key,
                on_key=True,
                help=TEXTS("condition") if compared else TEXTS("group"),
            )
