"""CEL expressions: syntax, references, types, evaluation, and `${…}` in strings."""

from .errors import ExpressionError, ExpressionProblem
from .literals import matcher_literal, quote, written_path
from .program import Program, compile
from .syntax import Reference, Syntax, parse
from .template import Template, as_text, render_value, template, value_references

__all__ = [
    "ExpressionError",
    "ExpressionProblem",
    "Program",
    "Reference",
    "Syntax",
    "Template",
    "as_text",
    "compile",
    "matcher_literal",
    "parse",
    "quote",
    "render_value",
    "template",
    "value_references",
    "written_path",
]
