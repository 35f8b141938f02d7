"""Radiomic features: IBSI names and codes, bins, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from scanwright.tools import phantoms
from scanwright.tools.artifacts import Mask, Measurements, Volume
from scanwright.tools.contract.quantity import HU, Quantity
from scanwright.tools.errors import ToolInputError
from scanwright.tools.families.radiomics_features import radiomic_features
from scanwright.tools.testing import ToolBench

mirp = pytest.importorskip("mirp", reason="mirp is not installed: it is the extra `radiomics`")
SPACING = (1.0, 1.5, 2.0)


def a_lesion(bench: ToolBench, k: int = 0, **facts: str) -> tuple[Volume, Mask]:
    """An ellipsoid with a gradient and noise, stored in the k-th way."""
    phantom = phantoms.ellipsoid((24, 22, 20), SPACING, (11.0, 15.0, 19.0), (8.0, 11.0, 12.0))
    noise = np.random.default_rng(4).normal(0, 20, phantom.voxels.shape)
    rise = 3.0 * np.arange(24)[:, None, None] + 2.0 * np.arange(20)[None, None, :]
    voxels, affine = phantoms.reoriented((rise + noise).astype(np.int16), phantom.affine, k)
    inside, _ = phantoms.reoriented((phantom.voxels > 0).astype(np.uint8), phantom.affine, k)
    volume = bench.volume(voxels, affine, **{"modality": "CT", "unit": HU, **facts})
    return volume, bench.mask(inside.astype(bool), volume)


def by_code(found: Measurements) -> dict[str, float]:
    return {i.code.value: i.value for i in found.items if i.code is not None and isinstance(i.value, float)}


def test_first_order_features_are_those_of_the_voxels(bench: ToolBench) -> None:
    volume, mask = a_lesion(bench)
    values = bench.read(volume)[bench.read(mask)].astype(float)
    found = bench.run(radiomic_features, volume=volume, region=mask, family="first_order")
    codes = by_code(found)
    # Q4LE mean, ECT3 variance, Y12H median, 1GSF minimum, 84IY maximum: IBSI's codes.
    want = {"Q4LE": values.mean(), "ECT3": values.var(), "Y12H": np.median(values), "1GSF": values.min(),
            "84IY": values.max()}  # fmt: skip
    assert {c: codes[c] for c in want} == pytest.approx(want, rel=1e-4)
    assert found.items[0].unit == HU
    assert found.items[0].code is not None
    assert found.items[0].code.system == "IBSI"


def test_the_approximate_volume_counts_voxels_and_the_mesh_is_near_it(bench: ToolBench) -> None:
    volume, mask = a_lesion(bench)
    codes = by_code(bench.run(radiomic_features, volume=volume, region=mask, family="shape"))
    assert codes["YEKZ"] == pytest.approx(mask.voxels * 3.0, rel=1e-4)
    assert codes["RNU0"] == pytest.approx(4 / 3 * np.pi * 8 * 11 * 12, rel=0.05)


@pytest.mark.parametrize("family", ["glcm", "glszm"])
def test_how_the_file_stores_the_scan_changes_no_texture(bench: ToolBench, family: str) -> None:
    one, other = (
        by_code(bench.run(radiomic_features, volume=v, region=m, family=family))
        for v, m in (a_lesion(bench), a_lesion(bench, 29))
    )
    assert one == pytest.approx(other, rel=1e-5)
    assert len(one) >= 16


def test_the_bins_are_said_and_change_the_texture(bench: ToolBench) -> None:
    volume, mask = a_lesion(bench)
    usual = bench.run(radiomic_features, volume=volume, region=mask, family="ngtdm")
    wide = bench.run(radiomic_features, volume=volume, region=mask, family="ngtdm",
                     bin_width=Quantity(value=50, unit=HU))  # fmt: skip
    few = bench.run(radiomic_features, volume=volume, region=mask, family="ngtdm", bin_count=Quantity(value=8))
    assert [f.items[0].method.split(",")[1].strip() for f in (usual, wide, few)] == [
        "bins of width 25", "bins of width 50", "8 bins"
    ]  # fmt: skip
    assert len({f.items[0].value for f in (usual, wide, few)}) == 3


def test_arbitrary_units_get_a_number_of_bins(bench: ToolBench) -> None:
    volume, mask = a_lesion(bench, modality="MR", unit="1")
    found = bench.run(radiomic_features, volume=volume, region=mask, family="ngtdm")
    assert "32 bins" in found.items[0].method


def test_voxels_that_are_not_cubic_are_flagged(bench: ToolBench) -> None:
    volume, mask = a_lesion(bench)
    found = bench.run(radiomic_features, volume=volume, region=mask, family="ngtdm")
    assert any("not cubic" in f for f in found.flags)


def test_what_cannot_be_measured_is_refused(bench: ToolBench) -> None:
    volume, mask = a_lesion(bench)
    tiny = np.zeros(volume.geometry.shape, bool)
    tiny[5:7, 5:7, 5:7] = True
    with pytest.raises(ToolInputError, match="8 voxels"):
        bench.run(radiomic_features, volume=volume, region=bench.mask(tiny, volume))
    with pytest.raises(ToolInputError, match="not both"):
        bench.run(radiomic_features, volume=volume, region=mask, bin_width=Quantity(value=5, unit=HU),
                  bin_count=Quantity(value=8))  # fmt: skip
    with pytest.raises(ToolInputError, match="whole number"):
        bench.run(radiomic_features, volume=volume, region=mask, bin_count=Quantity(value=1.5))
    with pytest.raises(ToolInputError, match="not a voxel value"):
        bench.run(radiomic_features, volume=volume, region=mask, bin_width=Quantity(value=5, unit="mm"))
    with pytest.raises(ToolInputError, match="above 0"):
        bench.run(radiomic_features, volume=volume, region=mask, bin_width=Quantity(value=-5, unit=HU))
