"""Tokens of the standalone service."""

from datetime import UTC, datetime, timedelta

import pytest
from proflow_runtime.context import clock
from proflow_runtime.store import tokens
from proflow_runtime.store.database import connection

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("database")]


async def test_a_token_says_who_somebody_is() -> None:
    assert not await tokens.are_there()
    new = await tokens.create(1, "王伟", name="laptop", permissions=["runs:read"])
    assert new.plain.startswith("pf_")
    assert len(new.plain) == tokens.LENGTH
    token = await tokens.verify(new.plain)
    assert token is not None
    assert (token.tenant_id, token.user, token.permissions) == (1, "王伟", ["runs:read"])
    assert await tokens.are_there()


async def test_a_token_is_not_kept_in_the_database() -> None:
    new = await tokens.create(1, "ann", name="laptop")
    (row,) = await connection().execute_query_dict("SELECT * FROM proflow_tokens")
    assert new.plain not in repr(dict(row))
    assert new.plain.removeprefix("pf_") not in repr(dict(row))


async def test_what_is_no_token_is_nobodys() -> None:
    plain = (await tokens.create(1, "ann", name="laptop")).plain
    wrong = ["", "pf_", plain[:-1], plain + "x", plain.swapcase(), plain[3:], "pf_" + "é" * 43]
    for text in [*wrong, "\x00" * 46, "pf_" + "\ud800" * 43, "x" * 10**6]:
        assert await tokens.verify(text) is None


async def test_tokens_expire() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    virtual = clock.VirtualClock(start)
    token = clock.activate(virtual)
    try:
        end = start + timedelta(days=1)
        plain = (await tokens.create(1, "ann", name="a day", expires_at=end)).plain
        virtual.advance_to(end - timedelta(milliseconds=1))
        assert await tokens.verify(plain) is not None
        virtual.advance_to(end)
        assert await tokens.verify(plain) is None
    finally:
        clock.deactivate(token)


async def test_a_revoked_token_is_nobodys_for_good() -> None:
    new = await tokens.create(1, "ann", name="laptop")
    assert not await tokens.revoke(2, new.token.id)
    assert await tokens.verify(new.plain) is not None
    assert await tokens.revoke(1, new.token.id)
    assert await tokens.verify(new.plain) is None
    assert not await tokens.revoke(1, new.token.id)
    page = await tokens.listed(1)
    assert [(one.name, one.revoked_at is not None) for one in page.items] == [("laptop", True)]


async def test_no_two_tokens_are_the_same() -> None:
    made = {(await tokens.create(1, "ann", name="x")).plain for _ in range(50)}
    assert len(made) == 50
