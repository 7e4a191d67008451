"""The node type `http`: calls a URL."""

from typing import Literal

from proflow_schemas.configs import Duration, Retried, Text, Value
from proflow_schemas.node_types.foreign import GUARDS, TRIES, Meaning, called
from proflow_schemas.node_types.record import Words, step


class Http(Retried):
    """Calls a URL."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"] = "GET"
    url: Text
    headers: dict[str, Text] | None = None
    body: Value = None
    timeout: Duration | None = None


NODE_TYPE = step(
    name="http",
    function="http.request",
    method="http",
    title=Words("HTTP", "HTTP 请求"),
    summary=Words("Calls a URL.", "向指定网址发送 HTTP 请求。"),
    category="work",
    icon="api",
    order=80,
    aliases=("webhook",),
    elsewhere=(
        *("request", "httprequest", "api", "apicall", "rest", "restapi", "fetch"),
        *("callapi",),
    ),
    config=Http,
    fields={
        "method": Words("the HTTP method", "请求方法"),
        "url": Words("the URL", "请求网址"),
        "headers": Words("headers: name → value", "请求头：名称 → 值"),
        "body": Words("the body, sent as JSON", "请求体，以 JSON 格式发送"),
        "timeout": Words(
            "how long one attempt may take: 30 seconds by default, 15 minutes at most",
            "单次请求的最长时间：默认 30 秒，最多 15 分钟",
        ),
    },
    triggers=True,
    meanings=called("url", "uri", "endpoint", "address", "requesturl")
    | called("method", "verb", "httpmethod", "requestmethod")
    | called("body", "payload", "json", "requestbody", "postdata")
    | called("headers", "header", "requestheaders")
    | dict.fromkeys(
        ("query", "queryparams", "params", "parameters", "querystring", "searchparams"),
        Meaning("a part of `url`: `https://…?page=${event.data.page}`"),
    )
    | dict.fromkeys(
        ("auth", "authorization", "token", "bearertoken", "apikey", "authentication"),
        Meaning('`headers`, such as `"headers": {"Authorization": "…"}`'),
    )
    | TRIES
    | GUARDS,
    example="""\
{
  "id": "book",
  "type": "http",
  "data": {"method": "POST", "url": "https://erp.example/bookings", "body": {"id": "${event.data.id}"}}
}""",
    notes="""\
The output is `{"status", "headers", "body"}`. A body in JSON is parsed; numbers in it beyond
±(2^53 − 1), which Inngest would round, become texts.
""",
)
