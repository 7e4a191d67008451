"""The routes that a canvas needs: drawings of designs, and the node types."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from proflow_runtime.service.auth import Principal
from proflow_runtime.service.diagnostics import Diagnostic, diagnostics
from proflow_runtime.service.drawings import node_types
from proflow_runtime.service.facade import ProFlow
from proflow_runtime.service.problems import RESPONSES
from proflow_runtime.service.routes.common import principal
from proflow_runtime.service.routes.designs import AskedDesign

TAG = "designs"


class Drawn(BaseModel):
    """A drawing; `picture` is null if the body does not hold exactly one design."""

    picture: dict[str, Any] | None
    diagnostics: list[Diagnostic]


def add(router: APIRouter, proflow: ProFlow) -> None:
    """Add the routes of drawings and node types to a router."""
    who = principal(proflow)

    @router.post("/designs/drawing", tags=[TAG], responses=RESPONSES)
    async def draw_design(body: AskedDesign, principal: Principal = who) -> Drawn:
        """Draw and check a design; nothing is saved."""
        zone = await proflow.zones.named(principal.tenant_id)
        found = await proflow.compiling.draw(
            body.design, timezone=zone, tenant_id=principal.tenant_id
        )
        return Drawn(picture=found.picture, diagnostics=diagnostics(found.diagnostics))

    @router.get("/node-types", tags=[TAG], responses=RESPONSES)
    async def list_node_types(principal: Principal = who) -> list[dict[str, Any]]:
        """List the node types, with outcomes, JSON Schema of the config, titles and icons."""
        return node_types(proflow.compiling.types)
