"""What is kept of inputs, outputs and texts: no secrets, and no more than is bounded."""

from typing import Any

import pytest
from proflow_runtime.status.redaction import MOST, is_secret, redacted, redacted_text, to_keep

HIDDEN = "•••"


@pytest.mark.parametrize(
    "name",
    [
        *("password", "passwordHash", "db_passwd", "X-Auth-Token", "Authorization", "apiKey"),
        *(
            "api_key",
            "client-secret",
            "access_token",
            "Set-Cookie",
            "登录密码",
            "访问令牌",
            "PRIVATE_KEY",
        ),
    ],
)
def test_fields_that_are_called_like_secrets_are(name: str) -> None:
    assert is_secret(name)
    assert redacted({"a": [{name: {"x": 1}}]}) == {"a": [{name: HIDDEN}]}
    assert redacted({name: None}) == {name: None}


@pytest.mark.parametrize("name", ["author", "amount", "key", "pass", "keyboard", "monkey", "标题"])
def test_other_fields_are_kept(name: str) -> None:
    assert redacted({name: "x"}) == {name: "x"}


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("token=abc123, retrying", f"token={HIDDEN}, retrying"),
        ('{"password": "a b", "n": 1}', f'{{"password": {HIDDEN}, "n": 1}}'),
        ("Authorization: Bearer eyJ.x-y", f"Authorization: Bearer {HIDDEN}"),
        ("postgres://bob:hunter2@db/erp is down", f"postgres://bob:{HIDDEN}@db/erp is down"),
        ("密码：abc", f"密码：{HIDDEN}"),
        ("the token has expired", "the token has expired"),
        ("KeyError: 'deep'", "KeyError: 'deep'"),
    ],
)
def test_texts_lose_what_looks_like_a_secret(text: str, kept: str) -> None:
    assert redacted_text(text) == kept


def test_values_are_bounded_and_left_as_they_are() -> None:
    value: Any = {"text": "x" * (2 * MOST), "token": "t"}
    found: Any = to_keep("n", value)
    assert found["truncated"] > 2 * MOST
    assert len(found["begin"]) == MOST
    assert value["token"] == "t"
    deep: Any = "x"
    for _ in range(500):
        deep = [deep]
    assert HIDDEN in str(to_keep("n", deep))
    assert to_keep("n", {"a": 1}, lambda node, given: {**given, "at": node}) == {"a": 1, "at": "n"}


@pytest.mark.parametrize("evil", ["token" * 4000, "token-" * 4000, "token=" * 4000, "a:" * 9000])
def test_hostile_texts_take_linear_time(evil: str) -> None:
    assert len(redacted_text(evil)) <= len(evil) + 3 * len(evil)
