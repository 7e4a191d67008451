"""Serves functions to Inngest, which may become others while the app runs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from urllib.parse import parse_qs

import httpx
import inngest
import inngest.fast_api
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from proflow_runtime.dispatch.deployment import Deployment
from proflow_runtime.service.settings import ProFlowSettings

log = logging.getLogger("proflow.service")


class Served:
    """An ASGI app for one path, and a target of a deployment.

    A request for a function that this process does not know is answered once the database has been
    asked: another process may have published it.
    """

    def __init__(
        self,
        client: inngest.Inngest,
        settings: ProFlowSettings,
        within: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """`within`: what the host's own functions are called in."""
        self._client, self._settings, self._within = client, settings, within
        self.deployment: Deployment | None = None
        self._untold: Sequence[inngest.Function[Any]] | None = None
        """What Inngest could not be told of."""
        self._app: ASGIApp = self._serving([])

    async def deploy(self, functions: Sequence[inngest.Function[Any]]) -> None:
        """Serve these, and tell Inngest; it does not have to be there now: see `catch_up`."""
        self._app = self._serving(functions)
        await self._sync(functions)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            # Where the host has mounted its own app is no matter: the SDK serves at one path.
            path = self._settings.serve_path
            scope = {**scope, "path": path, "raw_path": path.encode(), "root_path": ""}
            asked = parse_qs(scope["query_string"].decode("latin-1")).get("fnId", [""])[0]
            prefix = f"{self._client.app_id}-"
            if self.deployment is not None and asked.startswith(prefix):
                name = asked.removeprefix(prefix)
                await self.deployment.knows(name)
                if name in self.deployment.own_ids:
                    with self._within():
                        await self._app(scope, receive, send)
                    return
        await self._app(scope, receive, send)

    def _serving(
        self, functions: Sequence[inngest.Function[Any]], *, open_to_sync: bool = False
    ) -> ASGIApp:
        app = FastAPI(openapi_url=None)
        inngest.fast_api.serve(
            app,
            self._client,
            list(functions),
            serve_path=self._settings.serve_path,
            serve_origin=self._settings.serve_origin,
            enable_unauthed_sync=open_to_sync or not self._client.is_production,
        )
        return app

    async def catch_up(self) -> None:
        """Tell Inngest of the functions, if it was not there when they were deployed."""
        if self._untold is not None:
            await self._sync(self._untold)

    async def _sync(self, functions: Sequence[inngest.Function[Any]]) -> None:
        origin = self._settings.serve_origin
        if origin is None:
            return  # Inngest finds the app by itself, or is told by hand
        self._untold = functions
        # The request is our own and unsigned: it goes to an app that nobody else can reach.
        transport = httpx.ASGITransport(self._serving(functions, open_to_sync=True))
        async with httpx.AsyncClient(transport=transport, base_url=origin) as http:
            answer = await http.put(self._settings.serve_path, json={})
        if answer.is_error:
            log.warning("Inngest was not told of the functions: %s", answer.text[:500])
        elif self._untold is functions:
            self._untold = None
