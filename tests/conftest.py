"""Fixtures for all tests: the folder with real scans, and a bench to run single tools on arrays."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from scanwright.tools.testing import ToolBench


def pytest_configure() -> None:
    """A shell starts background jobs with SIGINT ignored, and children inherit that; some tests interrupt them."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder with real scans; where SCANWRIGHT_DATA is not set, the test is skipped and says so."""
    folder = os.environ.get("SCANWRIGHT_DATA")
    if not folder:
        pytest.skip("SCANWRIGHT_DATA is not set: it names the folder with the real scans")
    if not Path(folder).is_dir():
        pytest.fail(f"SCANWRIGHT_DATA names {folder}, which is no folder")
    return Path(folder)


@pytest.fixture
def bench(tmp_path: Path) -> ToolBench:
    """Runs single tools on arrays."""
    folder = tmp_path / "blobs"
    folder.mkdir()
    return ToolBench(folder)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Where the real scans are said to be there, a test that skips for want of them is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = [
        r for r in (reporter.stats.get("skipped", []) if reporter else []) if "SCANWRIGHT_DATA" in str(r.longrepr)
    ]
    if os.environ.get("SCANWRIGHT_DATA") and skipped and exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        for report in skipped:
            print(f"\nskipped although SCANWRIGHT_DATA is set: {report.nodeid}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many tests did not run, and why."""
    reasons: dict[str, int] = {}
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reasons[reason] = reasons.get(reason, 0) + 1
    for reason, count in sorted(reasons.items()):
        terminalreporter.write_line(f"not run: {count} tests ({reason.removeprefix('Skipped: ')})")
