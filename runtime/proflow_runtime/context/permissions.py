"""Internal: the permissions of the HTTP API, which are apart from the business roles of people."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

READ_RUNS = "runs:read"
WRITE_DESIGNS = "designs:write"
ADMINISTER_APPROVALS = "approvals:admin"
ADMINISTER_TENANT = "tenant:admin"
ADMINISTER_SYSTEM = "system:admin"

PERMISSIONS: Mapping[str, str] = MappingProxyType(
    {
        READ_RUNS: "see all runs and tasks of the tenant",
        WRITE_DESIGNS: "see designs with all their settings; draw, publish and delete them",
        ADMINISTER_APPROVALS: "see all approvals, and name approvers where there are none",
        ADMINISTER_TENANT: "settings and log of the tenant; cancel and retry the runs of others",
        ADMINISTER_SYSTEM: "what concerns all tenants of the service",
    }
)
"""What each permission allows; none includes another."""
