"""The drawing that a definition was compiled from, reduced to what node states are computed from."""

from proflow_schemas.definition.model import Model, Needs


class CanvasNode(Model):
    """A node of the drawing.

    If `needs` is a number, the node runs as soon as that many incoming edges are taken; if `needs` is `all`,
    only if all are.
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
    """An edge of the drawing."""

    source: str
    target: str
    outcome: str | None = None
    """The outcome of the source by which the edge is taken; None: any outcome."""
    back: bool = False
    """True for a back edge."""


class Canvas(Model):
    """The drawing, reduced to what node states need: which node follows which, by which outcome."""

    nodes: list[CanvasNode]
    edges: list[CanvasEdge]
