"""Internal: the compiler's part of the `proflow` command, a module a command; nothing else prints."""

from proflow_compiler.commands.compile import compile
from proflow_compiler.commands.diff import diff
from proflow_compiler.commands.explain import explain
from proflow_compiler.commands.graph import graph
from proflow_compiler.commands.init import init
from proflow_compiler.commands.schema import schema

COMMANDS = (compile, diff, explain, schema, graph, init)
"""In the order in which help lists them."""
