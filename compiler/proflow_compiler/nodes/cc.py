"""Sending a copy to people who have nothing to decide."""

from proflow_compiler.nodes.lowering import Lowering
from proflow_compiler.nodes.notify import FIELDS, lower

LOWERING = Lowering(
    type="cc",
    title="Copy",
    summary="Informs people who have nothing to decide. It does what `notify` does.",
    example='{"id": "cc", "type": "cc", "data": {"to": ["role:finance"], "content": "Order approved"}}',
    lower=lower,
    fields=FIELDS,
)
