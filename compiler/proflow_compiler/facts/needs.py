"""What designs need of their host."""

from collections.abc import Iterable

from proflow_schemas.readiness import Need

from proflow_compiler.design import Design


def needs_of(designs: Iterable[Design]) -> frozenset[Need]:
    """Return everything that the nodes of some designs need of their host."""
    return frozenset(
        one.need
        for design in designs
        for node in design.nodes.values()
        for one in node.kind.needs_of(node.config)
    )
