"""Internal: what tenants have set, and what holds where they have not."""

from proflow_runtime.tenants.settings import TenantSettings
from proflow_runtime.tenants.zones import TenantZones, TimezoneOf

__all__ = ["TenantSettings", "TenantZones", "TimezoneOf"]
