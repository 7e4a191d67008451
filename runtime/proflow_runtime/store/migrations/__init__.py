"""Internal: the migrations of the tables.

Up to the first release there is one migration, which `python -m proflow_runtime.store.migrations`
writes from the models. Later ones are created by Tortoise's `makemigrations`.
"""
