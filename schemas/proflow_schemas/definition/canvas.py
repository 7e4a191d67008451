"""The drawing that a definition was compiled from, reduced to what node states are computed from."""

from proflow_schemas.definition.model import Model, Needs


class CanvasNode(Model):
    """A node; `parent` is the container it stands in.

    With a number it `needs` it goes on as soon as so many edges in are taken, with `all` only if
    all are. A node that `stops` ends the run as soon as an edge into it is taken, out of any loop. A
    `mishap` leads to nothing else, and is come to only if something goes wrong: it belongs to the
    loop that it is entered from, if that is one.
    """

    id: str
    type: str
    label: str
    parent: str | None = None
    """The container that the node is inside of."""
    needs: Needs = None
    stops: bool = False
    """True for an end that stops the run as soon as one edge into it is taken, even out of a loop."""
    mishap: bool = False
    """True for a node that is reached only if something goes wrong, and leads only to ends that stop the
    run. If it is entered from a loop, it belongs to that loop."""


class CanvasEdge(Model):
    """An edge with the outcome of its source that takes it; None: whatever the outcome.

    `back`: it leads back to a node that comes before its source.
    """

    source: str
    target: str
    outcome: str | None = None
    """The outcome of the source by which the edge is taken; None: any outcome."""
    back: bool = False
    """True for a back edge."""


class Canvas(Model):
    """The drawing, as far as status needs it: which node follows which, by which outcome."""

    nodes: list[CanvasNode]
    edges: list[CanvasEdge]
