"""Serves functions to Inngest; the set of functions can change while the application runs."""

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
from proflow_runtime.service.body_limit import call_within
from proflow_runtime.service.settings import ProFlowSettings

log = logging.getLogger("proflow.service")


class FunctionServer:
    """An ASGI application for one path, and the target of a deployment.

    If Inngest calls a function that this process does not know, the database is read first, because
    another process may have published it.
    """

    def __init__(
        self,
        client: inngest.Inngest,
        settings: ProFlowSettings,
        within: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """Create the application, which serves no functions yet.

        Args:
            client: The Inngest client of the functions.
            settings: The settings of the service.
            within: Returns the context in which the host's own functions are called.
        """
        self._client, self._settings, self._within = client, settings, within
        self.deployment: Deployment | None = None
        self._unregistered: Sequence[inngest.Function[Any]] | None = None
        """Functions that could not be registered with Inngest yet."""
        self._app: ASGIApp = self._serving([])

    async def deploy(self, functions: Sequence[inngest.Function[Any]]) -> None:
        """Serve functions from now on, and register them with Inngest.

        If Inngest cannot be reached, `catch_up` registers them later.

        Args:
            functions: All functions of the application.
        """
        self._app = self._serving(functions)
        await self._sync(functions)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            # The SDK serves at one path, wherever the host has mounted its own application.
            path, most = self._settings.serve_path, self._settings.max_call
            scope = {**scope, "path": path, "raw_path": path.encode(), "root_path": ""}
            called = parse_qs(scope["query_string"].decode("latin-1")).get("fnId", [""])[0]
            prefix = f"{self._client.app_id}-"
            if self.deployment is not None and called.startswith(prefix):
                name = called.removeprefix(prefix)
                await self.deployment.knows(name)
                if name in self.deployment.own_ids:
                    with self._within():
                        await call_within(self._app, scope, receive, send, most)
                    return
            await call_within(self._app, scope, receive, send, most)
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
        """Register the functions with Inngest, if that has failed when they were deployed."""
        if self._unregistered is not None:
            await self._sync(self._unregistered)

    async def _sync(self, functions: Sequence[inngest.Function[Any]]) -> None:
        origin = self._settings.serve_origin
        if origin is None:
            return  # Inngest finds the application by itself, or somebody registers it by hand
        self._unregistered = functions
        # This request is not signed, so it goes to an application that nobody else can reach.
        transport = httpx.ASGITransport(self._serving(functions, open_to_sync=True))
        async with httpx.AsyncClient(transport=transport, base_url=origin) as http:
            answer = await http.put(self._settings.serve_path, json={})
        if answer.is_error:
            log.warning("the functions were not registered with Inngest: %s", answer.text[:500])
        elif self._unregistered is functions:
            self._unregistered = None
