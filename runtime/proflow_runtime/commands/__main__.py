"""`python -m proflow_runtime.commands` is `proflow`."""

from proflow_runtime.commands import main

main()
