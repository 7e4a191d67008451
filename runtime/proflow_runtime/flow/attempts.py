"""One attempt at a step: calls the handler, and turns the result into what Inngest stores."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import inngest
from proflow_schemas.sizes import tree_size

from proflow_runtime.context import clock
from proflow_runtime.flow.run_size import RunSize
from proflow_runtime.handlers.blocked import BlockedError
from proflow_runtime.values import JSON, checked
from proflow_runtime.values.encoding import NotJsonError
from proflow_runtime.values.result_wrappers import StepFailure, wrap, wrap_failure
from proflow_runtime.values.results import Failed
from proflow_runtime.values.retry import Retry

MAX_MESSAGE = 10_000
"""Maximum length of an error's message, which becomes part of outputs."""


class Attempt:
    """One attempt at a step.

    After `run`, `failure` describes the failure of this attempt, if any, whether final or not, and
    `error` is the exception; `blocked` is the error if the work could not begin.
    """

    __slots__ = ("_last", "_number", "_retry", "blocked", "error", "failure")

    def __init__(self, number: int, retry: Retry | None, max_attempts: int) -> None:
        """Prepare an attempt.

        Args:
            number: The number of the attempt, counted from 0.
            retry: The node's own retry policy.
            max_attempts: The maximum number of attempts without one.
        """
        self._number = number
        self._retry = retry
        self._last = number + 1 >= (retry.max_attempts if retry else max_attempts)
        self.failure: StepFailure | None = None
        self.blocked: BlockedError | None = None
        self.error: BaseException | None = None

    async def run(
        self,
        work: Callable[[], Awaitable[JSON]],
        timeout: timedelta | None = None,
        run_size: RunSize | None = None,
    ) -> JSON:
        """Do the work of a step.

        Args:
            work: Calls the handler.
            timeout: How long the attempt may take.
            run_size: The size of the run so far, which the output adds to.

        Returns:
            What Inngest is to store: the output, or a final failure, in its result wrapper.

        Raises:
            Exception: A failure after which Inngest is to retry.
        """
        try:
            if timeout is None:
                output = checked(await work())
            else:
                async with asyncio.timeout(timeout.total_seconds()) as limit:
                    output = await work()
                output = checked(output)
            if run_size is not None and (problem := run_size.problem_with(tree_size(output))):
                raise NotJsonError(problem)  # final: the work is not done again
            return wrap(output)
        except BlockedError as error:
            self.blocked = error
            return self._final(error)
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
            # The handler raised it itself, unless this request is being cancelled.
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
        return wrap_failure(self._failed(error))

    def _failed(self, error: Exception) -> StepFailure:
        self.error = error
        name = type(error).__name__
        message = str(error) or name
        if len(message) > MAX_MESSAGE:
            message = f"{message[:MAX_MESSAGE]}…"
        self.failure = StepFailure(name, message, self._number + 1)
        return self.failure


def _in_run_time(when: datetime) -> datetime:
    """Return a retry time on the run's clock: the SDK gives it as naive local time of the wall clock."""
    if when.tzinfo is not None:
        return when
    pause = when.astimezone(UTC) - datetime.now(UTC)
    # Some time has passed since the handler asked for it: find out what it was.
    unit = timedelta(milliseconds=1 if pause < timedelta(seconds=1) else 100)
    return clock.now() + round(pause / unit) * unit
