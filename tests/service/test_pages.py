"""The built page, as a browser asks for it."""

import asyncio
from pathlib import Path

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient, Response
from proflow_runtime.service.pages import mount_pages


def get(directory: Path, path: str) -> Response:
    app = FastAPI()

    @app.get("/api/known")
    async def known() -> dict[str, bool]:
        return {"known": True}

    mount_pages(app, directory)

    async def ask() -> Response:
        transport = ASGITransport(app)
        async with AsyncClient(transport=transport, base_url="http://page.test") as client:
            return await client.get(path)

    return asyncio.run(ask())


@pytest.fixture
def built(tmp_path: Path) -> Path:
    root = tmp_path / "static"
    (root / "assets").mkdir(parents=True)
    (root / "index.html").write_text("<!doctype html><title>ProFlow</title>")
    (root / "assets" / "index-1a2b.js").write_text("export {}")
    (tmp_path / "secret.txt").write_text("secret")
    return root


@pytest.mark.parametrize("path", ["/", "/index.html", "/runs/abc", "/designs/%E6%B5%81%E7%A8%8B"])
def test_every_address_of_the_page_gets_its_document(built: Path, path: str) -> None:
    found = get(built, path)
    assert found.status_code == 200
    assert "<title>ProFlow" in found.text
    assert found.headers["cache-control"] == "no-cache"
    assert "default-src 'self'" in found.headers["content-security-policy"]


def test_files_named_by_what_they_hold_are_kept(built: Path) -> None:
    found = get(built, "/assets/index-1a2b.js")
    assert "immutable" in found.headers["cache-control"]
    assert found.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path", ["/api/unknown", "/assets/gone.js", "/..%2fsecret.txt", "/%2e%2e/secret.txt"]
)
def test_what_is_no_address_of_the_page_is_not_found(built: Path, path: str) -> None:
    found = get(built, path)
    assert found.status_code == 404
    assert "secret" not in found.text


def test_the_api_is_served_beside_the_page(built: Path) -> None:
    assert get(built, "/api/known").json() == {"known": True}


def test_says_so_where_the_page_is_not_built(tmp_path: Path) -> None:
    found = get(tmp_path / "none", "/")
    assert found.status_code == 404
    assert "not part of this installation" in found.text
