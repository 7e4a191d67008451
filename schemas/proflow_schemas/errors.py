"""The root of all exceptions of this product."""


class ProFlowError(Exception):
    """Any error that ProFlow raises on purpose, to be met by an application.

    Every exception of the packages `proflow_schemas`, `proflow_compiler` and `proflow_runtime` that
    an application may catch derives from it. Most derive from a built-in exception as well, such as
    `ValueError` or `LookupError`.
    """
