"""Fails the attempts of built-in handlers whose optional packages are not installed."""

import inngest

from proflow_runtime.context.extras import MissingExtraError, require


def require_now(extra: str, user: str) -> None:
    """Check inside an attempt that an extra is installed.

    Raises:
        NonRetriableError: If it is not, because another attempt would fail as well.
    """
    try:
        require(extra, user)
    except MissingExtraError as error:
        raise inngest.NonRetriableError(str(error)) from None
