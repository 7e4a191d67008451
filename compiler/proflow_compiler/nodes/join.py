"""Where branches meet."""

from proflow_schemas.nodes import Join

from proflow_compiler.design import Node
from proflow_compiler.nodes.lowering import Lowering, nothing


def needs(node: Node, edges: int) -> int | None:
    config = node.config
    assert isinstance(config, Join)
    enough = 1 if config.mode == "any" else config.mode
    return enough if isinstance(enough, int) and enough < edges else None


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
    needs=needs,
    notes="""\
`active`, the default, waits for the branches that were chosen. `all` and `one` promise that all of
them, or exactly one of them, are taken on every run: the compiler proves it, or prints a path on
which it is not so. `any`, or a number, goes on at the first, or at that many.
""",
)
