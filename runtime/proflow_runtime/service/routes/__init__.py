"""Internal: the HTTP API, which consists of one router for each subject."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter

from proflow_runtime.service.route import routes_with
from proflow_runtime.service.routes import (
    approvals,
    audit,
    designs,
    drawings,
    erasure,
    live,
    notifications,
    operations,
    people,
    runs,
    settings,
    tasks,
)

if TYPE_CHECKING:
    from proflow_runtime.service.facade import ProFlow


def router(proflow: ProFlow) -> APIRouter:
    """Build the router with all routes.

    Args:
        proflow: The service that the routes call.
    """
    route_class = routes_with(proflow.settings.max_body)
    found = APIRouter(route_class=route_class)
    for subject in (
        designs,
        drawings,
        runs,
        approvals,
        tasks,
        people,
        settings,
        erasure,
        notifications,
        operations,
        audit,
        live,
    ):
        part = APIRouter(route_class=route_class)
        subject.add(part, proflow)
        found.include_router(part)
    return found
