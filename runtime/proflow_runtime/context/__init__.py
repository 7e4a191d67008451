"""Internal: what is known wherever a run is: the time, the tenant, the time zone, what is installed."""
