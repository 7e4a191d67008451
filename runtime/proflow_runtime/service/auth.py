"""Who makes a request: what a host says, or a token."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from starlette.requests import HTTPConnection

from proflow_runtime.service.problems import Problem
from proflow_runtime.store import people, tokens

ADMIN, DESIGNER, MEMBER = "admin", "designer", "member"
ROLES = (ADMIN, DESIGNER, MEMBER)
SUBPROTOCOL = "proflow.token."
"""How a browser, which cannot set headers, names its token as it opens a WebSocket."""


@dataclass(frozen=True)
class Principal:
    """A user of a tenant. `roles`: `admin` may do everything, `designer` draws and publishes."""

    tenant_id: int
    user: str
    roles: frozenset[str] = frozenset()

    def require(self, *roles: str) -> None:
        """Raises `Problem` (403)."""
        if self.roles.isdisjoint((ADMIN, *roles)):
            needed = " or ".join(f"`{role}`" for role in (*roles, ADMIN))
            raise Problem(403, "forbidden", f"this needs the role {needed}")


Authenticate: TypeAlias = Callable[[HTTPConnection], Awaitable[Principal]]
"""Says who makes a request. Raises `Problem` (401)."""


async def by_token(connection: HTTPConnection) -> Principal:
    """A bearer token; of a WebSocket also a subprotocol `proflow.token.<token>`."""
    plain = _token(connection)
    found = None if plain is None else await tokens.verify(plain)
    if found is None:
        raise Problem(401, "unauthenticated", "give a valid token")
    roles = {*found.roles, *await people.roles_of(found.tenant_id, found.user)} & set(ROLES)
    return Principal(found.tenant_id, found.user, frozenset({MEMBER, *found.roles} | roles))


def _token(connection: HTTPConnection) -> str | None:
    scheme, _, plain = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return plain.strip()
    for one in connection.headers.get("sec-websocket-protocol", "").split(","):
        if one.strip().startswith(SUBPROTOCOL):
            return one.strip().removeprefix(SUBPROTOCOL)
    return None
