"""Write the first migration anew, from the models as they are."""

import asyncio
import subprocess
import sys
from pathlib import Path

from tortoise.context import TortoiseContext
from tortoise.migrations.autodetector import MigrationAutodetector

from proflow_runtime.store.database import APP, tortoise_app, tortoise_config

FIRST = Path(__file__).with_name("0001_initial.py")
HEADER = '"""Every table, as Tortoise derived it from the models."""\n\n'


async def first_migration() -> str:
    async with TortoiseContext() as context:
        await context.init(tortoise_config("sqlite://unused"), init_connections=False)
        assert context.apps is not None
        (writer,) = await MigrationAutodetector(context.apps, {APP: tortoise_app()}).changes()
    return writer.as_string()


def main() -> None:
    FIRST.unlink(missing_ok=True)
    FIRST.write_text(HEADER + asyncio.run(first_migration()), encoding="utf-8")
    for step in (["check", "--fix", "--quiet"], ["format", "--quiet"]):
        subprocess.run([sys.executable, "-m", "ruff", *step, str(FIRST)], check=True)


if __name__ == "__main__":
    main()
