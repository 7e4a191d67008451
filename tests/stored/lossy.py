"""A local engine that treats events as badly as an Inngest server that is killed again and again.

It accepts every event, and then, by a seed, drops some, delays some, delivers some twice, and so lets
others overtake them.
"""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from proflow_runtime.local import LocalEngine
from proflow_runtime.local.records import Event, EventReceived


@dataclass(frozen=True)
class Faults:
    """How often which fault happens, each from 0 to 1.

    Attributes:
        seed: The seed of all choices.
        drop: How often an event is lost after it was accepted.
        delay: How often it arrives later, up to `longest`.
        double: How often it arrives twice.
        longest: The longest delay.
        concerns: Whether an event may be hit at all.
    """

    seed: int
    drop: float = 0.0
    delay: float = 0.0
    double: float = 0.0
    longest: timedelta = timedelta(seconds=30)
    concerns: Callable[[Event], bool] = lambda event: True


class LossyEngine(LocalEngine):
    """A local engine with faults; `happened` counts them."""

    def __init__(self, *arguments: Any, faults: Faults, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.faults, self._random = faults, random.Random(faults.seed)
        self.happened: Counter[str] = Counter()

    def _route(self, event: Event, event_id: str, *, sender: str | None, internal: bool) -> None:
        arrives = partial(super()._route, event, event_id, sender=sender, internal=internal)
        faults = self.faults
        if not faults.concerns(event):
            arrives()
            return
        if self._random.random() < faults.drop:
            self.happened["dropped"] += 1
            self._record(EventReceived(event, event_id, self.clock.now(), internal, sender))
            return
        times = 1
        if self._random.random() < faults.double:
            self.happened["doubled"] += 1
            times = 2
        for _ in range(times):
            if self._random.random() < faults.delay:
                self.happened["delayed"] += 1
                later = faults.longest.total_seconds() * self._random.random()
                self.at(self.clock.now() + timedelta(seconds=later), arrives)
            else:
                arrives()
