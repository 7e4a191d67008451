"""Writes the first migration from the current models."""

import asyncio
import subprocess
import sys
from pathlib import Path

from tortoise.context import TortoiseContext
from tortoise.fields import IntField
from tortoise.migrations.autodetector import MigrationAutodetector

from proflow_runtime.store.database import APP, tortoise_app, tortoise_config

FIRST = Path(__file__).with_name("0001_initial.py")
HEADER = '"""Every table, as Tortoise derived it from the models."""\n\n'


async def derived() -> str:
    """Let Tortoise derive the first migration from the models."""
    async with TortoiseContext() as context:
        await context.init(tortoise_config("sqlite://unused"), init_connections=False)
        assert context.apps is not None
        for model in context.apps[APP].values():
            if isinstance(model._meta.pk, IntField) and not model._meta.pk.generated:
                raise SystemExit(f"{model.__name__}: migrations know generated integer keys only")
        # This module holds no migrations, so that all models are new to Tortoise.
        app = {**tortoise_app(), "migrations": "proflow_runtime.store.database"}
        (writer,) = await MigrationAutodetector(context.apps, {APP: app}).changes()
    return writer.as_string()


def written() -> str:
    """Return the formatted text of the migration's file."""
    text = HEADER + asyncio.run(derived())
    for step in (["check", "--fix", "--quiet"], ["format", "--quiet"]):
        command = [sys.executable, "-m", "ruff", *step, "--stdin-filename", str(FIRST), "-"]
        done = subprocess.run(command, input=text, check=True, capture_output=True, text=True)
        text = done.stdout
    return text


if __name__ == "__main__":
    FIRST.write_text(written(), encoding="utf-8")
