"""Limits the number of concurrent requests per function and key."""

from collections import Counter
from collections.abc import Iterable

from proflow_runtime.local.runs import Place, Run
from proflow_runtime.protocol import gojson


class Capacity:
    """Counts open requests against the concurrency limits of functions."""

    def __init__(self) -> None:
        self._taken: Counter[tuple[str, str, str]] = Counter()

    def full(self, run: Run) -> Place | None:
        """Return the first limit of a run that is reached, or None."""
        for place in places(run):
            if not self.has_room(place):
                return place
        return None

    def has_room(self, place: Place) -> bool:
        return self._taken[place[0]] < place[1]

    def take(self, taken: Iterable[Place]) -> None:
        self._taken.update(place for place, _ in taken)

    def give_back(self, taken: Iterable[Place]) -> None:
        for place, _ in taken:
            self._taken[place] -= 1
            if not self._taken[place]:
                del self._taken[place]


def places(run: Run) -> tuple[Place, ...]:
    """Return the concurrency limits that apply to a run."""
    if run.places is None:
        run.places = tuple(_places(run))
    return run.places


def _places(run: Run) -> list[Place]:
    found = []
    for limit in run.settings.concurrency:
        owner = run.settings.id if limit.scope == "fn" else limit.scope
        key = limit.key.evaluate({"event": run.trigger}) if limit.key else None
        source = limit.key.source if limit.key else ""
        found.append(((owner, source, gojson.dumps(key)), limit.limit))
    return found
