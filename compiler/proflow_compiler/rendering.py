"""Diagnostics for people, editors and machines: text, json, sarif, github."""

from collections.abc import Iterable
from dataclasses import replace

from proflow_compiler.diagnostics import Diagnostic
from proflow_compiler.source import Extent, Source


def locate(diagnostics: Iterable[Diagnostic], source: Source) -> list[Diagnostic]:
    """Fill in lines and columns where they are missing, and put all in the order of the text."""
    found = list(diagnostics)
    unplaced = [one for one in found if one.line is None]
    if unplaced:
        extents = source.extents({one.pointer for one in unplaced})
        found = [
            _placed(one, source, extents[one.pointer]) if one.line is None else one for one in found
        ]
    return sorted(found, key=_order)


def _placed(diagnostic: Diagnostic, source: Source, extent: Extent) -> Diagnostic:
    start, end = extent.start, extent.end
    if diagnostic.on_key and extent.key is not None:
        start, end = extent.key
    elif diagnostic.span is not None:
        start, end = source.within(extent, diagnostic.span)
    place = source.position(start, end)
    return replace(
        diagnostic,
        line=place.line,
        column=place.column,
        end_line=place.end_line,
        end_column=place.end_column,
    )


def _order(diagnostic: Diagnostic) -> tuple[int, int, str, str]:
    return (diagnostic.line or 0, diagnostic.column or 0, diagnostic.code, diagnostic.message)
