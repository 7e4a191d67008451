"""Internal: the compiler's part of the `proflow` command line, one module per command.

Only this package prints. The runtime adds its own commands to those of `COMMANDS`.
"""

from proflow_compiler.commands.compile import compile
from proflow_compiler.commands.diff import diff
from proflow_compiler.commands.explain import explain
from proflow_compiler.commands.graph import graph
from proflow_compiler.commands.init import init
from proflow_compiler.commands.schema import schema

COMMANDS = (compile, diff, explain, schema, graph, init)
"""The commands in the order in which `proflow --help` lists them."""
