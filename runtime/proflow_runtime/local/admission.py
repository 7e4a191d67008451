"""Starts runs from events: triggers, deduplication, and the flow control of functions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from proflow_runtime.context.clock import Clock
from proflow_runtime.local.execution import Execution
from proflow_runtime.local.journal import Journal, Key
from proflow_runtime.local.records import Event, ParentStep
from proflow_runtime.local.scheduler import Scheduler, Timer
from proflow_runtime.local.settings import FunctionSettings, Rate
from proflow_runtime.protocol import gojson
from proflow_runtime.protocol.matching import Expression

IDEMPOTENCY_WINDOW = timedelta(hours=24)


@dataclass(slots=True)
class _Batch:
    events: list[Event] = field(default_factory=list)
    timer: Timer | None = None


@dataclass(slots=True)
class _Debounce:
    event: Event
    latest: datetime | None
    timer: Timer


class Admission:
    """Decides which functions an event starts, and when."""

    def __init__(
        self,
        functions: Iterable[FunctionSettings],
        clock: Clock,
        scheduler: Scheduler,
        journal: Journal,
        execution: Execution,
    ) -> None:
        self.functions = {settings.id: settings for settings in functions}
        self._clock = clock
        self._scheduler = scheduler
        self._journal = journal
        self._execution = execution
        self._seen: dict[Key, datetime] = {}
        self._starts: dict[Key, list[datetime]] = {}
        self._arrivals: dict[Key, datetime] = {}
        self._batches: dict[Key, _Batch] = {}
        self._debounced: dict[Key, _Debounce] = {}
        self._homeless: list[tuple[Key, Any, datetime | None]] = []

    def admit(self, event: Event, arrival: Event) -> None:
        """Start every function that an event triggers, or schedule its start.

        Args:
            event: The event. If its time is in the future, its runs start then.
            arrival: The same event with all numbers as floats.
        """
        for settings in self.functions.values():
            if any(
                trigger.matches(event["name"])
                and (trigger.condition is None or trigger.condition.holds({"event": arrival}))
                for trigger in settings.triggers
            ):
                self._collect(settings, event, arrival)

    def invoke(self, function_id: str, event: Event, parent: ParentStep) -> bool:
        """Start a child run; False if there is no such function. Of its flow control, only the throttle applies."""
        settings = self.functions.get(function_id)
        if settings is None:
            return False
        self._queue(settings, [event], gojson.as_floats(event), parent)
        return True

    def start(self, settings: FunctionSettings, event: Event) -> None:
        """Start a run at a tick of a cron."""
        self._limit(settings, [event], gojson.as_floats(event))

    def restore(self, keys: Sequence[tuple[Key, Any, datetime | None]]) -> None:
        """Restore the entries of an earlier process; what has become due since is done at once.

        Events that were collected for a missing function wait until it is deployed.
        """
        now = self._clock.now()
        known = sorted([*self._homeless, *keys], key=lambda entry: entry[2] or now)
        self._homeless = []
        for key, value, until in known:
            if key[1] in ("batch", "debounce") and key[0] not in self.functions:
                self._homeless.append((key, value, until))
                continue
            match key[1]:
                case "event" | "idempotency" if until is not None:
                    self._seen[key] = until - IDEMPOTENCY_WINDOW
                case "rate":
                    self._starts[key] = [_read(start) for start in value]
                case "throttle":
                    self._arrivals[key] = _read(value)
                case "batch":
                    timer = self._later(_read(value["due"]), self._release_batch, key)
                    self._batches[key] = _Batch(value["events"], timer)
                case "debounce":
                    timer = self._later(_read(value["due"]), self._release_debounced, key)
                    latest = value["latest"] and _read(value["latest"])
                    self._debounced[key] = _Debounce(value["event"], latest, timer)
                case _:
                    raise ValueError(f"unknown purpose `{key[1]}`")

    def _collect(self, settings: FunctionSettings, event: Event, arrival: Event) -> None:
        batch, debounce = settings.batch, settings.debounce
        if batch is not None and (
            batch.condition is None or batch.condition.holds({"event": arrival})
        ):
            key = _key(settings, "batch", batch.key, arrival)
            waiting = self._batches.setdefault(key, _Batch())
            waiting.events.append(event)
            if len(waiting.events) >= batch.size:
                self._release_batch(key)
                return
            if waiting.timer is None:
                due = self._clock.now() + batch.timeout
                waiting.timer = self._later(due, self._release_batch, key)
            kept = {"events": waiting.events, "due": waiting.timer.due}
            self._journal.kept(key, kept, None)
            return
        if debounce is not None:
            key = _key(settings, "debounce", debounce.key, arrival)
            now = self._clock.now()
            before = self._debounced.get(key)
            latest = now + debounce.timeout if debounce.timeout else None
            if before is not None:
                before.timer.cancel()
                latest = before.latest
            due = now + debounce.period
            due = min(due, latest) if latest else due
            timer = self._later(due, self._release_debounced, key)
            self._debounced[key] = _Debounce(event, latest, timer)
            self._journal.kept(key, {"event": event, "latest": latest, "due": due}, None)
            return
        if self._is_new(_key(settings, "event", None, arrival), event["id"]):
            self._limit(settings, [event], arrival)

    def _release_batch(self, key: Key) -> None:
        batch = self._batches.pop(key)
        self._journal.dropped(key)
        if batch.timer is not None:
            batch.timer.cancel()
        self._release(key, batch.events)

    def _release_debounced(self, key: Key) -> None:
        event = self._debounced.pop(key).event
        self._journal.dropped(key)
        self._release(key, [event])

    def _release(self, key: Key, events: list[Event]) -> None:
        settings = self.functions.get(key[0])
        if settings is not None:  # else it was taken out of service meanwhile
            self._limit(settings, events, gojson.as_floats(events[0]))

    def _limit(self, settings: FunctionSettings, events: list[Event], arrival: Event) -> None:
        now = self._clock.now()
        if settings.rate_limit is not None:
            rate = settings.rate_limit
            key = _key(settings, "rate", rate.key, arrival)
            starts = self._starts.setdefault(key, [])
            starts[:] = [start for start in starts if start > now - rate.period]
            if len(starts) >= rate.limit:
                return
            starts.append(now)
            self._journal.kept(key, starts, now + rate.period)
        if settings.idempotency is not None:
            key = _key(settings, "idempotency", None, arrival)
            value = gojson.dumps(settings.idempotency.evaluate({"event": arrival}))
            if not self._is_new(key, value):
                return
        if settings.singleton is not None:
            wanted = _value(settings.singleton.key, arrival)
            active = [
                run
                for run in self._execution.live_runs(settings.id)
                if _value(settings.singleton.key, run.trigger) == wanted
            ]
            if active and not settings.singleton.cancels:
                return
            for run in active:
                self._execution.cancel(run)
        self._queue(settings, events, arrival, None)

    def _queue(
        self,
        settings: FunctionSettings,
        events: list[Event],
        arrival: Event,
        parent: ParentStep | None,
    ) -> None:
        due = ready = max(self._clock.now(), _time(events[0]))
        if settings.throttle is not None:
            key = _key(settings, "throttle", settings.throttle.key, arrival)
            due = self._throttled(settings.throttle, key, due)
        self._execution.queue_run(settings, events, ready, due, parent)

    def _throttled(self, rate: Rate, key: Key, due: datetime) -> datetime:
        """Return when a run may start, by the generic cell rate algorithm with a burst of `limit + burst`."""
        interval = rate.period / rate.limit
        arrival = max(self._arrivals.get(key, due), due)
        room = interval * (rate.limit + rate.burst - 1)
        self._arrivals[key] = arrival + interval
        self._journal.kept(key, arrival + interval, arrival + interval)
        return max(due, arrival - room)

    def _is_new(self, scope: Key, value: str) -> bool:
        now = self._clock.now()
        key = (scope[0], scope[1], value)
        while self._seen and now - next(iter(self._seen.values())) >= IDEMPOTENCY_WINDOW:
            del self._seen[next(iter(self._seen))]
        if key in self._seen:
            return False
        self._seen[key] = now
        self._journal.kept(key, None, now + IDEMPOTENCY_WINDOW)
        return True

    def _later(self, due: datetime, action: Any, *arguments: Any) -> Timer:
        return self._scheduler.add(Timer(due, partial(action, *arguments)))


def _key(
    settings: FunctionSettings, purpose: str, expression: Expression | None, arrival: Event
) -> Key:
    return settings.id, purpose, _value(expression, arrival)


def _value(expression: Expression | None, arrival: Event) -> str:
    """Return the text of a key; all keys that cannot be computed count as the same one."""
    return "" if expression is None else gojson.dumps(expression.evaluate({"event": arrival}))


def _read(time: str) -> datetime:
    return datetime.fromisoformat(time)


def _time(event: Event) -> datetime:
    return datetime.fromtimestamp(event["ts"] / 1000, UTC)
