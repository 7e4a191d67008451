"""The routes that a canvas needs: drawings of designs, and the node types."""

from typing import Any

from fastapi import APIRouter
from proflow_schemas.node_types import NodeTypes
from pydantic import BaseModel, Field

from proflow_runtime.context.permissions import WRITE_DESIGNS
from proflow_runtime.service.auth import Principal
from proflow_runtime.service.diagnostics import Diagnostic, diagnostics
from proflow_runtime.service.drawings import Drawing, drawing_keys, node_types, redacted
from proflow_runtime.service.facade import ProFlow
from proflow_runtime.service.problems import RESPONSES
from proflow_runtime.service.routes.common import principal
from proflow_runtime.service.routes.design_bodies import AskedDesign

TAG = "designs"


class Drawn(BaseModel):
    """A drawing; `picture` is null if the body does not hold exactly one design."""

    picture: dict[str, Any] | None
    diagnostics: list[Diagnostic]


class Shape(BaseModel):
    """The keys that hold the nodes and the edges of a graph."""

    nodes: str
    edges: str


class DrawingKeys(BaseModel):
    """Where drawings keep what is read of them: keys, and paths of keys, the most usual first."""

    graphs: list[list[str]] = Field(description="where a wrapper may hold the graph")
    shapes: list[Shape] = Field(description="the keys of the nodes and of the edges")
    row_marks: list[str] = Field(description="one of these keys tells a row of RiverEdge")
    types: list[list[str]] = Field(description="where a node may have its type")
    labels: list[list[str]] = Field(description="where a node may have its label")
    configs: list[list[str]] = Field(description="where a node may have its config, else in `data`")
    parents: list[str] = Field(description="the keys of the container that a node is in")
    returns: int = Field(description="how often a back edge is taken that states no bound")


def drawn_for(principal: Principal, found: Drawing, types: NodeTypes) -> Drawn:
    """Build the answer with a drawing of a stored design.

    Users without `designs:write` get neither the settings of steps, which may hold addresses, keys
    and texts that are not for everybody, nor diagnostics, which may quote them.
    """
    if principal.may(WRITE_DESIGNS):
        return Drawn(picture=found.picture, diagnostics=diagnostics(found.diagnostics))
    return Drawn(picture=redacted(found.picture, types), diagnostics=[])


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

    @router.get("/drawing-keys", tags=[TAG], responses=RESPONSES)
    async def list_drawing_keys(principal: Principal = who) -> DrawingKeys:
        """Tell where drawings keep nodes, types, labels and configs, for editors of their JSON."""
        return DrawingKeys.model_validate(drawing_keys())
