"""Says what designs need and the host lacks, when they are checked and published."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import inngest
from proflow_schemas.language import Text, Texts
from proflow_schemas.node_types.notify import IN_APP
from proflow_schemas.readiness import Lack, Lacks, Need

from proflow_runtime.approvals.resolving import ApproverSpec, Resolver, why_nobody
from proflow_runtime.context.environment import ModelCalls, Smtp
from proflow_runtime.context.extras import is_installed
from proflow_runtime.handlers.channels import Channels
from proflow_runtime.handlers.optional import read_now
from proflow_runtime.service.notifications import recipient
from proflow_runtime.store import designs

TEXTS = Texts(
    "readiness",
    {
        "correct-it": Text("correct it where the service runs", "请在服务所在环境中更正"),
        "somebody-else": Text("name somebody else", "请指定其他人"),
        "unpublished": Text("the workflow `{name}` is not published", "流程 `{name}` 尚未发布"),
        "publish-first": Text("publish it first", "请先发布该流程"),
        "no-channel": Text("the channel `{name}` is not registered", "渠道 `{name}` 未注册"),
        "register-channel": Text(
            "register it with `register_channel`, or use one of {known:names}",
            "请用 `register_channel` 注册，或改用 {known:names}",
        ),
        "no-mail": Text(
            "e-mail cannot be sent: `{variable:raw}` is not set",
            "无法发送邮件：未设置 `{variable:raw}`",
        ),
        "set-it": Text("set it where the service runs", "请在服务所在环境中设置"),
        "no-ai": Text(
            "no model can be asked: the extra `ai` is not installed",
            "无法调用模型：未安装扩展 `ai`",
        ),
        "install-ai": Text(
            "install `proflow-inngest[ai]` where the service runs",
            "请在服务所在环境中安装 `proflow-inngest[ai]`",
        ),
        "no-key": Text(
            "no model can be asked: `OPENAI_API_KEY` is not set",
            "无法调用模型：未设置 `OPENAI_API_KEY`",
        ),
        "no-model": Text(
            "neither the node nor `PROFLOW_AI_MODEL` names a model",
            "节点和 `PROFLOW_AI_MODEL` 都没有指定模型",
        ),
        "name-model": Text(
            "name the `model`, or set the variable where the service runs",
            "请填写 `model`，或在服务所在环境中设置该变量",
        ),
        "give-role": Text("give the role to somebody", "请将该角色分配给人员"),
        "name-existing": Text(
            "name somebody who exists, or add them", "请指定存在的人员，或先添加该人员"
        ),
    },
)


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
                    return Lack(str(error), TEXTS("correct-it"), passing=True)
            case "channel":
                return self._channel(need.name)
            case "approver":
                return await self._approver(tenant_id, need.name)
            case "recipient":
                reason = await why_nobody(self._resolver, tenant_id, recipient(need.name))
                return (
                    None if reason is None else Lack(reason, TEXTS("somebody-else"), passing=True)
                )
            case "workflow":
                if await designs.published(tenant_id, need.name) is not None:
                    return None
                return Lack(TEXTS("unpublished", name=need.name), TEXTS("publish-first"))

    def _channel(self, name: str) -> Lack | None:
        if self._channels is None or name == IN_APP or name in self._channels:
            return None
        known = sorted({*self._channels.names(), IN_APP})
        return Lack(TEXTS("no-channel", name=name), TEXTS("register-channel", known=known))

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
            TEXTS("no-mail", variable=missing),
            TEXTS("set-it"),
            passing=True,
        )

    def _model(self, name: str) -> Lack | None:
        if not is_installed("ai"):
            return Lack(
                TEXTS("no-ai"),
                TEXTS("install-ai"),
                passing=True,
            )
        settings = read_now(ModelCalls)
        if settings.api_key is None:
            return Lack(
                TEXTS("no-key"),
                TEXTS("set-it"),
                passing=True,
            )
        if not name and not settings.model:
            return Lack(
                TEXTS("no-model"),
                TEXTS("name-model"),
                passing=True,
            )
        return None

    async def _approver(self, tenant_id: int, name: str) -> Lack | None:
        spec = ApproverSpec.of(name)
        reason = await why_nobody(self._resolver, tenant_id, spec)
        if reason is None:
            return None
        if spec.kind == "admin":
            return Lack(reason, TEXTS("give-role"), passing=True)
        return Lack(reason, TEXTS("name-existing"))
