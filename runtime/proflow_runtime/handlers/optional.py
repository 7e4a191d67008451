"""What built-in handlers do without the optional packages that they stand on."""

import inngest

from proflow_runtime.context.extras import MissingExtraError, require


def require_now(extra: str, user: str) -> None:
    """Raises `NonRetriableError` if an extra is missing: no other attempt would find it."""
    try:
        require(extra, user)
    except MissingExtraError as error:
        raise inngest.NonRetriableError(str(error)) from None
