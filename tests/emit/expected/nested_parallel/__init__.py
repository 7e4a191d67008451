"""The workflows compiled by proflow, and all their Inngest functions."""

from . import nested_parallel

FUNCTIONS = [*nested_parallel.FUNCTIONS]
