"""Fires cron triggers."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from proflow_runtime.context.clock import Clock
from proflow_runtime.local.admission import Admission
from proflow_runtime.local.ids import milliseconds
from proflow_runtime.local.journal import Journal, Key
from proflow_runtime.local.records import EventReceived
from proflow_runtime.local.runs import CRON, make_event
from proflow_runtime.local.scheduler import Scheduler, Timer
from proflow_runtime.local.settings import FunctionSettings
from proflow_runtime.protocol.crons import CronTrigger, tick_text

ALWAYS = datetime.max.replace(tzinfo=UTC)
NEXT_TICK = "cron"
"""The purpose in journal keys of the next tick of a cron."""


class Crons:
    """Starts functions with cron triggers, up to a given time.

    A trigger's `jitter` is ignored. If ticks were missed because no engine was running, only the last
    one is made up for.
    """

    def __init__(
        self,
        clock: Clock,
        scheduler: Scheduler,
        admission: Admission,
        journal: Journal,
        record: Callable[[EventReceived], None],
    ) -> None:
        self._clock = clock
        self._scheduler = scheduler
        self._admission = admission
        self._journal = journal
        self._record = record
        self._timers: dict[tuple[str, str], Timer] = {}
        self._promised: dict[tuple[str, str], datetime] = {}
        self._done = clock.now()
        self._until: datetime | None = None

    def restore(self, keys: Sequence[tuple[Key, Any, datetime | None]]) -> None:
        """Restore the ticks that an earlier process had scheduled."""
        for (function_id, _, source), value, _ in keys:
            self._promised[function_id, source] = datetime.fromisoformat(value)

    def schedule(self, until: datetime = ALWAYS) -> None:
        """Let all crons fire from now on, up to and including a time."""
        after = max(self._done, self._clock.now())
        self._until = until
        if until < ALWAYS:
            self._done = until
        for settings in self._admission.functions.values():
            for cron in settings.crons:
                self._begin(settings, cron, after)

    def redeploy(self) -> None:
        """Adapt to replaced functions: remove the crons that are gone, and add new ones."""
        crons = {
            (settings.id, cron.source): (settings, cron)
            for settings in self._admission.functions.values()
            for cron in settings.crons
        }
        for key in self._timers.keys() - crons.keys():
            self._timers.pop(key).cancel()
            self._journal.dropped((key[0], NEXT_TICK, key[1]))
        if self._until is None:
            return
        for key in crons.keys() - self._timers.keys():
            self._begin(*crons[key], self._clock.now())
        for function_id, source in self._promised:
            self._journal.dropped((function_id, NEXT_TICK, source))
        self._promised.clear()

    def stop(self) -> None:
        """Cancel all future ticks."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._until = None

    def tick(self, settings: FunctionSettings, cron: CronTrigger, when: datetime) -> None:
        """Start a function at a tick."""
        time = tick_text(when)
        data = {"cron": cron.source, "fireAt": time, "scheduledAt": time}
        event = make_event(CRON, data, time, milliseconds(when))
        self._record(EventReceived(event, time, self._clock.now(), True, None))
        self._admission.start(settings, event)

    def _begin(self, settings: FunctionSettings, cron: CronTrigger, after: datetime) -> None:
        self._next(settings.id, cron, after)
        missed = self._promised.pop((settings.id, cron.source), None)
        if missed is None or missed > after:
            return
        latest = cron.last_tick(after)
        self.tick(settings, cron, missed if latest is None else max(missed, latest))

    def _next(self, function_id: str, cron: CronTrigger, after: datetime) -> None:
        when = next(cron.ticks(after), None)
        if when is not None and self._until is not None and when <= self._until:
            timer = self._scheduler.add(Timer(when, partial(self._fire, function_id, cron, when)))
            self._timers[function_id, cron.source] = timer
            self._journal.kept((function_id, NEXT_TICK, cron.source), when, None)

    def _fire(self, function_id: str, cron: CronTrigger, when: datetime) -> None:
        # A clock that was set forward, or a machine that slept, skips the ticks in between.
        self._next(function_id, cron, when if self._until != ALWAYS else self._clock.now())
        self.tick(self._admission.functions[function_id], cron, when)
