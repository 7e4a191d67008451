"""Internal: the tables, step by step. Up to the first release there is one step, which
`python -m proflow_runtime.store.migrations` writes anew from the models; the steps after it are
Tortoise's `makemigrations`."""
