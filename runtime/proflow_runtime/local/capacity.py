"""How many requests may be in flight at once, per function and key."""

from collections import Counter

from proflow_runtime.local import gojson
from proflow_runtime.local.runs import Run


class Capacity:
    """Counts requests in flight against the functions' limits on concurrency."""

    def __init__(self) -> None:
        self._taken: Counter[tuple[str, str, str]] = Counter()

    def take(self, run: Run) -> bool:
        """Take a place in each of a run's limits, or in none."""
        limits = _places(run)
        if any(self._taken[place] >= limit for place, limit in limits):
            return False
        self._taken.update(place for place, _ in limits)
        return True

    def give_back(self, run: Run) -> None:
        """Free what `take` took."""
        self._taken.subtract(place for place, _ in _places(run))


def _places(run: Run) -> list[tuple[tuple[str, str, str], int]]:
    found = []
    for limit in run.settings.concurrency:
        owner = run.settings.id if limit.scope == "fn" else limit.scope
        key = limit.key.evaluate({"event": run.trigger}) if limit.key else None
        source = limit.key.source if limit.key else ""
        found.append(((owner, source, gojson.dumps(key)), limit.limit))
    return found
