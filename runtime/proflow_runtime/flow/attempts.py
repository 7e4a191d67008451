"""One attempt at a step: the handler's call inside the step, and how its end is memoised."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import inngest
from proflow_schemas.sizes import tree_size

from proflow_runtime.context import clock
from proflow_runtime.flow.holding import Holding
from proflow_runtime.values import JSON, checked
from proflow_runtime.values.encoding import NotJsonError
from proflow_runtime.values.envelopes import StepFailure, seal, seal_failure
from proflow_runtime.values.results import Failed
from proflow_runtime.values.retry import Retry

MAX_MESSAGE = 10_000
"""Characters of an error's message: it is a step's output, and goes on into others."""


class Attempt:
    """One attempt; afterwards `failure` says whether and why it failed, for good or not."""

    __slots__ = ("_last", "_number", "_retry", "failure")

    def __init__(self, number: int, retry: Retry | None, max_attempts: int) -> None:
        """`number` counts from 0."""
        self._number = number
        self._retry = retry
        self._last = number + 1 >= (retry.max_attempts if retry else max_attempts)
        self.failure: StepFailure | None = None

    async def run(
        self,
        work: Callable[[], Awaitable[JSON]],
        timeout: timedelta | None = None,
        holding: Holding | None = None,
    ) -> JSON:
        """The memo: an output, or why the step failed for good. Raises what is to be retried.

        `holding`: what the run holds already, which the output is added to.
        """
        try:
            if timeout is None:
                output = checked(await work())
            else:
                async with asyncio.timeout(timeout.total_seconds()) as limit:
                    output = await work()
                output = checked(output)
            if holding is not None and (problem := holding.problem_with(tree_size(output))):
                raise NotJsonError(problem)  # what was done is not done again
            return seal(output)
        except (NotJsonError, Failed, inngest.NonRetriableError) as error:
            return self._final(error)
        except inngest.RetryAfterError as error:
            if self._last:
                return self._final(error)
            self._failed(error)
            error.retry_after = _in_run_time(error.retry_after)
            raise
        except TimeoutError as error:
            if timeout is None or not limit.expired():
                return self._again(error)
            return self._again(TimeoutError(f"timed out after {timeout.total_seconds():g} s"))
        except Exception as error:
            return self._again(error)
        except (asyncio.CancelledError, SystemExit) as error:
            # Of the handler's own making, unless somebody cancels this request.
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            return self._again(RuntimeError(f"the handler raised `{type(error).__name__}`"))

    def _again(self, error: Exception) -> JSON:
        if self._last:
            return self._final(error)
        failure = self._failed(error)
        pause = self._retry.pause(self._number) if self._retry else None
        if pause is None:
            raise error
        raise inngest.RetryAfterError(failure.message, clock.now() + pause) from error

    def _final(self, error: Exception) -> JSON:
        return seal_failure(self._failed(error))

    def _failed(self, error: Exception) -> StepFailure:
        name = type(error).__name__
        message = str(error) or name
        if len(message) > MAX_MESSAGE:
            message = f"{message[:MAX_MESSAGE]}…"
        self.failure = StepFailure(name, message, self._number + 1)
        return self.failure


def _in_run_time(when: datetime) -> datetime:
    """The SDK counts relative pauses from the wall clock, in naive local time."""
    if when.tzinfo is not None:
        return when
    pause = when.astimezone(UTC) - datetime.now(UTC)
    return clock.now() + timedelta(milliseconds=round(pause / timedelta(milliseconds=1)))
