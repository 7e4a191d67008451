"""Writes definitions down: as a Python package, or as definition files."""

from proflow_compiler.emit.definition import emit_definition
from proflow_compiler.emit.python import Imports, emit_module

__all__ = ["Imports", "emit_definition", "emit_module"]
