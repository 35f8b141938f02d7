"""The key of a step: equal keys mean equal results, so a result is kept under it and used again."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from scanwright.agent.plan.plan import Step
from scanwright.tools.artifacts import Artifact
from scanwright.tools.contract.decorator import Tool
from scanwright.tools.hashing import plain, sha256_json
from scanwright.tools.weights.store import WeightsStore


@cache
def engine() -> str:
    """The processor, as far as results depend on it: networks may run in bfloat16 where it has matrix tiles for it."""
    try:
        tiles = "amx_bf16" in Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        tiles = False
    return f"{platform.machine()}/{'bfloat16' if tiles else 'float32'}"


def step_key(
    tool: Tool[..., Any], step: Step, inputs: Mapping[str, Artifact | tuple[Artifact, ...]], weights: WeightsStore
) -> str:
    """Hash of the tool's id, version, code and weights, the engine, the parameters and the inputs.

    An input's hash covers its pixels and the context it declares (modality, sides known, space).
    """
    return sha256_json(
        {
            "tool": tool.card.id,
            "version": tool.card.version,
            "code": tool.card.code_hash,
            "weights": [weights.digests(name) for name in tool.card.weights],
            "engine": engine(),
            "params": {k: plain(v) for k, v in tool.params(step.params).items()},
            "inputs": {k: [a.hash for a in v] if isinstance(v, tuple) else v.hash for k, v in inputs.items()},
        }
    )


def provided_key(step: Step) -> str:
    """The key of a step whose output a person gave: no call of the tool has it, so that none is taken for one."""
    return sha256_json({"tool": step.tool, "provided": step.provided})
