"""Compiles designs drawn in ProFlow: reads, validates, checks, lowers, emits.

What is exported here is public; all modules of the package are internal.
"""

from typing import TYPE_CHECKING

from proflow_schemas.lazy import exporting

if TYPE_CHECKING:
    from proflow_compiler.conversion import DesignError, check_design, convert_proflow_to_inngest
    from proflow_compiler.diagnostics import Diagnostic, Edit, Fix, Level, Related

__all__ = [
    "DesignError",
    "Diagnostic",
    "Edit",
    "Fix",
    "Level",
    "Related",
    "check_design",
    "convert_proflow_to_inngest",
]

__getattr__ = exporting(
    __name__,
    {
        "DesignError": "conversion",
        "Diagnostic": "diagnostics",
        "Edit": "diagnostics",
        "Fix": "diagnostics",
        "Level": "diagnostics",
        "Related": "diagnostics",
        "check_design": "conversion",
        "convert_proflow_to_inngest": "conversion",
    },
)
