"""The environment is read in one place, which knows the name, type and meaning of each variable."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from proflow_runtime.context import environment
from proflow_runtime.context.environment import GROUPS, HttpCalls, Smtp, names, read
from proflow_runtime.context.environment_error import EnvironmentVariableError

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "environment.md"
TABLES = re.compile(r"(?<=<!-- tables -->\n)(.*?)(?=<!-- end -->)", re.DOTALL)
KNOWN = {name for group in GROUPS for name in names(group)}
READER = re.compile(r"\bos\.environ\b|\bgetenv\b|import environ\b")
READERS = {
    "compiler/proflow_compiler/commands/terminal.py",  # colours; a defect of the settings, too
    "runtime/proflow_runtime/context/environment.py",
}
NAME = re.compile(r"\b(?:PROFLOW|INNGEST)_[A-Z_]+\b")
ELSEWHERE = {
    "INNGEST_POSTGRES_URI",  # of Inngest's server
    "INNGEST_REDIS_URI",
    "PROFLOW_SERVICE",  # of the page's development server
    "PROFLOW_BROWSER",  # of our tests
    "PROFLOW_LIVE_HOST",
}


def sources() -> list[Path]:
    packages = ("compiler/proflow_compiler", "runtime/proflow_runtime", "schemas/proflow_schemas")
    return [path for one in packages for path in (ROOT / one).rglob("*.py")]


def tables() -> str:
    """The groups as Markdown."""
    found = []
    for group in GROUPS:
        rows = [f"## {group.title}\n", "| variable | type | meaning |", "|---|---|---|"]
        for field in group.model_fields.values():
            default = field.default
            said = "" if default in (None, (), False) else f"; `{default}` by default"
            rows.append(
                f"| `{field.validation_alias}` | {kind(field)} | {field.description}{said} |"
            )
        found.append("\n".join(rows) + "\n")
    return "\n" + "\n".join(found) + "\n"


def kind(field: object) -> str:
    text = str(field)
    for word, shown in (
        ("Secret", "text, secret"),
        ("tuple", "list"),
        ("Literal", "`starttls`, `tls` or `none`"),
        ("annotation=bool", "`1` or `0`"),
        ("int", "whole number"),
        ("float", "number"),
    ):
        if word in text.split("description=")[0].split("validation_alias")[0]:
            return shown
    return "text"


def test_the_page_has_all_variables(request: pytest.FixtureRequest) -> None:
    text = PAGE.read_text(encoding="utf-8")
    written = TABLES.sub(lambda _: tables(), text)
    if request.config.getoption("--snapshot-update"):
        PAGE.write_text(written, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == written
    assert "PROFLOW_SMTP_PORT" in written


def test_nothing_else_reads_the_environment() -> None:
    found = {
        path.relative_to(ROOT).as_posix()
        for path in sources()
        if any(READER.search(line) for line in path.read_text(encoding="utf-8").splitlines())
    }
    assert found == READERS


@pytest.mark.parametrize("path", [*sources(), *ROOT.glob("docs/*.md"), ROOT / "README.md"],
                         ids=lambda path: path.name)  # fmt: skip
def test_no_other_variable_is_mentioned(path: Path) -> None:
    assert set(NAME.findall(path.read_text(encoding="utf-8"))) <= KNOWN | ELSEWHERE


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("PROFLOW_SMTP_PORT", "smtp", "`PROFLOW_SMTP_PORT` is `smtp`, and must be a whole number"),
        ("PROFLOW_SMTP_PORT", "70000",
         "`PROFLOW_SMTP_PORT` is `70000`, and must be a number of at most 65535"),
        ("PROFLOW_SMTP_SECURITY", "ssl",
         "`PROFLOW_SMTP_SECURITY` is `ssl`, and must be one of `starttls`, `tls` or `none`"),
        ("PROFLOW_SMTP_TIMEOUT", "0", "`PROFLOW_SMTP_TIMEOUT` is `0`, and must be above 0"),
        ("PROFLOW_AI_TIMEOUT", "soon", "`PROFLOW_AI_TIMEOUT` is `soon`, and must be a number"),
        ("PROFLOW_HTTP_MAX_BYTES", "1 MB", "`PROFLOW_HTTP_MAX_BYTES` is `1 MB`, and must be a whole number"),
        ("PROFLOW_HTTP_ALLOW_PRIVATE", "perhaps",
         "`PROFLOW_HTTP_ALLOW_PRIVATE` is `perhaps`, and must be `1` or `0`"),
        ("PROFLOW_HTTP_ALLOW", "erp, 10.0.0.0/99",
         "`PROFLOW_HTTP_ALLOW`: `10.0.0.0/99` is not a network"),
        ("PROFLOW_TIMEZONE", "Asia/Beijing",
         "`PROFLOW_TIMEZONE`: there is no time zone `Asia/Beijing`"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named_on_one_line(
    name: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(EnvironmentVariableError) as raised:
        environment.check_all()
    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)


def test_what_is_empty_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in names(Smtp):
        monkeypatch.setenv(name, "")
    assert (read(Smtp).host, read(Smtp).port, read(Smtp).security) == (None, None, "starttls")


def test_a_change_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in (1000, 2000):
        monkeypatch.setenv("PROFLOW_HTTP_MAX_BYTES", str(value))
        assert read(HttpCalls).max_bytes == value


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROFLOW_SMTP_PASSWORD", "hunter2")
    assert "hunter2" not in f"{read(Smtp)!r} {read(Smtp)}"


def test_the_command_line_ends_with_exit_code_2() -> None:
    command = [sys.executable, "-m", "proflow_runtime.commands", "serve", "--local"]
    bad = {**environment.os.environ, "PROFLOW_SMTP_PORT": "smtp"}
    done = subprocess.run(command, env=bad, capture_output=True, text=True, timeout=120)
    message = "error: `PROFLOW_SMTP_PORT` is `smtp`, and must be a whole number\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", message)


@pytest.mark.parametrize("command", ["check", "compile"])
def test_a_command_that_needs_no_settings_does_not_import_them(command: str) -> None:
    design = ROOT / "fixtures/designs/purchase-approval/design.json"
    code = (
        f"import sys; sys.argv = ['proflow', {command!r}, {str(design)!r}]\n"
        "from proflow_runtime.commands import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print('pydantic_settings' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.splitlines()[-1] == "False", done.stdout + done.stderr
