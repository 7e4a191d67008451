"""The extras (optional parts) of the distribution: their packages, and the error if one is missing."""

from collections.abc import Callable, Mapping
from functools import cache, wraps
from importlib.util import find_spec
from typing import ParamSpec, TypeVar

from proflow_schemas.errors import ProFlowError

P = ParamSpec("P")
R = TypeVar("R")

DISTRIBUTION = "proflow-inngest"
EXTRAS: Mapping[str, tuple[str, ...]] = {
    "service": ("fastapi", "tortoise", "uvicorn", "websockets", "prometheus_client"),
    "postgres": ("asyncpg",),
    "ai": ("openai",),
    "email": ("aiosmtplib",),
}
"""Extra → the packages that it installs, by their import names."""


class MissingExtraError(ProFlowError, ImportError):
    """An extra is needed and not installed; the message says how to install it.

    Attributes:
        extra: The name of the extra.
    """

    def __init__(self, extra: str, user: str) -> None:
        self.extra = extra
        command = f"pip install '{DISTRIBUTION}[{extra}]'"
        super().__init__(f"{user} needs the extra `{extra}`: {command}")


@cache
def is_installed(extra: str) -> bool:
    """Return True if all packages of an extra can be imported."""
    return all(find_spec(package) is not None for package in EXTRAS[extra])


def require(extra: str, user: str) -> None:
    """Check that an extra is installed.

    Args:
        extra: The name of the extra, such as `service`.
        user: What needs it, for the message, such as `` `proflow serve` ``.

    Raises:
        MissingExtraError: If it is not installed.
    """
    if not is_installed(extra):
        raise MissingExtraError(extra, user)


def needing(extra: str, user: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator for functions that need an extra: without it, they raise an error.

    Args:
        extra: The name of the extra.
        user: What needs it, for the message.
    """

    def decorated(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def inner(*args: P.args, **kwargs: P.kwargs) -> R:
            require(extra, user)
            return function(*args, **kwargs)

        return inner

    return decorated
