"""CEL expressions: syntax, references, types, evaluation, and `${…}` in strings."""

from .checking import Expected, problems
from .conditions import OPERATORS, condition_to_cel
from .doubles import as_doubles, double_paths
from .errors import ExpressionError, ExpressionProblem
from .extent import check_size
from .literals import matcher_literal, quote, written_path
from .program import Program, compile
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
    "as_doubles",
    "as_text",
    "check_size",
    "compile",
    "condition_to_cel",
    "double_paths",
    "matcher_literal",
    "parse",
    "problems",
    "quote",
    "render_value",
    "template",
    "value_references",
    "written_path",
]
