"""Internal: writes definitions as a Python package or as definition files."""

from proflow_compiler.emit.definition import emit_definition
from proflow_compiler.emit.package import HANDLERS, emit, emit_handlers
from proflow_compiler.emit.python import Imports, emit_module

__all__ = ["HANDLERS", "Imports", "emit", "emit_definition", "emit_handlers", "emit_module"]
