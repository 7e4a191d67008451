"""What a fresh environment has after `pip install .`, with extras and without, and what works in it."""

import json
from itertools import pairwise
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from proflow_runtime import commands as cli
from proflow_runtime.context import extras
from proflow_runtime.context.extras import EXTRAS

from .conftest import Environment

ROOT = Path(__file__).parents[2]
DESIGN = str(ROOT / "examples/purchase-approval.json")
OPTIONAL = sorted(
    {*(name for names in EXTRAS.values() for name in names), "starlette", "aiosqlite"}
)
FOUND = f"from importlib.util import find_spec; print(*filter(find_spec, {OPTIONAL!r}))"
WITH_A_MODEL = """
import asyncio, inngest
from proflow_compiler import convert_proflow_to_inngest
from proflow_runtime import Registry, functions_of
from proflow_runtime.local import LocalEngine
from proflow_schemas import Definition

def definition(**node):
    nodes = [{"id": "start", "type": "start"}, {"id": "x", **node}, {"id": "end", "type": "end"}]
    edges = [{"source": "start", "target": "x"}, {"source": "x", "target": "end"}]
    made = convert_proflow_to_inngest({"id": "d", "nodes": nodes, "edges": edges})
    return Definition.model_validate(made)

async def run(one):
    client = inngest.Inngest(app_id="a", is_production=False)
    async with LocalEngine(client, functions_of(one, client, Registry())) as engine:
        await engine.send(inngest.Event(name="d/start", data={"tenant_id": 1}))
        await engine.run_until_idle()
        (found,) = engine.runs.values()
        print(found.status, found.error)
"""


def test_without_extras_nothing_optional_is_installed(core: Environment) -> None:
    assert core.python_code(FOUND).stdout.split() == []


def test_the_extra_all_brings_everything(everything: Environment) -> None:
    assert everything.python_code(FOUND).stdout.split() == OPTIONAL


def test_designs_are_checked_compiled_drawn_and_run_without_extras(core: Environment) -> None:
    for command in (
        ["--help"],
        ["check", DESIGN],
        ["compile", DESIGN],
        ["compile", DESIGN, "--target", "definition"],
        ["graph", DESIGN, "--format", "svg"],
        ["explain", "PF304"],
        ["schema", "design"],
        ["diff", DESIGN, DESIGN],
    ):
        done = core.proflow(*command)
        assert done.returncode == 0, done.stderr
        assert done.stdout + done.stderr


@pytest.mark.parametrize("target", ["interpreter", "generated"])
def test_the_starter_runs_without_extras(core: Environment, target: str) -> None:
    assert core.proflow("init", target).returncode == 0
    design = f"{target}/designs/leave-request.json"
    done = core.proflow(
        *("run", design, "--target", target, "--format", "json"),
        *("--data", '{"tenant_id": 1, "days": 3}', "--answer", "manager=approved@+2h"),
    )
    assert done.returncode == 0, done.stderr
    run = json.loads(done.stdout)
    assert (run["status"], run["result"]) == ("completed", "completed")


@pytest.mark.parametrize(
    ("command", "user"),
    [
        (["serve", "--local"], "`proflow serve`"),
        (["serve"], "`proflow serve`"),
        (["db", "upgrade"], "`proflow db`"),
        (["token", "list", "--tenant", "1"], "`proflow token`"),
        (["token", "create", "--tenant", "1", "--user", "a"], "`proflow token`"),
        (["check", "--stored"], "`proflow check --stored` without PATH"),
    ],
)
def test_a_command_names_the_extra_that_it_lacks(
    core: Environment, command: list[str], user: str
) -> None:
    done = core.proflow(*command)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        f"error: {user} needs the extra `service`: pip install 'proflow-inngest[service]'\n"
    )


def test_help_needs_no_extra(core: Environment) -> None:
    for command in (["serve", "--help"], ["db", "upgrade", "--help"], ["token", "list", "--help"]):
        assert core.proflow(*command).returncode == 0


def test_a_node_that_asks_a_model_fails_at_once_without_its_extra(core: Environment) -> None:
    program = f"{WITH_A_MODEL}\nasyncio.run(run(definition(type='ai', config={{'prompt': 'Hi'}})))"
    done = core.python_code(program)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Failed")
    assert "an `ai` node needs the extra `ai`: pip install 'proflow-inngest[ai]'" in done.stdout


def test_e_mail_is_refused_before_anything_runs_without_its_extra(core: Environment) -> None:
    config = {"channel": "email", "to": "a@example.com", "subject": "s", "content": "c"}
    done = core.python_code(
        f"{WITH_A_MODEL}\nasyncio.run(run(definition(type='notify', config={config!r})))"
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "proflow_runtime.context.extras.MissingExtraError: the channel `email` needs the extra `email`:"
        " pip install 'proflow-inngest[email]'"
    )


def test_models_and_e_mail_are_simulated_without_their_extras(core: Environment) -> None:
    nodes = [
        {"id": "start", "type": "start"},
        {"id": "ask", "type": "ai", "config": {"prompt": "Hi"}},
        {
            "id": "mail",
            "type": "notify",
            "config": {"channel": "email", "to": "a@b.cn", "subject": "s", "content": "c"},
        },
        {"id": "end", "type": "end"},
    ]
    ids = [node["id"] for node in nodes]
    edges = [{"source": a, "target": b} for a, b in pairwise(ids)]
    path = core.folder / "notify.json"
    path.write_text(json.dumps({"nodes": nodes, "edges": edges}))
    for target in ("interpreter", "generated"):
        done = core.proflow("run", str(path), "--target", target, "--data", '{"tenant_id": 1}')
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "name",
    [
        *("proflow_runtime.service.ProFlow", "proflow_runtime.store.InngestTask"),
        "proflow_runtime.approvals.Resolver",
    ],
)
def test_an_import_names_the_extra_that_it_lacks(core: Environment, name: str) -> None:
    package, _, attribute = name.rpartition(".")
    done = core.python_code(f"from {package} import {attribute}")
    assert "MissingExtraError" in done.stderr
    assert done.stderr.splitlines()[-1].endswith("pip install 'proflow-inngest[service]'")


def test_a_database_of_postgresql_names_the_extra_that_it_lacks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(EXTRAS, "postgres", ("no_such_package",))  # type: ignore[arg-type]
    extras.is_installed.cache_clear()
    monkeypatch.setattr("sys.argv", ["proflow", "db", "upgrade", "--database", "postgres://h/d"])
    try:
        with pytest.raises(SystemExit) as ended:
            cli.main()
    finally:
        extras.is_installed.cache_clear()
    assert ended.value.code == 1
    assert capsys.readouterr().err == (
        "error: a database at `postgres://` needs the extra `postgres`:"
        " pip install 'proflow-inngest[postgres]'\n"
    )


def test_stored_designs_work_with_all_extras(everything: Environment) -> None:
    database = f"sqlite://{everything.folder / 'designs.db'}"
    assert everything.proflow("db", "upgrade", "--database", database).returncode == 0
    made = everything.proflow(
        *("token", "create", "--tenant", "1", "--user", "a", "--permission", "tenant:admin"),
        *("--database", database),
    )
    assert made.returncode == 0, made.stderr
    assert made.stdout.strip()
    done = everything.python_code("from proflow_runtime.service import ProFlow; print(ProFlow)")
    assert done.returncode == 0, done.stderr


def test_it_is_installed_beside_another_ruff(core: Environment, wheel: Path) -> None:
    core.pip("--dry-run", str(wheel), "ruff==0.16.0")


def test_extras_list_what_pyproject_asks_for(everything: Environment) -> None:
    """Each package that an extra is recognised by comes with that extra."""
    code = (
        "from importlib.metadata import requires, packages_distributions as p\n"
        "import json; print(json.dumps([requires('proflow-inngest'), p()]))"
    )
    asked, distributions = json.loads(everything.python_code(code).stdout)
    for extra, packages in EXTRAS.items():
        brought = {
            one.name.lower().replace("_", "-")
            for one in map(Requirement, asked)
            if one.marker is not None and one.marker.evaluate({"extra": extra})
        }
        for package in packages:
            names = {name.lower().replace("_", "-") for name in distributions[package]}
            assert names & brought, package
