"""Identifies the user who makes a request: by the host's own function, or by a token."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from proflow_schemas.language import Text, Texts
from starlette.requests import HTTPConnection

from proflow_runtime.context.permissions import PERMISSIONS
from proflow_runtime.service.problems import Problem
from proflow_runtime.store import people, tokens
from proflow_runtime.values import JSON

TEXTS = Texts(
    "authentication",
    {
        "needs-permission": Text(
            "this needs the permission `{permission:raw}`", "需要权限 `{permission:raw}`"
        ),
        "token": Text("give a valid token", "请提供有效的令牌"),
    },
)

SUBPROTOCOL = "proflow.token."
"""Prefix of the subprotocol by which a browser sends its token when it opens a WebSocket, because
it cannot set headers there."""


@dataclass(frozen=True)
class Principal:
    """The user who makes a request.

    Attributes:
        tenant_id: The tenant that the user belongs to.
        user: The host's id of the user.
        roles: The user's business roles, such as `finance`. Designs name them in `start.who`; they
            give no permission, whatever they are called.
        permissions: What the user may do in the API besides taking part in runs: `runs:read`,
            `designs:write`, `approvals:admin`, `tenant:admin`, `system:admin`. None includes
            another; unknown ones have no effect.
        address: The network address of the client, for the log of administration; the service
            fills it in if it is None.
    """

    tenant_id: int
    user: str
    roles: frozenset[str] = frozenset()
    permissions: frozenset[str] = frozenset()
    address: str | None = None

    def may(self, permission: str) -> bool:
        """True if the user has a permission."""
        return permission in self.permissions

    def require(self, permission: str) -> None:
        """Demand a permission.

        Args:
            permission: One of `PERMISSIONS`.

        Raises:
            Problem: If the user does not have it (403).
        """
        if permission not in PERMISSIONS:
            raise ValueError(f"there is no permission `{permission}`")
        if not self.may(permission):
            raise Problem(403, "forbidden", TEXTS("needs-permission", permission=permission))


Authenticate: TypeAlias = Callable[[HTTPConnection], Awaitable[Principal]]
"""An async function that identifies the user who makes a request.

It gets the request or WebSocket, and returns a `Principal`. It raises `Problem` (401) if it cannot
identify the user.
"""


MayStart: TypeAlias = Callable[[Principal, str, Mapping[str, JSON]], Awaitable[bool]]
"""An async function that says if a user may start a run of a workflow with some input."""


async def by_token(connection: HTTPConnection) -> Principal:
    """Identify the user by a token of the service.

    Args:
        connection: A request with a bearer token in its `Authorization` header, or a WebSocket
            with that header or the subprotocol `proflow.token.<token>`.

    Returns:
        The token's user, with the permissions of the token and the roles of the table of people.

    Raises:
        Problem: If there is no valid token (401).
    """
    plain = _token(connection)
    found = None if plain is None else await tokens.verify(plain)
    if found is None:
        raise Problem(401, "unauthenticated", TEXTS("token"))
    roles = await people.roles_of(found.tenant_id, found.user)
    permissions = frozenset(found.permissions) & frozenset(PERMISSIONS)
    return Principal(found.tenant_id, found.user, frozenset(roles), permissions)


def _token(connection: HTTPConnection) -> str | None:
    scheme, _, plain = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return plain.strip()
    for one in connection.headers.get("sec-websocket-protocol", "").split(","):
        if one.strip().startswith(SUBPROTOCOL):
            return one.strip().removeprefix(SUBPROTOCOL)
    return None
