"""Weights for organs on CT: TotalSegmentator, VISTA3D, and whatever model folders a person has."""

from __future__ import annotations

from scanwright.tools.weights.entries import Models, WeightsEntry

FAST = Models(path="totalsegmentator", folders=("Dataset297_*",))
FINE = Models(path="totalsegmentator", folders=tuple(f"Dataset{n}_*" for n in range(291, 296)))
VISTA = Models(path="", folders=("vista3d",))
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
        places=(FAST,),
    ),
    WeightsEntry(
        name="totalsegmentator",
        licence="Apache-2.0",
        source=_TOTAL,
        files=(),
        places=(FINE,),
    ),
    WeightsEntry(
        name="vista3d",
        licence="NVIDIA License (research and evaluation only); code Apache-2.0",
        source="He et al., VISTA3D: a unified segmentation foundation model for 3D medical imaging, CVPR 2025; "
        "https://github.com/Project-MONAI/model-zoo",
        commercial=False,
        files=(),
        places=(VISTA,),
    ),
    # What takes one organ out of a label map is of use where any network is that makes such a map.
    WeightsEntry(
        name="organs",
        licence="as that of the network that is there",
        source="TotalSegmentator or VISTA3D: one of the three above",
        files=(),
        places=(FAST, FINE, VISTA),
    ),
    WeightsEntry(
        name="own-models",
        licence="as their owner says",
        source="MONAI bundles and nnU-Net folders of your own",
        files=(),
        places=(Models(path="models"),),
    ),
)
