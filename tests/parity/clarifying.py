"""Makes clear what grown designs leave open, as a person does who is told of it."""

import json
from random import Random

from parity.growing import Drawing
from proflow_compiler.graph import build_graph
from proflow_compiler.reader import read
from proflow_compiler.rules import run_checks

_MOST = 3
"""How often what is said of a design is heeded."""


def clarify(drawing: Drawing, random: Random) -> None:
    """Name the mode at nodes where branches meet of which one may have walked away."""
    for _ in range(_MOST):
        (design,) = read(json.dumps(drawing.json()).encode(), "design.json").designs
        found = [one.node for one in run_checks(build_graph(design)) if one.code == "PF218"]
        for name in found:
            mode = random.choice(("active", "active", "active", "all"))
            if name is not None and drawing.kind(name) == "join":
                drawing.config(name)["mode"] = mode
            elif name is not None:
                _join_before(drawing, name, mode)
        if not found:
            return


def _join_before(drawing: Drawing, name: str, mode: str) -> None:
    join = f"join{len(drawing.nodes)}"
    node = {"id": join, "type": "join", "data": {"config": {"mode": mode}}}
    place = drawing.places[join] = drawing.places[name]
    if place.parent is not None:
        node["parentId"] = place.parent
    drawing.nodes.append(node)
    for edge in drawing.edges:
        if edge["target"] == name:
            edge["target"] = join
    edge = {"id": f"e{len(drawing.edges)}", "source": join, "target": name}
    drawing.edges.append(edge)
