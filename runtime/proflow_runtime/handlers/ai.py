"""The built-in handler of `ai` nodes, for any server with OpenAI's chat completions API.

The environment variables are those of `context.environment.ModelCalls`.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import inngest
from proflow_schemas.expressions import as_text
from proflow_schemas.json_schemas import SchemaRefusedError, schema_errors
from proflow_schemas.numbers import inexact, read_integer

from proflow_runtime.context.environment import ModelCalls
from proflow_runtime.handlers.http import retry_after
from proflow_runtime.handlers.optional import read_now, require_now
from proflow_runtime.handlers.task import Task
from proflow_runtime.values import JSON
from proflow_runtime.values.schema_errors import worded

_MOST_ERRORS = 50
_AGAIN = {408, 409, 429}


async def complete(task: Task) -> JSON:
    """Ask a language model.

    Args:
        task: Its input is `{"prompt", "system", "model", "output_schema", "temperature"}`.

    Returns:
        The text of the answer; with an `output_schema`, JSON that is valid under it.

    Raises:
        NonRetriableError: If the request cannot succeed, such as without a key or a model.
        RetryAfterError: If the server asks for a pause.
        RuntimeError: For other errors, after which the step is retried.
    """
    require_now("ai", "an `ai` node")
    import openai  # optional, and takes a second to import

    config = task.input
    settings = read_now(ModelCalls)
    model = config.get("model") or settings.model
    if settings.api_key is None:
        raise inngest.NonRetriableError("no model can be asked: `OPENAI_API_KEY` is not set")
    if not model:
        raise inngest.NonRetriableError("neither the node nor `PROFLOW_AI_MODEL` names a model")
    schema = config.get("output_schema")
    request: dict[str, Any] = {"model": str(model), "messages": _messages(config)}
    if config.get("temperature") is not None:
        request["temperature"] = config["temperature"]
    if schema is not None:
        request["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "output", "schema": schema},
        }
    key, timeout = settings.api_key.get_secret_value(), settings.timeout
    try:
        async with openai.AsyncOpenAI(api_key=key, max_retries=0, timeout=timeout) as client:
            answer = await client.chat.completions.create(**request)
    except openai.APIStatusError as error:
        message = f"the model's server answered {error.status_code}: {_without(key, error.message)}"
        if error.status_code < 500 and error.status_code not in _AGAIN:
            raise inngest.NonRetriableError(message) from None
        pause = retry_after(error.response.headers)
        if pause is not None:
            raise inngest.RetryAfterError(message, pause) from None
        raise RuntimeError(message) from None
    except openai.APITimeoutError:
        raise TimeoutError(f"the model did not answer within {timeout:g} s") from None
    except openai.OpenAIError as error:
        raise RuntimeError(f"the model's server: {_without(key, str(error))}") from None
    # In a thread, since a schema may be large; its evaluation is bounded.
    return await asyncio.to_thread(_output, answer, schema)


def _messages(config: dict[str, Any]) -> list[dict[str, str]]:
    prompt = {"role": "user", "content": as_text(config.get("prompt"))}
    system = config.get("system")
    return [prompt] if system is None else [{"role": "system", "content": as_text(system)}, prompt]


def _output(answer: Any, schema: dict[str, Any] | None) -> JSON:
    if not answer.choices:
        raise RuntimeError("the model gave no answer")
    message = answer.choices[0].message
    if getattr(message, "refusal", None):
        raise inngest.NonRetriableError(f"the model refused: {message.refusal}")
    if not message.content:
        raise RuntimeError("the model gave an empty answer")
    if schema is None:
        return message.content
    try:
        output = json.loads(message.content, parse_int=read_integer)
        errors = schema_errors(output, schema, most=_MOST_ERRORS)
    except json.JSONDecodeError:
        raise RuntimeError("the model's answer is not JSON") from None
    except SchemaRefusedError as error:
        raise inngest.NonRetriableError(f"the output schema is wrong: {error}") from None
    if errors:
        from jsonschema.exceptions import best_match

        best = best_match(errors)
        raise RuntimeError(
            f"the model's answer does not fit the output schema: {best.json_path}: {worded(best)}"
        )
    if (beyond := inexact(output)) is not None:
        raise RuntimeError(
            f"the model's answer: `{beyond.pointer}`: {beyond}; let the output schema ask for a text"
        )
    return output


def _without(secret: str, text: str) -> str:
    return text.replace(secret, "***")
