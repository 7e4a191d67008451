"""Serves the built web page: its files, and one HTML document for all addresses inside the page."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import PlainTextResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

BUILT = Path(__file__).parent / "static"
DOCUMENT = "index.html"
ASSETS = "assets/"
"""The folder of files whose names contain a hash of their content."""
NOT_BUILT = "The web page is not part of this installation; the API is at /api.\n"
# The library antd inserts its styles into the document; they contain small images as data: URLs.
POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}


class Pages(StaticFiles):
    """Serves the files of the page, and its document for addresses without a file.

    Addresses below `api` and names with a suffix never get the document.
    """

    def __init__(self, directory: Path = BUILT) -> None:
        super().__init__(directory=directory, check_dir=False)
        self._document = directory / DOCUMENT

    async def check_config(self) -> None:
        """Skip the check of the directory: if the page is not built, requests get a 404."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        if not self._document.is_file():
            return PlainTextResponse(NOT_BUILT, 404, HEADERS)
        if path == ".":
            path = DOCUMENT
        try:
            response = await super().get_response(path, scope)
        except HTTPException as error:
            inside = path.split("/", 1)[0] != "api" and not Path(path).suffix
            if error.status_code != 404 or not inside:
                raise
            path = DOCUMENT
            response = await super().get_response(path, scope)
        kept = "public, max-age=31536000, immutable" if path.startswith(ASSETS) else "no-cache"
        response.headers.update({**HEADERS, "cache-control": kept})
        return response


def mount_pages(app: FastAPI, directory: Path = BUILT) -> None:
    """Serve the page at `/`; call it after all other routes of the application are added.

    Args:
        app: The application.
        directory: The folder of the built page.
    """
    app.mount("/", GZipMiddleware(Pages(directory)), name="pages")
