"""Compiles designs drawn in ProFlow: validates, checks, lowers, emits."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from proflow_compiler.diagnostics import Diagnostic

__all__ = ["DesignError", "convert_proflow_to_inngest"]


class DesignError(ValueError):
    """A design that cannot be compiled; `diagnostics` say why, located in its JSON."""

    def __init__(self, diagnostics: "Sequence[Diagnostic]") -> None:
        self.diagnostics = tuple(diagnostics)
        lines = (f"{one.code} {one.name}: {one.message}" for one in self.diagnostics)
        super().__init__("; ".join(lines))


def convert_proflow_to_inngest(design: Mapping[str, Any]) -> dict[str, Any]:
    """The definition of a design, as JSON: its `steps` have an `id`, the `node` and an `fn`.

    Takes any shape that a file may have, of a single design. Raises `DesignError`.
    """
    # Imported here so that a module of the package can be imported without all the others.
    import json

    from proflow_compiler.diagnostics import Level
    from proflow_compiler.pipeline import compile_reading
    from proflow_compiler.reader import read
    from proflow_compiler.rendering import locate

    # Lone surrogates pass as escapes: what is wrong with the text is for the reader to say.
    compilation = compile_reading(read(json.dumps(design).encode(), "design.json"))
    found = [*compilation.reading.diagnostics, *compilation.diagnostics]
    errors = [one for one in found if one.level is Level.ERROR]
    if errors:
        raise DesignError(locate(errors, compilation.reading.source))
    if len(compilation.definitions) != 1:
        raise ValueError(f"one design is converted at a time, not {len(compilation.definitions)}")
    loaded: dict[str, Any] = json.loads(compilation.definitions[0].to_json())
    return loaded
