"""Weights of language models that plan: no tool loads them, a server does (`scanwright llm`)."""

from __future__ import annotations

from scanwright.tools.weights.entries import Folder, Hub, WeightsEntry, WeightsFile

QWEN = "qwen2.5-coder-1.5b-instruct-q4"

LLM_WEIGHTS: tuple[WeightsEntry, ...] = (
    WeightsEntry(
        name=QWEN,
        licence="Apache-2.0",
        source="Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF, quantised to Q4_K_M; Hui et al., Qwen2.5-Coder Technical "
        "Report, arXiv 2409.12186",
        files=(
            WeightsFile(
                role="model",
                file="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
                sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
                size=1_117_320_768,
            ),
        ),
        # The branch is safe to name here: what comes is held to the sha256 above.
        places=(Folder(path=QWEN), Hub(repo="Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF", revision="main")),
    ),
)
