"""Settings of the tools layer."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class ToolSettings(BaseModel):
    """How tools run here.

    workers is the number of worker processes, threads the compute threads in each (0: all cores),
    memory_limit_gb what one worker may use before its step is ended, step_timeout_s how long a step may take,
    weights_dir a folder with weights that no package brings, cache_dir a folder for what can be made again (the
    record of verified weights); without it nothing is remembered across processes.
    """

    model_config = ConfigDict(extra="forbid")

    workers: int = Field(default=max(1, min(4, os.cpu_count() or 1)), ge=1)
    threads: int = Field(default=0, ge=0)
    memory_limit_gb: float = Field(default=8.0, gt=0)
    step_timeout_s: float = Field(default=600.0, gt=0)
    weights_dir: Path | None = None
    cache_dir: Path | None = None
