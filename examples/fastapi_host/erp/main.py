"""The ERP: its own routes, and ProFlow's below `/workflows`."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import inngest
from fastapi import Depends, FastAPI, Request
from proflow_runtime.client import client as configured
from proflow_runtime.dispatch.deployment import Target
from proflow_runtime.service import Principal, Problem, ProFlow
from proflow_runtime.store import get_task_status, migrate, tortoise_app
from pydantic import BaseModel, Field
from tortoise import Tortoise
from tortoise.contrib.fastapi import RegisterTortoise

from erp import handlers
from erp.models import PurchaseOrder
from erp.people import EmployeeResolver, authenticate

WORKFLOW = "purchase-approval"


class NewOrder(BaseModel):
    amount: float = Field(gt=0)


def create_app(
    client: inngest.Inngest = configured,
    *,
    url: str | None = None,
    target: Target | None = None,
) -> FastAPI:
    """`target` is for tests, which run workflows in this process."""
    tables = {
        "connections": {"default": url or os.environ.get("ERP_DATABASE", "sqlite://erp.db")},
        "apps": {
            "erp": {"models": ["erp.models"], "default_connection": "default"},
            "proflow": tortoise_app("default"),
        },
    }
    proflow = ProFlow(
        client,
        handlers,
        resolver=EmployeeResolver(),
        authenticate=authenticate,
        target=target,
    )

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with RegisterTortoise(app, config=tables):
            await migrate()
            await Tortoise.generate_schemas()
            async with proflow.running():
                yield

    app = FastAPI(title="ERP", lifespan=lifespan)
    app.include_router(proflow.router(), prefix="/workflows")
    proflow.mount(app)

    async def signed_in(request: Request) -> Principal:
        return await authenticate(request)

    Who = Annotated[Principal, Depends(signed_in)]

    @app.post("/orders", status_code=201)
    async def submit(new: NewOrder, who: Who) -> dict[str, Any]:
        """Business code starts a workflow."""
        order = await PurchaseOrder.create(
            tenant_id=who.tenant_id, applicant=who.user, amount=new.amount
        )
        order.run_id = await proflow.start(
            tenant_id=who.tenant_id,
            workflow=WORKFLOW,
            business_id=order.id,
            initiator=who.user,
            key=f"order-{order.id}",
            data={"order_id": order.id, "amount": order.amount},
        )
        await order.save()
        return {"order": order.id, "run": order.run_id}

    @app.get("/orders/{number}")
    async def look(number: int, who: Who) -> dict[str, Any]:
        """Business code asks how far the workflow is."""
        order = await PurchaseOrder.get_or_none(id=number, tenant_id=who.tenant_id)
        if order is None or order.run_id is None:
            raise Problem(404, "not-found", "there is no such order")
        task = await get_task_status(order.run_id, who.tenant_id)
        return {"order": order.id, "status": order.status, "workflow": task and task["status"]}

    return app
