"""Internal: the node types: one module each, which says how its nodes become ops and what its page says."""

import importlib
import pkgutil

from proflow_compiler.graph.model import GraphNode
from proflow_compiler.nodes.lowering import Lowering


def _found() -> dict[str, Lowering]:
    modules = sorted(info.name for info in pkgutil.iter_modules(__path__))
    types = (importlib.import_module(f"{__name__}.{name}") for name in modules)
    lowerings = [module.LOWERING for module in types if hasattr(module, "LOWERING")]
    return {lowering.type: lowering for lowering in lowerings}


LOWERINGS: dict[str, Lowering] = _found()
"""Every node type's lowering, by its canonical name."""


def is_instant(at: GraphNode) -> bool:
    """Whether a node of a graph is over as soon as it begins."""
    return not at.drawn or at.ruled or LOWERINGS[at.node.type].instant
