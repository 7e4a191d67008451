"""What holds for every test: what it may load, in which process it runs, and in `make quick`."""

import os
import time
from pathlib import Path

import pytest
from hypothesis import settings
from touched import ROOT, changed, touched
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

QUICK_SECONDS = 30.0
"""How long `--touched` goes on beginning tests."""
_TOUCHED = pytest.StashKey[list[Path]]()
_BEGAN = time.monotonic()

# Every client of Inngest loads the certificates of all authorities, twice: 40 ms and 1.6 MB each,
# and tests make thousands. None of them needs one; a folder without certificates costs nothing.
# Here and not in a fixture, since some clients are made as modules are imported.
os.environ.pop("SSL_CERT_FILE", None)
os.environ["SSL_CERT_DIR"] = str(Path(__file__).parent)

# A change lands or not by what it does, not by the examples that happen to be drawn: they are the
# same in each run. `make test-long` draws others, many more of them.
settings.register_profile("same examples", derandomize=True)
settings.register_profile("other examples", print_blob=True)
settings.load_profile("other examples" if "PROFLOW_EXAMPLES" in os.environ else "same examples")


class ByModule(LoadScopeScheduling):
    """Tests of a module run in one process, which shares what they have cached.

    Those of the page share one service and one browser, whatever their module.
    """

    def _split_scope(self, nodeid: str) -> str:
        module, _, _ = nodeid.partition("::")
        return "tests/web" if module.startswith("tests/web/") else module


@pytest.hookimpl(optionalhook=True)  # there is no such hook where all runs in one process
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByModule:
    return ByModule(config, log)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--touched",
        metavar="COMMIT",
        help="only what has to do with files that differ from a commit, the nearest first,"
        f" for {QUICK_SECONDS:.0f} s; no test that is marked as long",
    )


def pytest_configure(config: pytest.Config) -> None:
    if since := config.getoption("--touched"):
        config.stash[_TOUCHED] = [ROOT / module for module in touched(changed(since))]
        # The nearest come first, not the modules with the most tests.
        config.option.loadscopereorder = False


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    modules = config.stash.get(_TOUCHED, None)
    if modules is None:
        return None
    if collection_path.is_dir():
        return None if any(collection_path in one.parents for one in modules) else True
    return None if collection_path in modules else True


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    modules = config.stash.get(_TOUCHED, None)
    if modules is not None:
        left = {one for one in items if any(map(one.get_closest_marker, ("long", "alone")))}
        config.hook.pytest_deselected(items=list(left))
        place = {module: index for index, module in enumerate(modules)}
        items[:] = sorted(
            (item for item in items if item not in left), key=lambda item: place[item.path]
        )


def pytest_runtest_setup(item: pytest.Item) -> None:
    if _TOUCHED in item.config.stash and time.monotonic() - _BEGAN > QUICK_SECONDS:
        pytest.skip("no time left; `make test` runs it")


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """That a change touches no test is no failure."""
    if _TOUCHED in session.config.stash and exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
        session.exitstatus = pytest.ExitCode.OK
