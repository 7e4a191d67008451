"""The ticks of cron triggers."""

from collections.abc import Callable
from datetime import datetime
from functools import partial

from proflow_runtime.clock import Clock
from proflow_runtime.local.admission import Admission
from proflow_runtime.local.ids import milliseconds
from proflow_runtime.local.records import EventReceived
from proflow_runtime.local.runs import CRON, make_event
from proflow_runtime.local.scheduler import Scheduler, Timer
from proflow_runtime.local.settings import CronTrigger, FunctionSettings


class Crons:
    """Starts the functions with cron triggers, up to a given time and no further.

    A trigger's `jitter` is honoured as none: a tick comes on time.
    """

    def __init__(
        self,
        clock: Clock,
        scheduler: Scheduler,
        admission: Admission,
        record: Callable[[EventReceived], None],
    ) -> None:
        self._clock = clock
        self._scheduler = scheduler
        self._admission = admission
        self._record = record
        self._timers: dict[tuple[str, str], Timer] = {}
        self._done = clock.now()

    def schedule(self, until: datetime) -> None:
        """Let every cron tick from now on, up to and including a time."""
        after = max(self._done, self._clock.now())
        self._done = until
        for settings in self._admission.functions.values():
            for cron in settings.crons:
                self._next(settings, cron, after, until)

    def stop(self) -> None:
        """Drop the ticks to come."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def tick(self, settings: FunctionSettings, cron: CronTrigger, when: datetime) -> None:
        """Start a function for one tick."""
        time = when.strftime("%Y-%m-%dT%H:%M:%SZ")
        data = {"cron": cron.source, "fireAt": time, "scheduledAt": time}
        event = make_event(CRON, data, time, milliseconds(when))
        self._record(EventReceived(event, time, self._clock.now(), True, None))
        self._admission.start(settings, event)

    def _next(
        self, settings: FunctionSettings, cron: CronTrigger, after: datetime, until: datetime
    ) -> None:
        when = next(cron.ticks(after), None)
        if when is not None and when <= until:
            fire = partial(self._fire, settings, cron, when, until)
            timer = self._scheduler.add(Timer(when, fire))
            self._timers[settings.id, cron.source] = timer

    def _fire(
        self, settings: FunctionSettings, cron: CronTrigger, when: datetime, until: datetime
    ) -> None:
        self._next(settings, cron, when, until)
        self.tick(settings, cron, when)
