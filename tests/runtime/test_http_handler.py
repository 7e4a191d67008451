"""The HTTP handler, against a real server on the loopback interface."""

import asyncio
import ipaddress
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import fastapi
import httpx
import inngest
import pytest
from proflow_runtime import Flow, Result, Retry, Task
from proflow_runtime.context.environment import HttpCalls, read
from proflow_runtime.handlers import addresses, http
from proflow_runtime.handlers.addresses import Allowed, is_public
from proflow_runtime.local import LocalEngine

from .conftest import Register
from .driving import start
from .serving import CERTIFICATE, served

pytestmark = pytest.mark.anyio


def site() -> fastapi.FastAPI:
    app = fastapi.FastAPI()
    app.state.busy = 0

    @app.api_route("/echo", methods=["GET", "POST", "PUT", "DELETE"])
    async def echo(request: fastapi.Request) -> Any:
        body = (await request.body()).decode()
        return {"method": request.method, "headers": dict(request.headers), "body": body}

    @app.get("/status/{code}")
    async def status(code: int, after: str | None = None) -> fastapi.Response:
        headers = {} if after is None else {"retry-after": after}
        return fastapi.Response("secret details", status_code=code, headers=headers)

    @app.get("/raw")
    async def raw(kind: str, text: str = "", size: int = 0) -> fastapi.Response:
        content = text.encode() if not size else b"x" * size
        if kind == "binary":
            return fastapi.Response(b"\xff\xfe\x00", media_type="application/octet-stream")
        headers = {"content-type": kind, "set-cookie": "session=1"}
        return fastapi.Response(content, headers=headers)

    @app.get("/redirect")
    async def redirect(to: str) -> fastapi.Response:
        return fastapi.responses.RedirectResponse(to)

    @app.get("/loop")
    async def loop() -> fastapi.Response:
        return fastapi.responses.RedirectResponse("/loop")

    @app.get("/slow")
    async def slow() -> fastapi.responses.StreamingResponse:
        async def drip() -> AsyncIterator[bytes]:
            for _ in range(100):
                yield b"."
                await asyncio.sleep(0.05)

        return fastapi.responses.StreamingResponse(drip())

    @app.post("/busy")
    async def busy() -> fastapi.Response:
        app.state.busy += 1
        if app.state.busy < 3:
            return fastapi.Response(status_code=503)
        return fastapi.responses.JSONResponse({"at": app.state.busy})

    return app


@pytest.fixture
async def base(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    monkeypatch.setenv("PROFLOW_HTTP_ALLOW", "127.0.0.0/8")
    async with served(site()) as port:
        yield f"http://127.0.0.1:{port}"


def task(**input: Any) -> Task:
    return Task(input, 1, "r", "n", 1, "r:n")


async def test_json_is_sent_and_parsed(base: str) -> None:
    headers = {"X-Order": "7", "x-list": [1], "Authorization": "Bearer t"}
    answer = await http.request(
        task(url=f"{base}/echo", method="POST", headers=headers, body={"a": ["é", 1]})
    )
    assert answer["status"] == 200
    assert answer["headers"]["content-type"] == "application/json"
    assert answer["body"]["method"] == "POST"
    assert json.loads(answer["body"]["body"]) == {"a": ["é", 1]}
    seen = answer["body"]["headers"]
    assert (seen["x-order"], seen["x-list"], seen["authorization"]) == ("7", "[1]", "Bearer t")
    assert seen["content-type"] == "application/json"
    assert seen["host"] == base.removeprefix("http://")


async def test_a_text_is_sent_as_it_is(base: str) -> None:
    answer = await http.request(task(url=f"{base}/echo", method="PUT", body="a=1"))
    assert answer["body"]["body"] == "a=1"
    assert answer["body"]["headers"]["content-type"].startswith("text/plain")


@pytest.mark.parametrize(
    ("kind", "text", "body"),
    [
        ("application/json", '{"a": 1}', {"a": 1}),
        ("application/problem+json", "[1.5]", [1.5]),
        ("application/json", '{"id": 9007199254740993}', {"id": "9007199254740993"}),
        (
            "application/json",
            "[9007199254740991, 9007199254740992, -3, NaN, 1e300, 0.5]",
            [9007199254740991, "9007199254740992", -3, "NaN", "1e300", 0.5],
        ),
        ("application/json", "{broken", "{broken"),
        ("text/plain; charset=utf-8", "héllo", "héllo"),
        ("text/plain; charset=nonsense", "x", {"base64": "eA=="}),
        ("application/json", "", None),
    ],
)
async def test_bodies_are_read(base: str, kind: str, text: str, body: Any) -> None:
    import urllib.parse

    query = urllib.parse.urlencode({"kind": kind, "text": text})
    answer = await http.request(task(url=f"{base}/raw?{query}"))
    assert answer["body"] == body
    assert "set-cookie" not in answer["headers"]


async def test_a_body_that_is_no_text_is_base64(base: str) -> None:
    answer = await http.request(task(url=f"{base}/raw?kind=binary"))
    assert answer["body"] == {"base64": "//4A"}


async def test_a_body_that_is_too_large_is_refused(
    base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROFLOW_HTTP_MAX_BYTES", "1000")
    await http.request(task(url=f"{base}/raw?kind=text/plain&size=1000"))
    with pytest.raises(inngest.NonRetriableError, match="more than 1,000 bytes"):
        await http.request(task(url=f"{base}/raw?kind=text/plain&size=1001"))


@pytest.mark.parametrize("code", [400, 401, 404, 409, 422])
async def test_a_refusal_is_not_repeated(base: str, code: int) -> None:
    with pytest.raises(inngest.NonRetriableError) as caught:
        await http.request(task(url=f"{base}/status/{code}"))
    assert str(caught.value) == f"GET 127.0.0.1 answered {code}"


@pytest.mark.parametrize("code", [408, 425, 429, 500, 503])
async def test_a_passing_failure_is_repeated(base: str, code: int) -> None:
    with pytest.raises(RuntimeError, match=f"answered {code}"):
        await http.request(task(url=f"{base}/status/{code}"))


async def test_retry_after_is_honoured(base: str) -> None:
    with pytest.raises(inngest.RetryAfterError) as caught:
        await http.request(task(url=f"{base}/status/429?after=30"))
    pause = caught.value.retry_after - datetime.now()
    assert timedelta(seconds=28) < pause <= timedelta(seconds=30)


def test_retry_after_may_be_a_date() -> None:
    when = datetime.now(UTC) + timedelta(hours=1)
    found = http.retry_after({"retry-after": format_datetime(when)})
    assert found is not None
    assert timedelta(minutes=59) < found <= timedelta(hours=1)
    assert http.retry_after({"retry-after": "9999999"}) == http.LONGEST_RETRY_AFTER
    assert http.retry_after({"retry-after": "soon"}) is None
    assert http.retry_after({}) is None


async def test_a_slow_answer_times_out(base: str) -> None:
    with pytest.raises(TimeoutError, match=r"GET 127\.0\.0\.1 did not answer within 0\.2 s"):
        await http.request(task(url=f"{base}/slow", timeout=0.2))


@pytest.mark.parametrize(
    "url",
    ["", "nonsense", "ftp://example.com/x", "file:///etc/passwd", "http://", "//x/y", 7, None,
     "http://[::1", "javascript:alert(1)"],
)  # fmt: skip
async def test_what_is_no_url_is_refused(url: Any) -> None:
    with pytest.raises(inngest.NonRetriableError, match="the URL is not"):
        await http.request(task(url=url))


@pytest.mark.parametrize(
    ("name", "value"),
    [("a b", "x"), ("a\r\nb", "x"), ("a", "x\r\ny: z"), ("a", "x\x00"), ("", "x")],
)
async def test_headers_cannot_be_injected(base: str, name: str, value: str) -> None:
    with pytest.raises(inngest.NonRetriableError, match="is not a valid header"):
        await http.request(task(url=f"{base}/echo", headers={name: value}))


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding"])
async def test_headers_of_the_connection_cannot_be_set(base: str, name: str) -> None:
    with pytest.raises(inngest.NonRetriableError, match="cannot be set"):
        await http.request(task(url=f"{base}/echo", headers={name: "1"}))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "[::ffff:127.0.0.1]",
                                  "127.1", "2130706433"])  # fmt: skip
async def test_this_machine_is_not_called(
    base: str, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.delenv("PROFLOW_HTTP_ALLOW")
    port = base.rpartition(":")[2]
    with pytest.raises(inngest.NonRetriableError, match="calling it is not allowed"):
        await http.request(task(url=f"http://{host}:{port}/echo"))


async def test_a_redirect_is_followed_and_checked(
    base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = await http.request(task(url=f"{base}/redirect?to=/echo"))
    assert answer["body"]["method"] == "GET"
    port = base.rpartition(":")[2]
    async with served(site()) as other:
        monkeypatch.setenv("PROFLOW_HTTP_ALLOW", "127.0.0.1/32")
        inside = f"http://127.0.0.2:{other}/echo"
        with pytest.raises(inngest.NonRetriableError, match=r"`127\.0\.0\.2` is not a public"):
            await http.request(task(url=f"http://127.0.0.1:{port}/redirect?to={inside}"))


async def test_certificates_are_checked_by_name(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with served(site(), tls=True) as port:
        with pytest.raises(RuntimeError, match="CERTIFICATE_VERIFY_FAILED"):
            await http.request(task(url=f"https://localhost:{port}/echo"))
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
        monkeypatch.setattr(addresses, "_trusted", httpx.create_ssl_context)
        answer = await http.request(task(url=f"https://localhost:{port}/echo"))
        assert answer["status"] == 200
        with pytest.raises(RuntimeError, match="CERTIFICATE_VERIFY_FAILED"):
            await http.request(task(url=f"https://127.0.0.1:{port}/echo"))


async def test_endless_redirects_are_refused(base: str) -> None:
    with pytest.raises(inngest.NonRetriableError, match=r"GET 127\.0\.0\.1"):
        await http.request(task(url=f"{base}/loop"))


async def test_a_host_without_an_address_can_be_tried_again() -> None:
    with pytest.raises(RuntimeError, match="has no address"):
        await http.request(task(url="http://nobody.invalid/"))


async def test_credentials_in_a_url_are_in_no_error(base: str) -> None:
    with_password = base.replace("//", "//me:hunter2@")
    with pytest.raises(inngest.NonRetriableError) as caught:
        await http.request(task(url=f"{with_password}/status/403"))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    ["10.1.2.3", "172.16.0.1", "192.168.1.1", "127.0.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
     "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fd00::1", "::ffff:10.0.0.1", "ff02::1",
     "2002:0a00:0001::1", "64:ff9b::7f00:1", "168.63.129.16", "192.88.99.1", "192.0.0.192", "198.18.0.1",
     "192.0.2.1", "198.51.100.1", "203.0.113.1", "240.0.0.1", "100.100.100.200", "192.175.48.1",
     "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8::1", "2001:20::1", "3fff::1", "5f00::1",
     "100::1", "fec0::1", "::10.0.0.1", "::ffff:0:10.0.0.1", "64:ff9b:1::1", "::ffff:168.63.129.16",
     "2002:a83f:8110::1", "64:ff9b::a83f:8110", "fe80::1%eth0", "fd00:ec2::254"],
)  # fmt: skip
def test_private_addresses_are_not_public(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = ipaddress.ip_address(address)
    assert not is_public(found)
    assert not Allowed.of(read(HttpCalls)).permits("x.example", found)
    monkeypatch.setenv("PROFLOW_HTTP_ALLOW_PRIVATE", "1")
    assert Allowed.of(read(HttpCalls)).permits("x", found)


def test_public_and_allowed_addresses_are_called(monkeypatch: pytest.MonkeyPatch) -> None:
    for address in ("93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822"):
        assert is_public(ipaddress.ip_address(address))
    monkeypatch.setenv("PROFLOW_HTTP_ALLOW", "10.0.0.0/8, ERP.internal")
    allowed = Allowed.of(read(HttpCalls))
    assert allowed.permits("x", ipaddress.ip_address("10.9.9.9"))
    assert allowed.permits("erp.INTERNAL", ipaddress.ip_address("192.168.0.1"))
    assert not allowed.permits("x", ipaddress.ip_address("192.168.0.1"))


async def test_a_node_calls_a_url_and_tries_again(
    base: str, client: inngest.Inngest, register: Register
) -> None:
    async def body(flow: Flow) -> Result:
        answer = await flow.http(
            "book",
            method="POST",
            url=flow.text("${event.data.base}/busy"),
            body={"n": flow.get("event.data.n")},
            retry=Retry(3, initial_interval=60),
        )
        return flow.end("end", output=answer["body"])

    async with LocalEngine(client, [register(body)]) as engine:
        run = await start(engine, {"tenant_id": 1, "base": base, "n": 1})
        assert run.output["output"] == {"at": 3}
