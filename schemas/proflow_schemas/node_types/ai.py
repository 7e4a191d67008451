"""The node type `ai`: asks a language model."""

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from proflow_schemas.configs import Retried, Text
from proflow_schemas.node_types.foreign import GUARDS, TRIES, called
from proflow_schemas.node_types.record import RETRY_FIELDS, Words, step
from proflow_schemas.readiness import Need, NodeNeed


class Ai(Retried):
    """Asks a language model."""

    prompt: Text
    model: Text | None = None
    system: Text | None = None
    output_schema: dict[str, Any] | None = None
    temperature: float | None = Field(default=None, ge=0, le=2)


def _output(config: Ai) -> Any:
    return config.output_schema


def _needs(config: Ai) -> Iterator[NodeNeed]:
    yield NodeNeed(Need("model", config.model or ""), "model")


NODE_TYPE = step(
    name="ai",
    function="ai.complete",
    method="ai",
    title=Words("AI", "AI"),
    summary=Words(
        "Asks a language model. With `outputSchema`, the answer is JSON of that schema.",
        "调用大语言模型。设置 `outputSchema` 后，返回符合该结构的 JSON。",
    ),
    category="work",
    icon="robot",
    order=70,
    aliases=("llm",),
    elsewhere=(
        *("agent", "aiagent", "llmchain", "openai", "gpt", "chat", "chatmodel"),
        *("completion", "prompt", "chatopenai", "大模型"),
    ),
    config=Ai,
    fields={
        "model": Words(
            "the model; the host's default if not set", "使用的模型；未设置时使用默认模型"
        ),
        "system": Words("the system prompt", "系统提示词"),
        "prompt": Words("the prompt", "发送给模型的提示词"),
        "outputSchema": Words("the JSON Schema of the answer", "回答的 JSON Schema"),
        "temperature": Words("the sampling temperature, 0 to 2", "采样温度，取值 0 到 2"),
        **RETRY_FIELDS,
    },
    for_output=True,
    output=_output,
    needs=_needs,
    meanings=called("model", "modelname", "modelid", "llm")
    | called("system", "systemprompt", "systemmessage", "instructions")
    | called("prompt", "userprompt", "question", "query", "prompttemplate", "usermessage")
    | called("outputSchema", "responseschema", "jsonschema", "responseformat")
    | called("temperature", "temp")
    | TRIES
    | GUARDS,
    example="""\
{"id": "summary", "type": "ai", "data": {"prompt": "Summarize: ${steps.read.output.text}"}}""",
)
