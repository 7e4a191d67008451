"""Answers over HTTP in the language that a request accepts."""

from typing import Any

import httpx
import pytest
from language.test_catalogue import ENGLISH, without_code
from service.house import house
from stored.office import line

pytestmark = pytest.mark.anyio
CHINESE = {"accept-language": "zh-CN,zh;q=0.9,en;q=0.5"}
LEAVE = line("leave", ("nap", "delay", {"duration": "1h"}))
BROKEN: dict[str, Any] = {
    "nodes": [{"id": "a", "type": "start"}, {"id": "b", "type": "aprove"}],
    "edges": [],
}


def is_chinese(text: str) -> bool:
    return not ENGLISH.search(without_code(text)) and any("一" <= one <= "鿿" for one in text)


async def test_diagnostics_are_said_in_the_language_of_the_request(database: str) -> None:
    async with house() as at:
        designer = await at.user("ann", 1, "designs:write")
        for path in ("/api/designs/check", "/api/designs/drawing"):
            english, chinese = [
                (await designer.post(path, json={"design": BROKEN}, headers=headers)).json()
                for headers in ({}, CHINESE)
            ]
            assert english["diagnostics"]
            for one, other in zip(english["diagnostics"], chinese["diagnostics"], strict=True):
                assert one["message"] != other["message"]
                assert is_chinese(other["message"])
                assert one["key"] == other["key"]
                assert one["arguments"] == other["arguments"]
                assert {**one, "message": "", "help": "", "fixes": []} == {
                    **other,
                    "message": "",
                    "help": "",
                    "fixes": [],
                }


async def test_refusals_are_said_in_the_language_of_the_request(database: str) -> None:
    async with house() as at:
        designer = await at.user("ann", 1, "designs:write")
        created = await designer.post("/api/designs", json={"design": LEAVE})
        assert created.status_code == 201
        broken = {"design": BROKEN, "code": "broken"}
        assert (await designer.post("/api/designs", json=broken)).status_code == 201

        async def refused(method: str, path: str, **more: Any) -> httpx.Response:
            answer = await designer.request(method, path, headers=CHINESE, **more)
            problem = answer.json()
            assert answer.status_code >= 400, path
            assert answer.headers["content-language"] == "zh"
            for text in (problem["title"], problem["detail"]):
                assert is_chinese(text), text
            for one in problem.get("errors") or ():
                assert is_chinese(one["message"]), one
            for one in problem.get("diagnostics") or ():
                assert is_chinese(one["message"]), one
            return answer

        await refused("get", "/api/nowhere")
        await refused("get", "/api/runs/nowhere")
        await refused("post", "/api/designs", json={"design": LEAVE})
        await refused("post", "/api/designs/broken/publish")
        await refused("post", "/api/designs", json={})
        await refused("post", "/api/designs", content=b'{"design": NaN}')
        await refused("post", "/api/runs", json={"workflow": "nothing"})
        await refused("post", "/api/approvals/7/acts", json={"act": "approve"})
        english = await designer.get("/api/runs/nowhere")
        assert english.json()["detail"] == "there is no such run"
        assert english.headers["content-language"] == "en"
