"""Internal: the settings of tenants, and the defaults that apply to settings they have not made."""

from proflow_runtime.tenants.settings import TenantSettings
from proflow_runtime.tenants.zones import TenantZones, TimezoneOf

__all__ = ["TenantSettings", "TenantZones", "TimezoneOf"]
