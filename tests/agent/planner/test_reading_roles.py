"""Which structure is measured, and which one restricts it."""

from __future__ import annotations

import pytest
from scanwright.agent.planner.reading.roles import read_roles


@pytest.mark.parametrize(
    ("text", "want", "ranged", "has_mask", "of", "region"),
    [
        ("volume of the bone in the head", "volume", False, False, "bone", None),
        ("in the head, how large is the bone", "volume", False, False, "bone", None),
        ("head bone volume", "volume", False, False, "bone", None),
        ("what share of the head is bone", "volume_fraction", False, False, "bone", "head"),
        ("bone makes up which proportion of the head", "volume_fraction", False, False, "bone", "head"),
        ("ratio of skull to head volume", "volume_fraction", False, False, "skull", "head"),
        ("what fraction of the scan is brain", "volume_fraction", False, False, "brain", None),
        ("volume ⟨range⟩ in the skull", "volume", True, False, "intensity_range", "skull"),
        ("the brain mask", "mask_nifti", False, False, "brain", None),
        ("save ⟨range⟩ as a nifti mask", "mask_nifti", True, False, "intensity_range", None),
        ("how large is the tumour", "volume", False, True, "given_region", None),
        ("how large is the tumour", "volume", False, False, "tumour", None),
        ("how much bone is in the ⟨given⟩", "volume", False, True, "bone", "given_region"),
        ("which half of the head holds more soft tissue", "asymmetry_index", False, False, "soft_tissue", None),
        ("longest diameter per slice", "axial_diameters", False, True, "given_region", None),
        ("voxel size of the brain scan", "spacing", False, False, "image", None),
        ("mean intensity of the whole scan", "mean_intensity", False, False, "image", None),
        ("size", "volume", False, True, None, None),
    ],
)
def test_roles(text: str, want: str, ranged: bool, has_mask: bool, of: str | None, region: str | None) -> None:
    roles = read_roles(text, want, ranged=ranged, has_mask=has_mask)
    assert (roles.of, roles.region) == (of, region)
