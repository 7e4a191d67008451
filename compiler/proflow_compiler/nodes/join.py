"""Where branches meet."""

from proflow_schemas.nodes import Join

from proflow_compiler.design import Node
from proflow_compiler.nodes.lowering import Lowering, nothing


def early(node: Node, edges: int) -> bool:
    config = node.config
    assert isinstance(config, Join)
    if isinstance(config.mode, int):
        return config.mode < edges
    return config.mode == "any"


FIELDS = {
    "mode": "which branches it waits for",
}

LOWERING = Lowering(
    type="join",
    title="Join",
    summary="Waits for the branches that lead to it, and runs once.",
    example='{"id": "join", "type": "join", "data": {"mode": "all"}}',
    lower=nothing,
    fields=FIELDS,
    instant=True,
    early=early,
    notes="""\
`active`, the default, waits for the branches that were chosen. `all` and `one` promise that all of
them, or exactly one of them, are taken on every run: the compiler proves it, or prints a path on
which it is not so. `any`, or a number, goes on at the first, or at that many.
""",
)
