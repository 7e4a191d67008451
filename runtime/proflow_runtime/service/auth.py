"""Identifies the user who makes a request: by the host's own function, or by a token."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from proflow_schemas.language import Text, Texts
from starlette.requests import HTTPConnection

from proflow_runtime.service.problems import Problem
from proflow_runtime.store import people, tokens

TEXTS = Texts(
    "authentication",
    {
        "needs-role": Text("this needs the role {role:raw}", "需要角色 {role:raw}"),
        "token": Text("give a valid token", "请提供有效的令牌"),
    },
)

ADMIN, DESIGNER, MEMBER = "admin", "designer", "member"
ROLES = (ADMIN, DESIGNER, MEMBER)
SUBPROTOCOL = "proflow.token."
"""Prefix of the subprotocol by which a browser sends its token when it opens a WebSocket, because
it cannot set headers there."""


@dataclass(frozen=True)
class Principal:
    """The user who makes a request.

    Attributes:
        tenant_id: The tenant that the user belongs to.
        user: The host's id of the user.
        roles: What the user may do: `admin` may do everything, `designer` may edit and publish
            designs, `member` may start runs and act on approvals. Other roles have no effect.
    """

    tenant_id: int
    user: str
    roles: frozenset[str] = frozenset()

    def require(self, *roles: str) -> None:
        """Demand one of several roles; `admin` is always sufficient.

        Args:
            *roles: The roles, one of which the user needs.

        Raises:
            Problem: If the user has none of them (403).
        """
        if self.roles.isdisjoint((ADMIN, *roles)):
            needed = " or ".join(f"`{role}`" for role in (*roles, ADMIN))
            raise Problem(403, "forbidden", TEXTS("needs-role", role=needed))


Authenticate: TypeAlias = Callable[[HTTPConnection], Awaitable[Principal]]
"""An async function that identifies the user who makes a request.

It gets the request or WebSocket, and returns a `Principal`. It raises `Problem` (401) if it cannot
identify the user.
"""


async def by_token(connection: HTTPConnection) -> Principal:
    """Identify the user by a token of the service.

    Args:
        connection: A request with a bearer token in its `Authorization` header, or a WebSocket
            with that header or the subprotocol `proflow.token.<token>`.

    Returns:
        The token's user, with the roles of the token and those of the table of people.

    Raises:
        Problem: If there is no valid token (401).
    """
    plain = _token(connection)
    found = None if plain is None else await tokens.verify(plain)
    if found is None:
        raise Problem(401, "unauthenticated", TEXTS("token"))
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
