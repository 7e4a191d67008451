"""Fails the attempts of built-in handlers that lack an optional package or a right setting."""

from typing import TypeVar

import inngest

from proflow_runtime.context.environment import Variables, read
from proflow_runtime.context.environment_error import EnvironmentVariableError
from proflow_runtime.context.extras import MissingExtraError, require

G = TypeVar("G", bound=Variables)


def read_now(group: type[G]) -> G:
    """Read a group of environment variables inside an attempt.

    Raises:
        NonRetriableError: If one has a value that it cannot have.
    """
    try:
        return read(group)
    except EnvironmentVariableError as error:
        raise inngest.NonRetriableError(str(error)) from None


def require_now(extra: str, user: str) -> None:
    """Check inside an attempt that an extra is installed.

    Raises:
        NonRetriableError: If it is not, because another attempt would fail as well.
    """
    try:
        require(extra, user)
    except MissingExtraError as error:
        raise inngest.NonRetriableError(str(error)) from None
