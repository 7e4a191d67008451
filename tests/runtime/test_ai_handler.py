"""The AI handler, against a server that speaks OpenAI's chat completions."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import fastapi
import inngest
import pytest
from proflow_runtime import Flow, Result, Task
from proflow_runtime.handlers import ai
from proflow_runtime.local import LocalEngine

from .conftest import Register
from .driving import start
from .serving import served

pytestmark = pytest.mark.anyio

KEY = "sk-test-4711"
SCHEMA = {
    "type": "object",
    "properties": {"score": {"type": "integer"}},
    "required": ["score"],
    "additionalProperties": False,
}


class Model:
    """A model that says what it is told to say."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.says: Any = "Hello"
        self.message: dict[str, Any] = {}
        self.refuses: fastapi.Response | None = None
        self.app = fastapi.FastAPI()
        self.app.post("/v1/chat/completions")(self.complete)

    async def complete(self, request: fastapi.Request) -> Any:
        self.requests.append(await request.json())
        if request.headers["authorization"] != f"Bearer {KEY}":
            error = {"message": f"Incorrect API key: {request.headers['authorization']}"}
            return fastapi.responses.JSONResponse({"error": error}, status_code=401)
        if self.refuses is not None:
            return self.refuses
        return {
            "id": "1", "object": "chat.completion", "created": 1, "model": "m",
            "choices": [
                {
                    "index": 0,
                    "finish_reason": "stop",
                    "message": {"role": "assistant", "content": self.says, **self.message},
                }
            ],
        }  # fmt: skip


@pytest.fixture
async def model(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Model]:
    made = Model()
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("PROFLOW_AI_MODEL", "house-model")
    async with served(made.app) as port:
        monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{port}/v1")
        yield made


def task(**input: Any) -> Task:
    return Task(input, 1, "r", "n", 1, "r:n")


async def test_a_prompt_is_answered(model: Model) -> None:
    assert await ai.complete(task(prompt="Hi")) == "Hello"
    assert model.requests == [
        {"model": "house-model", "messages": [{"role": "user", "content": "Hi"}]}
    ]


async def test_everything_configured_is_sent(model: Model) -> None:
    model.says = '{"score": 3}'
    answer = await ai.complete(
        task(prompt={"a": 1}, system="Be brief", model="big", temperature=0, output_schema=SCHEMA)
    )
    assert answer == {"score": 3}
    assert model.requests == [
        {
            "model": "big",
            "messages": [
                {"role": "system", "content": "Be brief"},
                {"role": "user", "content": '{"a":1}'},
            ],
            "temperature": 0,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "output", "schema": SCHEMA},
            },
        }
    ]


@pytest.mark.parametrize(
    ("says", "complaint"),
    [
        ("not JSON", "is not JSON"),
        ('{"score": "high"}', r"does not fit the output schema: \$\.score: `\"high\"`"),
        ("[]", "does not fit the output schema"),
        ("", "an empty answer"),
        (None, "an empty answer"),
    ],
)
async def test_an_answer_that_does_not_fit_can_be_asked_again(
    model: Model, says: str | None, complaint: str
) -> None:
    model.says = says
    with pytest.raises(RuntimeError, match=complaint):
        await ai.complete(task(prompt="Hi", output_schema=SCHEMA))


async def test_a_refusal_is_final(model: Model) -> None:
    model.message = {"refusal": "I cannot help with that"}
    with pytest.raises(inngest.NonRetriableError, match="the model refused: I cannot"):
        await ai.complete(task(prompt="Hi"))


async def test_a_wrong_schema_is_final(model: Model) -> None:
    model.says = "{}"
    with pytest.raises(inngest.NonRetriableError, match="the output schema is wrong"):
        await ai.complete(task(prompt="Hi", output_schema={"type": "nonsense"}))


@pytest.mark.parametrize(("status", "final"), [(400, True), (404, True), (408, False), (409, False),
                                               (429, False), (500, False), (503, False)])  # fmt: skip
async def test_statuses_tell_what_can_be_tried_again(
    model: Model, status: int, final: bool
) -> None:
    error = {"error": {"message": "not now"}}
    model.refuses = fastapi.responses.JSONResponse(error, status_code=status)
    with pytest.raises(inngest.NonRetriableError if final else RuntimeError, match=f"{status}"):
        await ai.complete(task(prompt="Hi"))
    assert len(model.requests) == 1


async def test_a_pause_asked_for_is_kept(model: Model) -> None:
    model.refuses = fastapi.Response(status_code=429, headers={"retry-after": "20"})
    with pytest.raises(inngest.RetryAfterError) as caught:
        await ai.complete(task(prompt="Hi"))
    assert 18 < (caught.value.retry_after - datetime.now()).total_seconds() <= 20


async def test_the_key_is_in_no_error(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-wrong-0815")
    with pytest.raises(inngest.NonRetriableError, match="answered 401") as caught:
        await ai.complete(task(prompt="Hi"))
    assert "0815" not in str(caught.value)


async def test_no_connection_can_be_tried_again(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    with pytest.raises(RuntimeError, match="the model's server: Connection error"):
        await ai.complete(task(prompt="Hi"))


@pytest.mark.parametrize("variable", ["OPENAI_API_KEY", "PROFLOW_AI_MODEL"])
async def test_what_is_not_configured_is_named(
    model: Model, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.delenv(variable)
    with pytest.raises(inngest.NonRetriableError, match=f"`{variable}`"):
        await ai.complete(task(prompt="Hi"))


async def test_a_node_asks_the_model(
    model: Model, client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result:
        await flow.ai("ask", prompt=flow.text("Summarize: ${event.data.text}"))
        return flow.end("end", output=flow.get("steps.ask.output"))

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine, {"tenant_id": 1, "text": "long"})
        assert run.output["output"] == "Hello"
        assert model.requests[0]["messages"][0]["content"] == "Summarize: long"
