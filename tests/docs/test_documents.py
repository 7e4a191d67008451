"""Every command that the documents show is executed, and what they show of it is what it prints.

A `json` or `python` block after a paragraph that names a file, as in “as `leave.json`:”, is that file. A `sh`
block is executed line by line; a `python` or `text` block right after it is what it prints.
`pytest --snapshot-update` writes what is shown anew.
"""

import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from proflow_runtime.commands import main

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    "README.md",
    "CONTRIBUTING.md",
    *sorted(f"docs/{p.name}" for p in ROOT.glob("docs/*.md")),
]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"as `([\w.-]+)`:\s*\Z")


@dataclass(frozen=True)
class Block:
    """A fenced block: `shows` is what it prints, if the next block says so."""

    language: str
    text: str
    file: str | None = None
    shows: str | None = None


def blocks(document: str) -> list[Block]:
    text = (ROOT / document).read_text(encoding="utf-8")
    matches = list(BLOCK.finditer(text))
    found: list[Block] = []
    for match, after in zip(matches, [*matches[1:], None], strict=False):
        named = FILE.search(text, 0, match.start())
        follows = after is not None and not text[match.end() : after.start()].strip()
        shows = after[2] if after and follows and match[1] == "sh" else None
        file = named[1] if named and match[1] in ("json", "python") else None
        found.append(Block(match[1], match[2], file, shows))
    return found


def prints(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> str:
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit) as ended:
        main()
    out, err = capfd.readouterr()
    assert ended.value.code in (None, 0), err
    return out


def targets() -> set[str]:
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    return {line.split()[0] for line in done.stdout.splitlines()}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_commands_work_and_print_what_is_shown(
    document: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> None:
    monkeypatch.chdir(tmp_path)
    text = (ROOT / document).read_text(encoding="utf-8")
    shown = text
    for block in blocks(document):
        if block.file is not None:
            (tmp_path / block.file).write_text(block.text, encoding="utf-8")
        if block.language != "sh":
            continue
        out = ""
        for line in block.text.splitlines():
            command = shlex.split(line)
            if command[0] == "make":
                assert command[1] in targets()
                subprocess.run(["make", "-n", *command[1:]], cwd=ROOT, check=True)
                capfd.readouterr()
            else:
                assert command[0] == "proflow", f"nothing executes `{line}`"
                out += prints(command, monkeypatch, capfd)
        if block.shows is not None:
            shown = shown.replace(f"\n{block.shows}```", f"\n{out}```")
    if request.config.getoption("--snapshot-update"):
        (ROOT / document).write_text(shown, encoding="utf-8")
        text = shown
    assert text == shown


def test_the_readme_shows_commands_and_what_they_print() -> None:
    found = blocks("README.md")
    assert sum(block.language == "sh" for block in found) > 5
    assert sum(block.shows is not None for block in found) == 2
    assert [block.file for block in found if block.file] == ["leave.json"]


@pytest.mark.parametrize("document", [*DOCUMENTS, "ARCHITECTURE.md", "CHANGELOG.md"])
def test_links_lead_somewhere(document: str) -> None:
    path = ROOT / document
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (path.parent / target.partition("#")[0]).exists(), target


def test_every_command_of_the_program_is_documented() -> None:
    from proflow_runtime.commands import app

    text = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    for command in app.registered_commands:
        assert command.callback is not None
        assert f"proflow {command.name or command.callback.__name__}" in text


def test_contributing_takes_at_most_six_steps() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    titles = re.findall(r"^## (Add an? .+)$", text, re.MULTILINE)
    assert len(titles) >= 5
    for title in titles:
        section = text.split(f"## {title}\n")[1].split("\n## ")[0]
        steps = [int(number) for number in re.findall(r"^(\d+)\. ", section, re.MULTILINE)]
        assert steps == list(range(1, len(steps) + 1))
        assert 1 < len(steps) <= 6
        for path in re.findall(
            r"`((?:schemas|compiler|runtime|tests|fixtures|web)/[\w/.-]*)`", section
        ):
            assert (ROOT / path).exists(), path
