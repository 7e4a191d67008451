"""`proflow db upgrade`, as a person calls it."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from databases import Postgres


def proflow(*arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    done: subprocess.CompletedProcess[str] = subprocess.run(
        [sys.executable, "-m", "proflow_runtime.commands", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "Traceback" not in done.stderr
    return done


def test_the_database_is_a_file_here_unless_another_is_named(tmp_path: Path) -> None:
    first = proflow("db", "upgrade", folder=tmp_path)
    assert (first.returncode, first.stdout) == (0, "applied 0001_initial\n")
    again = proflow("db", "upgrade", folder=tmp_path)
    assert (again.returncode, again.stdout) == (0, "sqlite://proflow.db is up to date\n")
    named = proflow("db", "upgrade", "--database", "sqlite://other.db", folder=tmp_path)
    assert named.stdout == "applied 0001_initial\n"
    environment: Any = {"PROFLOW_DATABASE_URL": "sqlite://third.db"}
    assert "applied" in proflow("db", "upgrade", folder=tmp_path, **environment).stdout
    assert {"proflow.db", "other.db", "third.db"} == {path.name for path in tmp_path.iterdir()}


def test_an_option_counts_for_more_than_the_environment(empty_url: str, tmp_path: Path) -> None:
    environment: Any = {"PROFLOW_DATABASE_URL": "mysql://nothing"}
    done = proflow("db", "upgrade", "--database", empty_url, folder=tmp_path, **environment)
    assert (done.returncode, done.stdout) == (0, "applied 0001_initial\n")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("proflow.db", "error: `proflow.db` is no URL of a database; give `sqlite://FILE` or"),
        ("postgres://me:secret@127.0.0.1:1/db", "cannot use the database `postgres://me:***@127"),
        ("sqlite:///no/where/x.db", "unable to open database file; the folder `/no/where` must"),
        ("sqlite:///proc/x.db", "cannot use the database `sqlite:///proc/x.db`: unable to open"),
    ],
)
def test_a_database_that_cannot_be_used_is_told_in_one_line(
    url: str, message: str, tmp_path: Path
) -> None:
    done = proflow("db", "upgrade", "--database", url, folder=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert "secret" not in done.stderr


def test_a_database_that_postgres_does_not_have_is_told(postgres: Postgres, tmp_path: Path) -> None:
    done = proflow("db", "upgrade", "--database", postgres.url("absent"), folder=tmp_path)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "absent" in done.stderr


def test_help_imports_nothing_of_the_store(tmp_path: Path) -> None:
    program = (
        "import sys; from proflow_runtime.commands import main\n"
        "sys.argv = ['proflow', '--help']\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(sorted({n.split('.')[0] for n in sys.modules} & {'tortoise', 'asyncpg', 'asyncio'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert " db " in done.stdout
    assert done.stdout.endswith("[]\n")
