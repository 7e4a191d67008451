"""Calls the SDK's request handler in this process.

The SDK exposes its handler only through integrations with web frameworks (`inngest.fast_api` and
others), which this package does not need. This module does what the FastAPI integration does, so that
functions see the same requests, and the engine the same responses, as over HTTP.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import inngest
from inngest._internal import comm_lib, server_lib

from proflow_runtime.protocol.wire import Answer, read_answer, refusal

PATH = "/api/inngest"
_URL = f"http://local{PATH}"


@dataclass(frozen=True, slots=True)
class LocalRequest:
    """What a middleware of the SDK is given as `raw_request`, in place of a web framework's request."""

    method: str
    url: str
    headers: Mapping[str, str]
    query_params: Mapping[str, str]


class SdkApp:
    """The functions, as served by the SDK's request handler."""

    def __init__(self, client: inngest.Inngest, functions: Sequence[inngest.Function[Any]]) -> None:
        self._client = client
        self._handler = comm_lib.CommHandler(
            client=client,
            enable_unauthed_sync=None,
            framework=server_lib.Framework.FAST_API,
            functions=list(functions),
            streaming=inngest.Streaming.DISABLE,
        )

    async def post(
        self, function_id: str, step: str, body: bytes, job: str, request: str
    ) -> Answer:
        """Make a request. If the app raises, the response is 500, as behind a web server."""
        headers = {
            "host": "local",
            "user-agent": "Inngest",
            "content-type": "application/json",
            "content-length": str(len(body)),
            "x-inngest-job-id": job,
            "x-inngest-step-id": step,
            "x-request-id": request,
        }
        query = {"fnId": function_id, "stepId": step}
        try:
            answer = await self._handler.post(
                comm_lib.CommRequest(
                    body=body,
                    headers=dict(headers),
                    public_path=None,
                    query_params=dict(query),
                    raw_request=LocalRequest("POST", _URL, headers, query),
                    request_url=_URL,
                    serve_origin=None,
                    serve_path=PATH,
                )
            )
            raw = self._encoded(answer)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            return refusal("CancelledError", "the function was cancelled")
        except (Exception, SystemExit) as error:
            return refusal(type(error).__name__, str(error))
        return read_answer(answer.status_code, answer.headers, raw)

    def _encoded(self, answer: comm_lib.CommResponse) -> bytes:
        """The body; one that is no JSON turns the answer into that error."""
        raw = answer.body_bytes()
        if isinstance(raw, bytes):
            return raw
        failed = comm_lib.CommResponse.from_error(self._client.logger, raw)
        answer.status_code, answer.headers = failed.status_code, failed.headers
        return json.dumps(failed.body).encode()
