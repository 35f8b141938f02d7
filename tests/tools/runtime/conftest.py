"""A runtime with the probe tools and a folder of blobs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from scanwright.tools.contract.context import Cases
from scanwright.tools.registry import Registry
from scanwright.tools.runtime.local import LocalRuntime
from scanwright.tools.settings import ToolSettings
from scanwright.tools.testing import ToolBench


@pytest.fixture
def make_runtime(bench: ToolBench) -> Iterator[Callable[..., LocalRuntime]]:
    """LocalRuntime(**settings) on the blobs of the bench; closed after the test."""
    made: list[LocalRuntime] = []

    def make(registry: Registry | None = None, cases: Cases | None = None, **settings: Any) -> LocalRuntime:
        runtime = LocalRuntime(
            ToolSettings(**{"workers": 2, "threads": 1, **settings}),
            bench.blobs,
            registry=registry,
            cases=cases,
            extra_modules=["runtime_probe_tools"],
            extra_paths=[str(Path(__file__).parent)],
        )
        made.append(runtime)
        return runtime

    yield make
    for runtime in made:
        runtime.close()
