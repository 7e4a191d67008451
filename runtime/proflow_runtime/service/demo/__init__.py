"""Internal: the demo of `proflow serve`, a small company with workflows, people and runs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib import resources

from proflow_schemas.errors import ProFlowError

from proflow_runtime.context.permissions import PERMISSIONS, WRITE_DESIGNS
from proflow_runtime.service.facade import ProFlow
from proflow_runtime.store import designs, people, runs, tokens
from proflow_runtime.store.database import transaction
from proflow_runtime.store.models.designs import Design
from proflow_runtime.store.models.people import Department, Person
from proflow_runtime.store.models.runs import Run
from proflow_runtime.store.models.tasks import InngestTask
from proflow_runtime.store.models.tokens import ApiToken
from proflow_runtime.values import JSON

TENANT = 1
TOKEN = "proflow serve --demo"
"""The name of the demo's tokens; a database that has one is the demo's."""
PATIENCE = 30.0
"""Seconds to wait until a run reaches its approval."""
CODES = ("purchase-approval", "expense-claim", "contract-review", "onboarding", "month-end")


class DemoError(ProFlowError):
    """The demo cannot be prepared in this database."""


@dataclass(frozen=True)
class Somebody:
    """A person of the company; `part` is their job, `roles` are those of company and service."""

    user: str
    name: str
    part: str
    department: str
    manager: str | None = None
    roles: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scripted:
    """A run that the demo starts; `acts` are the acts on its approvals: user, act and comment."""

    key: str
    workflow: str
    data: Mapping[str, JSON]
    by: str = "li.na"
    acts: tuple[tuple[str, str, str | None], ...] = ()


@dataclass(frozen=True)
class Invitation:
    """A person as whom a visitor can log in, with the token to do so."""

    user: str
    name: str
    part: str
    token: str = field(repr=False)


DEPARTMENTS = (
    ("board", "董事会 Board", "zhao.min", None),
    ("purchasing", "采购部 Purchasing", "wang.wei", "board"),
    ("administration", "行政部 Administration", "zhou.qiang", "board"),
    ("finance", "财务部 Finance", "chen.fang", "board"),
)
"""The code, name, head and parent of each department."""
PEOPLE = (
    Somebody(
        *("wang.wei", "王伟 Wang Wei", "manager of purchasing", "purchasing"),
        permissions=(WRITE_DESIGNS,),
    ),
    Somebody("li.na", "李娜 Li Na", "buyer", "purchasing", "wang.wei"),
    Somebody("zhou.qiang", "周强 Zhou Qiang", "head of administration", "administration"),
    Somebody("chen.fang", "陈芳 Chen Fang", "finance", "finance", None, ("finance",)),
    Somebody("zhao.min", "赵敏 Zhao Min", "director", "board", None, ("director",)),
    Somebody("sun.li", "孙丽 Sun Li", "director", "board", None, ("director",)),
    Somebody(
        "admin",
        "管理员 Admin",
        "administrator",
        "administration",
        None,
        ("admin",),
        tuple(PERMISSIONS),
    ),
)
"""People without a manager report to the head of their department, or of the department above."""
HISTORY = (
    Scripted(
        "chairs",
        "purchase-approval",
        {"title": "办公椅 20 把", "amount": 9800, "supplier": "宜家"},
        acts=(("wang.wei", "approve", "同意"),),
    ),
    Scripted(
        "laptops",
        "purchase-approval",
        {"title": "笔记本电脑 10 台", "amount": 82000, "reason": "新员工用"},
        acts=(("wang.wei", "reject", "今年的预算已经用完"),),
    ),
    Scripted(
        "travel",
        "expense-claim",
        {"title": "上海出差", "amount": 2350},
        acts=(("wang.wei", "return", "请补充发票"), ("wang.wei", "approve", None)),
    ),
    Scripted(
        "lease",
        "contract-review",
        {"title": "租赁合同", "clauses": ["租期三年", "违约金", "押金"]},
    ),
    Scripted("unreadable", "contract-review", {"title": "采购合同", "clauses": ["价格", "???"]}),
    Scripted(
        "newcomer",
        "onboarding",
        {"title": "吴刚", "position": "仓库管理员", "laptop": True},
        acts=(("zhou.qiang", "approve", "欢迎"),),
    ),
    Scripted("closing", "month-end", {}, by="admin"),
)
"""Runs that end in different ways, and some that wait."""
WAITING = Scripted(
    "servers",
    "purchase-approval",
    {
        "title": "服务器 2 台",
        "amount": 26000,
        "supplier": "浪潮",
        "reason": "现有服务器将于年底过保",
    },
)
"""The run that waits for the manager. It is started last: if it exists, so does all the rest."""
DECIDES = "wang.wei"


async def admit() -> None:
    """Refuse a database that holds anything else than the demo.

    What visitors have added to the demo is part of it.

    Raises:
        DemoError: If the database holds other data.
    """
    is_demo = await ApiToken.filter(tenant_id=TENANT, name=TOKEN).exists()
    for what, model in (
        ("designs", Design),
        ("people", Person),
        ("departments", Department),
        ("runs", Run),
        ("tasks", InngestTask),
        ("tokens", ApiToken),
    ):
        others = model.exclude(tenant_id=TENANT) if is_demo else model.all()
        if await others.exists():
            raise DemoError(
                f"the database holds {what} that are not the demo's; give another one with --database"
            )


async def prepare(proflow: ProFlow) -> list[Invitation]:
    """Fill the database with the demo, unless that is done already, and create tokens.

    An interrupted preparation is continued. Tokens are new at every start.

    Args:
        proflow: The service, which is running.

    Returns:
        The people of the demo with their tokens.

    Raises:
        DemoError: If a run does not reach its approval in time.
    """
    invitations = await _invitations()
    if not await Run.filter(tenant_id=TENANT, id=_run_id(WAITING)).exists():
        await _company()
        for code in CODES:
            await _publish(proflow, code)
        for run in (*HISTORY, WAITING):
            await _play(proflow, run)
    return invitations


async def _invitations() -> list[Invitation]:
    """Replace the tokens of earlier starts, whose texts are not known any more."""
    made = []
    async with transaction():
        await ApiToken.filter(tenant_id=TENANT, name=TOKEN).delete()
        for one in PEOPLE:
            token = await tokens.create(TENANT, one.user, name=TOKEN, permissions=one.permissions)
            made.append(Invitation(one.user, one.name, one.part, token.plain))
    return made


async def _company() -> None:
    async with transaction():
        if await Person.filter(tenant_id=TENANT).exists():
            return
        for code, name, head, parent in DEPARTMENTS:
            await people.add_department(TENANT, code, name, head=head, parent=parent)
        for one in PEOPLE:
            await people.add(
                *(TENANT, one.user, one.name),
                department=one.department,
                manager=one.manager,
                roles=one.roles,
            )


async def _publish(proflow: ProFlow, code: str) -> None:
    if await designs.published(TENANT, code) is not None:
        return
    if not await Design.filter(tenant_id=TENANT, code=code).exists():
        file = resources.files(__package__) / "designs" / f"{code}.json"
        canvas = json.loads(file.read_text("utf-8"))
        await designs.create(TENANT, code, name=canvas["name"], draft=canvas, by=DECIDES)
    await proflow.publish(TENANT, code, by=DECIDES)


def _run_id(run: Scripted) -> str:
    return runs.derived_id("key", TENANT, run.workflow, run.key)


async def _play(proflow: ProFlow, run: Scripted) -> None:
    """Start a run and perform its acts, except those that have been performed already."""
    run_id = await proflow.start(
        tenant_id=TENANT, workflow=run.workflow, data=run.data, initiator=run.by, key=run.key
    )

    async def waiting_for(user: str) -> int | None:
        found = await proflow.approvals.inbox(TENANT, user, "inbox")
        return next((one.id for one in found.items if one.run_id == run_id), None)

    done: dict[str, int] = {}
    for user, act, comment in run.acts:
        decided = await proflow.approvals.inbox(TENANT, user, "done")
        done[user] = done.get(user, 0) + 1
        if sum(one.run_id == run_id for one in decided.items) >= done[user]:
            continue
        approval = await _eventually(partial(waiting_for, user), run)
        await proflow.approvals.act(TENANT, user, approval, act, comment=comment)
    if run is WAITING:
        await _eventually(partial(waiting_for, DECIDES), run)


async def _eventually(found: Callable[[], Awaitable[int | None]], run: Scripted) -> int:
    try:
        async with asyncio.timeout(PATIENCE):
            while (value := await found()) is None:  # noqa: ASYNC110  # the database sends no event
                await asyncio.sleep(0.05)
            return value
    except TimeoutError:
        text = f"the run `{run.key}` of `{run.workflow}` has not come to its approval in {PATIENCE:g} s"
        raise DemoError(text) from None
