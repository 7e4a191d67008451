"""Internal: compares two versions of a design, and tells which runs in flight survive the change.

Idea. A run in flight continues with the new code and the memoised results of the old one: Inngest
keeps results by step id, and replays the function from its start. A *position* is a node that a run
can be waiting at; everything done before it is its *past*. A position survives if every past that
can lead to it is also a past of the new design: when the new program is replayed with the old
results, it reaches the same open steps and executes nothing on the way. This is the compliance
criterion of adaptive workflow systems (Rinderle, Reichert and Dadam, "Correctness criteria for
dynamic changes in workflow systems", 2004).

There are too many pasts to enumerate, so the decision is made node by node. Three questions are
asked once for each node of the old design:

- *activation*: does the new design start the node under the same condition? The condition is the
  set of what the edges into the node depend on: the outcomes of steps, and the rules of conditions
  up to the one that was taken. Nodes without a step (forks, joins that wait for everything on its
  way to them) are skipped over, and so are steps with a single exit that the new design no longer
  has, as nothing asks for their results. If the sets are equal, it follows by induction over the
  past that the node has started in the new design if and only if it has started in the old one.
- *done*: does its memoised result mean the same when it is replayed? The kind of step has to be the
  same, and what every replay computes again (values that rules read, the condition of a loop
  container, paths to match on) has to be unchanged.
- *open*: if a run waits at the node, does the new code expect the answer that the run waits for?

A position survives if it passes *open*, everything that can be open at the same time does too, and
everything that can be done by then passes *activation* and *done*. A node can be done by then if it
does not have to wait for the position (an early join does not) and is not on the other side of a
choice. In a loop, that includes nodes after the position, from an earlier iteration; in a
container, all nodes, from other items or iterations. No single run has all of that behind it, so
the answer can only err by calling a position unsafe that would have survived.

What comes after a position may change freely. A new step on a concurrent branch starts when the run
continues. Timers that are already set keep their time.
"""

from proflow_compiler.diff.changes import Change, changes
from proflow_compiler.diff.comparison import Comparison, compare
from proflow_compiler.diff.positions import Position
from proflow_compiler.diff.rendering import comparison_json, comparison_text

__all__ = [
    "Change",
    "Comparison",
    "Position",
    "changes",
    "compare",
    "comparison_json",
    "comparison_text",
]
