"""Internal: proofs about all runs of a design, as a formula: which nodes and edges one run can take."""

from proflow_compiler.soundness.formula import RunFormula, Undecided

__all__ = ["RunFormula", "Undecided"]
