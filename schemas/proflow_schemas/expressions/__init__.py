"""Internal: CEL expressions, from their text to their value.

- `syntax`, `tokens`, `tree`, `presence`: parse a text, and find what it reads
- `checking`, `scope`, `shapes`, `declarations`, `correcting`: check an expression before it runs
- `program`, `arithmetic`, `functions`, `extent`, `large_data`: evaluate it
- `template`: `${…}` in the strings of a config
- `conditions`, `condition_checking`: structured conditions of canvases
- `foreign`, `matching`: what Inngest's server evaluates itself
- `literals`, `texts`, `wording`, `errors`: values as texts, and messages
"""

from .checking import Expected, inexact_problem, problems
from .condition_checking import condition_problems
from .conditions import OPERATORS, condition_to_cel, operator_named, unknown_operator
from .errors import ExpressionError, ExpressionProblem
from .extent import check_size
from .foreign import for_inngest, foreign_problems
from .literals import matcher_literal, quote, written_path
from .matching import compared_paths, id_forms, matched_paths, same_id, unmatched
from .program import Program, compile, value_shown
from .scope import TypeScope
from .syntax import Reference, Syntax, parse
from .template import Template, as_text, render_value, template, value_references

__all__ = [
    "OPERATORS",
    "Expected",
    "ExpressionError",
    "ExpressionProblem",
    "Program",
    "Reference",
    "Syntax",
    "Template",
    "TypeScope",
    "as_text",
    "check_size",
    "compared_paths",
    "compile",
    "condition_problems",
    "condition_to_cel",
    "for_inngest",
    "foreign_problems",
    "id_forms",
    "inexact_problem",
    "matched_paths",
    "matcher_literal",
    "operator_named",
    "parse",
    "problems",
    "quote",
    "render_value",
    "same_id",
    "template",
    "unknown_operator",
    "unmatched",
    "value_references",
    "value_shown",
    "written_path",
]
