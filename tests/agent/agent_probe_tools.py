"""Tools that count their calls, wait for each other or fail on purpose; workers import this module by name."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Annotated

import numpy as np
from scanwright.tools.artifacts import Mask, Measurement, Volume
from scanwright.tools.contract.context import ToolContext
from scanwright.tools.contract.decorator import tool
from scanwright.tools.contract.types import ArtifactType, Of
from scanwright.tools.errors import ToolInputError, UserInputError

REFERENCE = "none: a probe of the executor"
Earlier = Annotated[tuple[Measurement, ...] | None, Of("image", quantity="probe_value")]
Value = Annotated[Measurement, Of("image", quantity="probe_value")]


def _measured(value: float) -> Measurement:
    return Measurement(
        type=ArtifactType(kind="Measurement", structure="image", quantity=("probe_value",)),
        name="probe value",
        quantity="probe_value",
        value=value,
    )


def _count(folder: str, name: str) -> None:
    descriptor = os.open(Path(folder) / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(descriptor, b"called\n")
    os.close(descriptor)


@tool(examples=["probe"], reference=REFERENCE)
def probe_step(
    ctx: ToolContext, volume: Volume, folder: str, name: str, seconds: float = 0.0, before: Earlier = None
) -> Value:
    """Counts its call in a file, sleeps, and gives one more than the sum of what came before it."""
    _count(folder, name)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(0.01)
        ctx.progress(0.5, "sleeping")
    return _measured(1.0 + sum(float(m.value) for m in before or () if isinstance(m.value, int | float)))


@tool(examples=["probe"], reference=REFERENCE)
def probe_big_mask(ctx: ToolContext, volume: Volume, folder: str, name: str) -> Annotated[Mask, Of("probe_mask")]:
    """Counts its call and writes a mask that does not compress."""
    _count(folder, name)
    noise = np.random.default_rng(7).random(volume.geometry.shape) > 0.5
    return ctx.mask(noise, volume, "probe_mask")


@tool(examples=["probe"], reference=REFERENCE)
def probe_meets(ctx: ToolContext, volume: Volume, folder: str, me: str, other: str) -> Value:
    """Ends only when the other step is inside at the same time."""
    (Path(folder) / me).touch()
    until = time.monotonic() + 60
    while not (Path(folder) / other).exists():
        if time.monotonic() > until:
            raise ToolInputError(f"{other} never came.")
        time.sleep(0.005)
    return _measured(1.0)


@tool(examples=["probe"], reference=REFERENCE)
def probe_fails(ctx: ToolContext, volume: Volume, while_there: str = "", before: Earlier = None) -> Value:
    """Fails, for the planner to hear; with a file named, only while the file is there."""
    if not while_there or Path(while_there).exists():
        raise ToolInputError("The probe fails on purpose.")
    return _measured(1.0)


@tool(examples=["probe"], reference=REFERENCE)
def probe_no_room(ctx: ToolContext, volume: Volume, while_there: str) -> Value:
    """Says that the disk is full while a file is there."""
    if Path(while_there).exists():
        raise UserInputError("There is no room left: free some space and ask again.")
    return _measured(1.0)
