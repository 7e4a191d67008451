"""The base class of all exceptions that ProFlow raises for an application."""


class ProFlowError(Exception):
    """The base class of the errors that ProFlow raises on purpose.

    Every exception of the packages `proflow_schemas`, `proflow_compiler` and `proflow_runtime` that
    an application may catch derives from it. Most derive from a built-in exception as well, such as
    `ValueError` or `LookupError`.
    """
