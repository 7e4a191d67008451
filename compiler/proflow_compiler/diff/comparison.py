"""Compares two designs: what changed, and at which positions runs in flight survive."""

from collections.abc import Sequence
from dataclasses import dataclass

from proflow_schemas.definition import Definition

from proflow_compiler.design import Design
from proflow_compiler.diff.changes import Change, changes
from proflow_compiler.diff.levels import Side
from proflow_compiler.diff.positions import Position, Positions


@dataclass(frozen=True)
class Comparison:
    """The result of a comparison, in terms of the old design's positions."""

    old: Definition
    new: Definition
    changes: Sequence[Change]
    positions: Sequence[Position]

    @property
    def ok(self) -> bool:
        """True if runs survive at all positions."""
        return all(position.survives for position in self.positions)


def compare(old: tuple[Design, Definition], new: tuple[Design, Definition]) -> Comparison:
    """Compare two designs without errors, each with its definition."""
    sides = Side(*old), Side(*new)
    return Comparison(old[1], new[1], changes(old[0], new[0]), list(Positions(*sides).all()))
