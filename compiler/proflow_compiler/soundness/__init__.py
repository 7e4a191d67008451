"""Internal: answers questions about all runs of a design, by graph analyses and a SAT solver."""

from proflow_compiler.soundness.formula import RunFormula, Undecided

__all__ = ["RunFormula", "Undecided"]
