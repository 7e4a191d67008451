"""The error about environment variables that cannot be read; it needs no settings library."""

from proflow_schemas.errors import ProFlowError


class EnvironmentVariableError(ProFlowError, ValueError):
    """An environment variable has a value that it cannot have; the message names it."""
