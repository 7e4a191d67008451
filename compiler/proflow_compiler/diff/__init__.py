"""Internal: what changes from one design to another, and which runs in flight survive the change.

Theory. A run in flight goes on with the new code over what the old one memoised: Inngest keeps the
results of steps by their ids, and the body is played again from its start. A *position* is a node
that a run can be waiting at; everything done before it is its *past*. A position survives if every
past that can lead to it is also a past of the new design: replayed over the old memos, the new
program comes to the same open steps and executes nothing on the way. (This is the compliance
criterion of adaptive workflow systems: Rinderle, Reichert and Dadam, "Correctness criteria for
dynamic changes in workflow systems", 2004.)

Looking at all pasts would take for ever, so it is decided node by node. For each node of the old
design three questions are asked once:

- *arrival*: does the new design come to it in the same way? How a node is come to is written as the
  set of what its edges in depend on: the outcomes of steps, and the rules of conditions up to the
  one taken. Nodes without a step (forks, joins that wait for all that is on its way) are looked
  through, and so are steps with one way on that are gone from the new design, whose memos nobody
  will ask for. Equal sets: by induction over the past, a node has started in the new design if and
  only if it has in the old.
- *done*: would its memo, played again, mean the same? The kind of step is the same, and what is
  computed anew in every pass (values that rules read, what a loop container tests, paths to match
  on) has not changed.
- *open*: if a run waits at it, does the new code expect the answer that is on its way?

A position survives if it passes *open*, everything that can be open at the same time does, and
everything that can be done by then passes *arrival* and *done*. What can be done by then: what does
not have to wait for the node (an early join does not) and is not on the other side of a choice;
in a loop also what follows it there, by an earlier round; in a container everything, by other items
or rounds. That is more than any single run has behind it, so the answer errs only by calling a
position unsafe that would have survived.

What comes after a position may change freely. A step that is new beside it, on a branch of its own,
starts when the run moves on. Timers that are armed keep the time they were armed with.
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
