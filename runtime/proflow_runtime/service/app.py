"""The standalone application of `proflow serve`.

It serves the API below `/api`, the functions for Inngest, health, metrics and the web page.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from proflow_runtime.service.facade import ProFlow
from proflow_runtime.service.health import health_router
from proflow_runtime.service.languages import language_of
from proflow_runtime.service.pages import mount_pages
from proflow_runtime.service.problems import HANDLERS, TEXTS, Problem, answer, not_found
from proflow_runtime.service.route import SECURITY_HEADERS

PREFIX = "/api"
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
DESCRIPTION = "Workflows drawn in ProFlow: designs, runs, approvals, tasks."


def standalone(proflow: ProFlow, *, functions: bool) -> FastAPI:
    """Build the application; the caller opens the database and enters `proflow.running()`.

    Args:
        proflow: The service.
        functions: True to serve the functions to an Inngest server.
    """
    metrics = proflow.metrics

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with metrics.watching(proflow):
            yield

    app = FastAPI(
        title="ProFlow",
        description=DESCRIPTION,
        version="1",
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        exception_handlers={**HANDLERS, Exception: _defect},
    )

    @app.middleware("http")
    async def measured(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        begun = time.perf_counter()
        response = await call_next(request)
        for name, value in SECURITY_HEADERS.items():
            response.headers.setdefault(name, value)
        route = request.scope.get("route")
        path = getattr(route, "path", "other")
        metrics.answered(request.method, path, response.status_code, time.perf_counter() - begun)
        return response

    @app.get("/metrics", tags=["operations"], response_model=None, response_class=PlainTextResponse)
    async def read_metrics() -> Response:
        """For Prometheus."""
        return Response(await metrics.text(), media_type=metrics.content_type)

    app.include_router(health_router(proflow))
    app.include_router(proflow.router(), prefix=PREFIX)
    if functions:
        proflow.mount(app)

    @app.api_route(PREFIX + "/{path:path}", methods=METHODS, include_in_schema=False)
    async def nothing_here(path: str) -> None:
        raise not_found("address")

    mount_pages(app)
    return app


async def _defect(request: Request, error: Exception) -> JSONResponse:
    return answer(Problem(500, "defect", TEXTS("defect")), language_of(request))
