"""Real servers on the loopback interface."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import fastapi
import uvicorn

CERTIFICATE = Path(__file__).parent / "certificates" / "localhost.pem"


@asynccontextmanager
async def served(app: fastapi.FastAPI, *, tls: bool = False) -> AsyncIterator[int]:
    """An app on a free port of 127.0.0.1; with `tls` as `localhost`, by its own certificate."""
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=0,
        log_level="critical",
        lifespan="off",
        ssl_certfile=CERTIFICATE if tls else None,
        ssl_keyfile=CERTIFICATE.with_suffix(".key") if tls else None,
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.005)
        if task.done():
            task.result()
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await task
