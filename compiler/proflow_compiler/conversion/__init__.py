"""Internal: check and compile designs that are given as Python values, as `json.loads` returns them.

`check_design` returns the diagnostics of a design. `convert_proflow_to_inngest` returns its
definition.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from proflow_schemas.errors import ProFlowError

from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.diagnostics.rendering import locate
from proflow_compiler.pipeline import Compilation, compile_reading
from proflow_compiler.reader import read


class DesignError(ProFlowError, ValueError):
    """The design has errors and cannot be compiled.

    Attributes:
        diagnostics: The errors, with lines and columns in the design as JSON text with an indent of
            two spaces.
    """

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        lines = (f"{one.code} {one.name}: {one.message}" for one in self.diagnostics)
        super().__init__("; ".join(lines))


def check_design(design: Mapping[str, Any]) -> tuple[Diagnostic, ...]:
    """Check a design as `proflow check` does.

    Args:
        design: The JSON that a canvas saved, in any shape that a file may have.

    Returns:
        Errors, warnings and notes. Their lines and columns refer to the design as JSON text with an
        indent of two spaces.
    """
    compilation = _compiled(design)
    found = [*compilation.reading.diagnostics, *compilation.diagnostics]
    return tuple(locate(found, compilation.reading.source))


def convert_proflow_to_inngest(design: Mapping[str, Any]) -> dict[str, Any]:
    """Compile a design to its definition.

    The interpreter runs the definition, and Python modules are generated from it.

    Args:
        design: The JSON that a canvas saved, in any shape that a file of a single design may have.

    Returns:
        The definition as JSON. Each of its `steps` has an `id`, the `node` that it comes from, and
        an `fn`.

    Raises:
        DesignError: The design has errors.
        ValueError: `design` holds several designs, or none.

    Example:
        ```python
        definition = convert_proflow_to_inngest(json.loads(Path("leave.json").read_bytes()))
        assert {step["id"] for step in definition["steps"]} == {"manager", "book", "end"}
        ```
    """
    compilation = _compiled(design)
    found = [*compilation.reading.diagnostics, *compilation.diagnostics]
    errors = [one for one in found if one.level is Level.ERROR]
    if errors:
        raise DesignError(locate(errors, compilation.reading.source))
    if len(compilation.definitions) != 1:
        raise ValueError(f"one design is converted at a time, not {len(compilation.definitions)}")
    loaded: dict[str, Any] = json.loads(compilation.definitions[0].to_json())
    return loaded


def _compiled(design: Mapping[str, Any]) -> Compilation:
    # `json.dumps` escapes lone surrogates, so that the reader can report them.
    return compile_reading(read(json.dumps(design, indent=2).encode(), "design.json"))
