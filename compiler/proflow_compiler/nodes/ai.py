"""Asking a language model."""

from collections.abc import Sequence

from proflow_schemas.definition import AnyOp, TaskOp
from proflow_schemas.nodes import Ai
from proflow_schemas.step_ids import step_id

from proflow_compiler.design import Node
from proflow_compiler.nodes.lowering import Lowering, retry_policy


def lower(node: Node) -> Sequence[AnyOp]:
    config = node.config
    assert isinstance(config, Ai)
    request = {
        "prompt": config.prompt,
        "model": config.model,
        "system": config.system,
        "output_schema": config.output_schema,
        "temperature": config.temperature,
    }
    return [
        TaskOp(
            id=step_id(node.id),
            node=node.id,
            handler="proflow:ai",
            input={key: value for key, value in request.items() if value is not None},
            retry=retry_policy(config.retry, config.retries),
        )
    ]


FIELDS = {
    "model": "the model, if not the host's default",
    "system": "the system prompt",
    "prompt": "what is asked",
    "outputSchema": "the JSON Schema of the answer",
    "temperature": "0 to 2",
    "retry": "how often it is tried",
    "retries": "in short: so many attempts after the first",
}

LOWERING = Lowering(
    type="ai",
    title="AI",
    summary="Asks a language model. With `outputSchema`, the answer is JSON of that schema.",
    example="""\
{"id": "summary", "type": "ai", "data": {"prompt": "Summarize: ${steps.read.output.text}"}}""",
    lower=lower,
    fields=FIELDS,
)
