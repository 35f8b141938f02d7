"""Tools that misbehave on purpose; workers import this module by name."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from pathlib import Path
from typing import Annotated, Literal

from scanwright.tools.artifacts import Embedding, ImageFacts, Mask, Measurement, Volume
from scanwright.tools.contract.card import Needs
from scanwright.tools.contract.context import ToolContext
from scanwright.tools.contract.decorator import tool
from scanwright.tools.contract.types import ArtifactType, Of
from scanwright.tools.errors import NeedsInput, ToolInputError, UserInputError

REFERENCE = "none: a probe of the runtime"


def measured(value: float | str) -> Measurement:
    return Measurement(type=ArtifactType(kind="Measurement"), name="probe", quantity="probe", value=value)


@tool(examples=["mean"], reference=REFERENCE)
def probe_mean(ctx: ToolContext, volume: Volume) -> Measurement:
    """Mean of a volume, read from the blob store in the worker."""
    return measured(float(ctx.voxels(volume).mean()))


@tool(examples=["above"], reference=REFERENCE)
def probe_above(ctx: ToolContext, volume: Volume, low: float) -> Annotated[Mask, Of("probe")]:
    """Voxels above a value, written to the blob store by the worker."""
    return ctx.mask(ctx.voxels(volume) > low, volume, "probe")


@tool(examples=["wrong"], reference=REFERENCE)
def probe_wrong_type(ctx: ToolContext, volume: Volume) -> Annotated[Mask, Of("brain")]:
    """Promises a brain and returns a skull."""
    return ctx.mask(ctx.voxels(volume) > 0, volume, "skull")


@tool(examples=["crash"], reference=REFERENCE)
def probe_crash(ctx: ToolContext, how: Literal["segfault", "exit", "sys_exit", "kill"]) -> Measurement:
    """Ends its process."""
    print("last words of the probe", flush=True)
    if how == "segfault":
        ctypes.string_at(0)
    elif how == "exit":
        os._exit(3)
    elif how == "sys_exit":
        sys.exit(4)
    os.kill(os.getpid(), signal.SIGKILL)
    return measured(0)


@tool(examples=["leak"], reference=REFERENCE)
def probe_leak(ctx: ToolContext) -> Measurement:
    """Takes memory until it is stopped."""
    held = []
    while True:
        held.append(b"x" * 20_000_000)
        time.sleep(0.02)


@tool(examples=["hold"], reference=REFERENCE)
def probe_keep(ctx: ToolContext, megabytes: int) -> Measurement:
    """Keeps memory in its worker after it is done; gives its process id."""
    ctx.resident("kept", lambda: b"x" * (megabytes * 1_000_000))
    return measured(os.getpid())


@tool(examples=["sleep"], reference=REFERENCE)
def probe_sleep(ctx: ToolContext, folder: str, polite: bool = True) -> Measurement:
    """Writes its process id into a file and sleeps until it is stopped; politely reports progress meanwhile."""
    (Path(folder) / f"pid-{os.getpid()}").touch()
    while True:
        time.sleep(0.01)
        if polite:
            ctx.progress(0.5, "sleeping")


@tool(examples=["progress"], reference=REFERENCE)
def probe_progress(ctx: ToolContext, steps: int) -> Measurement:
    """Reports each step."""
    for step in range(steps):
        ctx.progress((step + 1) / steps, f"step {step + 1}")
    return measured(steps)


@tool(examples=["meet"], reference=REFERENCE)
def probe_meet(ctx: ToolContext, folder: str, me: str, other: str) -> Measurement:
    """Is done only when another job of this tool is inside at the same time."""
    (Path(folder) / me).touch()
    until = time.monotonic() + 60
    while not (Path(folder) / other).exists():
        if time.monotonic() > until:
            raise ToolInputError(f"{other} never came.")
        time.sleep(0.005)
    return measured(os.getpid())


@tool(examples=["pid"], reference=REFERENCE)
def probe_pid(ctx: ToolContext) -> Measurement:
    """The process id of its worker."""
    return measured(os.getpid())


@tool(examples=["pid"], reference=REFERENCE, needs=Needs(torch=True))
def probe_torch(ctx: ToolContext) -> Measurement:
    """Loads torch; gives the process id of its worker."""
    import torch

    return measured(os.getpid() if torch.ones(1).item() else 0)


@tool(examples=["pid"], reference=REFERENCE, needs=Needs(torch=True))
def probe_torch_too(ctx: ToolContext) -> Measurement:
    """Another tool that needs torch; gives the process id of its worker."""
    import torch

    return measured(os.getpid() if torch.ones(1).item() else 0)


@tool(examples=["say"], reference=REFERENCE)
def probe_noise(ctx: ToolContext) -> Measurement:
    """Prints to stdout, also below Python, and reads stdin."""
    print("noise from python")
    os.write(1, b"noise from below\n")
    return measured(sys.stdin.read())


@tool(examples=["environment"], reference=REFERENCE)
def probe_threads(ctx: ToolContext) -> Measurement:
    """How many threads torch computes with."""
    import torch

    return measured(torch.get_num_threads())


class OutsideError(ToolInputError):
    """An error class that no other process needs to know."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} is not {two}: give another number.")


@tool(examples=["raise"], reference=REFERENCE)
def probe_raise(ctx: ToolContext, what: Literal["bug", "user", "asks", "own", "memory"]) -> Measurement:
    """Raises."""
    if what == "user":
        raise UserInputError("The scan is upside down: turn it.")
    if what == "asks":
        raise NeedsInput("Which modality is it?", ("modality",), ("CT", "MR"))
    if what == "own":
        raise OutsideError(1, 2)
    if what == "memory":
        raise MemoryError
    return measured({"a": 1}["b"])


@tool(examples=["near"], reference=REFERENCE)
def probe_cases(ctx: ToolContext, limit: int) -> Measurement:
    """Asks the parent for near cases and tells the first and how many."""
    kind = ArtifactType(kind="Embedding", time="S-own")
    embedding = Embedding(type=kind, name="probe", encoder="probe-1", vector=(1.0, 0.0), image=ImageFacts())
    found = ctx.cases.nearest(embedding, limit, {"sex": "F"})
    return measured(f"{found.cases[0].study_id} {len(found.cases)} {os.getpid()}")
