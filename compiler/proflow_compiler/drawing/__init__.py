"""Internal: draws a design as Mermaid, Graphviz DOT or SVG, optionally with the states of a run."""

from proflow_compiler.drawing.dot import dot
from proflow_compiler.drawing.figure import Figure, RunStates, StatesError, figure, run_states
from proflow_compiler.drawing.mermaid import mermaid
from proflow_compiler.drawing.svg import svg

__all__ = ["Figure", "RunStates", "StatesError", "dot", "figure", "mermaid", "run_states", "svg"]
