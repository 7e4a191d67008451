"""Designs as Python values: what is wrong with one, and its definition."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from proflow_schemas.errors import ProFlowError

from proflow_compiler.diagnostics import Diagnostic, Level
from proflow_compiler.diagnostics.rendering import locate
from proflow_compiler.pipeline import Compilation, compile_reading
from proflow_compiler.reader import read


class DesignError(ProFlowError, ValueError):
    """A design that cannot be compiled.

    Attributes:
        diagnostics: Its errors, located in its JSON.
    """

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        lines = (f"{one.code} {one.name}: {one.message}" for one in self.diagnostics)
        super().__init__("; ".join(lines))


def check_design(design: Mapping[str, Any]) -> tuple[Diagnostic, ...]:
    """What `proflow check` finds in a design.

    Args:
        design: The JSON that a canvas saved, in any shape that a file may have.

    Returns:
        Errors, warnings and notes, located in the design as JSON text with an indent of two spaces.
    """
    compilation = _compiled(design)
    found = [*compilation.reading.diagnostics, *compilation.diagnostics]
    return tuple(locate(found, compilation.reading.source))


def convert_proflow_to_inngest(design: Mapping[str, Any]) -> dict[str, Any]:
    """The definition of a design: what the interpreter runs, and generated code is written from.

    Args:
        design: The JSON that a canvas saved, in any shape that a file of a single design may have.

    Returns:
        The definition as JSON; its `steps` have an `id`, the `node` they come from, and an `fn`.

    Raises:
        DesignError: The design has errors.
        ValueError: It holds several designs, or none.

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
    # Lone surrogates pass as escapes: what is wrong with the text is for the reader to say.
    return compile_reading(read(json.dumps(design, indent=2).encode(), "design.json"))
