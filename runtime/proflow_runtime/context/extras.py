"""The optional parts of the distribution: which packages each needs, and what to say without them."""

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
"""Extra → the packages that it brings, as they are imported."""


class MissingExtraError(ProFlowError, ImportError):
    """An optional part of the distribution is used and not installed.

    The message says which, and how to install it. `extra` is its name.
    """

    def __init__(self, extra: str, user: str) -> None:
        self.extra = extra
        command = f"pip install '{DISTRIBUTION}[{extra}]'"
        super().__init__(f"{user} needs the extra `{extra}`: {command}")


@cache
def is_installed(extra: str) -> bool:
    """Whether all packages of an extra can be imported."""
    return all(find_spec(package) is not None for package in EXTRAS[extra])


def require(extra: str, user: str) -> None:
    """Make sure that an extra is installed.

    Args:
        extra: The extra's name, such as `service`.
        user: Who needs it, as the message names it, such as `` `proflow serve` ``.

    Raises:
        MissingExtraError: It is not installed.
    """
    if not is_installed(extra):
        raise MissingExtraError(extra, user)


def needing(extra: str, user: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A decorator of functions that need an extra: they raise `MissingExtraError` without it."""

    def decorated(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def inner(*args: P.args, **kwargs: P.kwargs) -> R:
            require(extra, user)
            return function(*args, **kwargs)

        return inner

    return decorated
