"""Weights for organs on CT: TotalSegmentator, VISTA3D, and whatever model folders a person has."""

from __future__ import annotations

from scanwright.tools.weights.entries import Models, WeightsEntry

_TOTAL = (
    "Wasserthal et al., TotalSegmentator: robust segmentation of 104 anatomic structures in CT images, Radiol Artif "
    "Intell 2023;5:e230024; the releases of https://github.com/wasserth/TotalSegmentator"
)

ORGAN_WEIGHTS: tuple[WeightsEntry, ...] = (
    WeightsEntry(
        name="totalsegmentator-fast",
        licence="Apache-2.0",
        source=_TOTAL,
        files=(),
        places=(Models(path="totalsegmentator", folders=("Dataset297_*",)),),
    ),
    WeightsEntry(
        name="totalsegmentator",
        licence="Apache-2.0",
        source=_TOTAL,
        files=(),
        places=(Models(path="totalsegmentator", folders=tuple(f"Dataset{n}_*" for n in range(291, 296))),),
    ),
    WeightsEntry(
        name="vista3d",
        licence="NVIDIA License (research and evaluation only); code Apache-2.0",
        source="He et al., VISTA3D: a unified segmentation foundation model for 3D medical imaging, CVPR 2025; "
        "https://github.com/Project-MONAI/model-zoo",
        commercial=False,
        files=(),
        places=(Models(path="", folders=("vista3d",)),),
    ),
    WeightsEntry(
        name="own-models",
        licence="as their owner says",
        source="MONAI bundles and nnU-Net folders of your own",
        files=(),
        places=(Models(path="models"),),
    ),
)
