"""Says what designs need and the host lacks, when they are checked and published."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import inngest
from proflow_schemas.node_types.notify import IN_APP
from proflow_schemas.readiness import Lack, Lacks, Need

from proflow_runtime.approvals.resolving import ApproverSpec, Resolver, why_nobody
from proflow_runtime.context.environment import Ai, Smtp
from proflow_runtime.context.extras import is_installed
from proflow_runtime.handlers.channels import Channels
from proflow_runtime.handlers.optional import read_now
from proflow_runtime.service.notifications import recipient
from proflow_runtime.store import designs


class Readiness(Protocol):
    """Knows what the host can do; `HostReadiness` is the default."""

    async def lacks(self, tenant_id: int, needs: Iterable[Need]) -> Lacks:
        """Find what of a design's needs the host cannot meet.

        Args:
            tenant_id: The tenant of the design.
            needs: What the design needs.

        Returns:
            The needs that are not met, each with the reason.
        """
        ...


class HostReadiness:
    """Looks at the channels, the resolver, the published workflows and the environment."""

    def __init__(self, resolver: Resolver, channels: Channels | None) -> None:
        """Create it.

        Args:
            resolver: Knows who exists, if it is a `Directory`.
            channels: The registered channels; None if they are not known.
        """
        self._resolver, self._channels = resolver, channels

    async def lacks(self, tenant_id: int, needs: Iterable[Need]) -> Lacks:
        """Find what the host cannot meet, as `Readiness.lacks` describes."""
        found = {}
        for need in needs:
            lack = await self._lack(tenant_id, need)
            if lack is not None:
                found[need] = lack
        return found

    async def _lack(self, tenant_id: int, need: Need) -> Lack | None:
        match need.kind:
            case "mail" | "model":
                try:
                    return self._mail() if need.kind == "mail" else self._model(need.name)
                except inngest.NonRetriableError as error:  # a variable cannot be read
                    return Lack(str(error), "correct it where the service runs", passing=True)
            case "channel":
                return self._channel(need.name)
            case "approver":
                return await self._approver(tenant_id, need.name)
            case "recipient":
                reason = await why_nobody(self._resolver, tenant_id, recipient(need.name))
                return None if reason is None else Lack(reason, "name somebody else", passing=True)
            case "workflow":
                if await designs.published(tenant_id, need.name) is not None:
                    return None
                return Lack(f"the workflow `{need.name}` is not published", "publish it first")

    def _channel(self, name: str) -> Lack | None:
        if self._channels is None or name == IN_APP or name in self._channels:
            return None
        known = ", ".join(f"`{one}`" for one in sorted({*self._channels.names(), IN_APP}))
        return Lack(
            f"the channel `{name}` is not registered",
            f"register it with `register_channel`, or use one of {known}",
        )

    def _mail(self) -> Lack | None:
        if self._channels is not None and self._channels.find("email") is not None:
            return None  # the host sends e-mail by a handler of its own
        if not is_installed("email"):
            return None  # then the channel is missing too, which is reported
        found = read_now(Smtp)
        if found.host is not None and found.sender is not None:
            return None
        missing = "PROFLOW_SMTP_HOST" if found.host is None else "PROFLOW_SMTP_FROM"
        return Lack(
            f"e-mail cannot be sent: `{missing}` is not set",
            "set it where the service runs",
            passing=True,
        )

    def _model(self, name: str) -> Lack | None:
        if not is_installed("ai"):
            return Lack(
                "no model can be asked: the extra `ai` is not installed",
                "install `proflow-inngest[ai]` where the service runs",
                passing=True,
            )
        settings = read_now(Ai)
        if settings.api_key is None:
            return Lack(
                "no model can be asked: `OPENAI_API_KEY` is not set",
                "set it where the service runs",
                passing=True,
            )
        if not name and not settings.model:
            return Lack(
                "neither the node nor `PROFLOW_AI_MODEL` names a model",
                "name the `model`, or set the variable where the service runs",
                passing=True,
            )
        return None

    async def _approver(self, tenant_id: int, name: str) -> Lack | None:
        spec = ApproverSpec.of(name)
        reason = await why_nobody(self._resolver, tenant_id, spec)
        if reason is None:
            return None
        if spec.kind == "admin":
            return Lack(reason, "give the role to somebody", passing=True)
        return Lack(reason, "name somebody who exists, or add them")
