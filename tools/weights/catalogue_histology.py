"""Weights for histology: networks that find nuclei. None is bundled."""

from __future__ import annotations

from scanwright.tools.weights.entries import Models, WeightsEntry

HISTOLOGY_WEIGHTS: tuple[WeightsEntry, ...] = (
    WeightsEntry(
        name="instanseg-brightfield",
        licence="Apache-2.0 (the brightfield model may be used commercially)",
        source="Goldsborough et al., InstanSeg, arXiv 2408.15954; https://github.com/instanseg/instanseg",
        program=True,
        files=(),
        places=(Models(path="", folders=("brightfield_nuclei",)),),
    ),
)
