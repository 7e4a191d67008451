"""A small company with workflows, people and runs, to look at `proflow serve` with."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib import resources
from typing import Any

from proflow_runtime.service.facade import ProFlow
from proflow_runtime.store import designs, people, tokens
from proflow_runtime.store.models.designs import Design
from proflow_runtime.store.models.people import Person
from proflow_runtime.store.models.tokens import ApiToken

TENANT = 1
TOKEN = "demo"
PATIENCE = 30.0
"""Seconds that a run is given to come to its approval."""
CODES = ("purchase-approval", "expense-claim", "contract-review", "month-end")


class NoDemoError(Exception):
    """The database holds something else than the demo."""


@dataclass(frozen=True)
class Somebody:
    """`roles`: of the company, and of the service."""

    user: str
    name: str
    part: str
    manager: str | None
    roles: tuple[str, ...] = ()


PEOPLE = (
    Somebody("wang.wei", "王伟", "manager of purchasing", "zhao.min", ("designer",)),
    Somebody("li.na", "李娜", "buyer", "wang.wei"),
    Somebody("zhao.min", "赵敏", "director", None, ("director",)),
    Somebody("sun.li", "孙丽", "director", None, ("director",)),
    Somebody("chen.fang", "陈芳", "finance", "zhao.min", ("finance",)),
    Somebody("admin", "管理员", "administrator", None, ("admin",)),
)


@dataclass(frozen=True)
class Invitation:
    """Who one can be, and with which token."""

    user: str
    name: str
    part: str
    token: str


async def prepare(proflow: ProFlow) -> list[Invitation]:
    """Fill an empty database, and let everybody in.

    Once filled it is left as it is; tokens are new at every start. Raises `NoDemoError`.
    """
    await _only_the_demo()
    if not await Person.filter(tenant_id=TENANT).exists():
        await _company()
    for code in CODES:
        if not await Design.filter(tenant_id=TENANT, code=code).exists():
            await _publish(proflow, code)
    if not await _has_runs():
        await _history(proflow)
    return await _invitations()


async def _only_the_demo() -> None:
    users = [one.user for one in PEOPLE]
    for what, others in (
        ("designs", Design.exclude(tenant_id=TENANT, code__in=CODES)),
        ("people", Person.exclude(tenant_id=TENANT, user__in=users)),
        ("tokens", ApiToken.exclude(tenant_id=TENANT, user__in=users)),
    ):
        if await others.exists():
            raise NoDemoError(f"the database holds {what} that are not the demo's")


async def _company() -> None:
    for one in PEOPLE:
        await people.add(TENANT, one.user, one.name, manager=one.manager, roles=one.roles)


async def _publish(proflow: ProFlow, code: str) -> None:
    file = resources.files(__package__) / "designs" / f"{code}.json"
    canvas = json.loads(file.read_text("utf-8"))
    await designs.create(TENANT, code, name=canvas["name"], draft=canvas, by="wang.wei")
    await proflow.publish(TENANT, code, by="wang.wei")


async def _has_runs() -> bool:
    from proflow_runtime.store.models.runs import Run

    return await Run.filter(tenant_id=TENANT).exists()


async def _history(proflow: ProFlow) -> None:
    """Runs that have ended in different ways, and some that wait."""

    async def start(workflow: str, data: dict[str, Any], by: str = "li.na") -> str:
        return await proflow.start(tenant_id=TENANT, workflow=workflow, data=data, initiator=by)

    async def act(run_id: str, user: str, act: str, comment: str | None = None) -> None:
        async def opened() -> int | None:
            found = await proflow.approvals.inbox(TENANT, user, "inbox")
            return next((one.id for one in found.items if one.run_id == run_id), None)

        approval = await _eventually(opened)
        await proflow.approvals.act(TENANT, user, approval, act, comment=comment)

    chairs = await start(CODES[0], {"title": "办公椅 20 把", "amount": 9800, "supplier": "宜家"})
    await act(chairs, "wang.wei", "approve", "同意")
    laptops = await start(CODES[0], {"title": "笔记本电脑 10 台", "amount": 82000})
    await act(laptops, "wang.wei", "reject", "今年的预算已经用完")
    travel = await start(CODES[1], {"title": "上海出差", "amount": 2350})
    await act(travel, "wang.wei", "return", "请补充发票")
    await act(travel, "wang.wei", "approve")
    await start(CODES[2], {"title": "租赁合同", "clauses": ["租期三年", "违约金", "押金"]})
    await start(CODES[2], {"title": "采购合同", "clauses": ["价格", "???"]})
    await start(CODES[3], {}, by="admin")
    server = {
        "title": "服务器 2 台",
        "amount": 26000,
        "supplier": "浪潮",
        "reason": "现有服务器将于年底过保",
    }
    await start(CODES[0], server)


async def _eventually(found: Callable[[], Awaitable[int | None]]) -> int:
    async with asyncio.timeout(PATIENCE):
        while (value := await found()) is None:  # noqa: ASYNC110  # what is asked tells nobody
            await asyncio.sleep(0.05)
        return value


async def _invitations() -> list[Invitation]:
    """New tokens, as those of earlier starts are not known any more; those end."""
    for old in await ApiToken.filter(tenant_id=TENANT, name=TOKEN, revoked_at__isnull=True):
        await tokens.revoke(TENANT, old.id)
    made = []
    for one in PEOPLE:
        token = await tokens.create(TENANT, one.user, name=TOKEN)
        made.append(Invitation(one.user, one.name, one.part, token.plain))
    return made
