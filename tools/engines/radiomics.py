"""Radiomic features of a region by the library mirp, under their IBSI names and codes.

Settings are those that answers of different scans can be set beside each other with: the scan's own voxels, one bin
width (its lower edge a multiple of the width, so that bins do not depend on the region) or one number of bins, 3D
matrices, distance 1, averaged over directions. mirp is imported when features are computed; it is an extra.
Source: Zwanenburg et al., Radiology 2020;295:328–338; Zwanenburg, mirp, JOSS 2024;9:6413.
"""

from __future__ import annotations

import logging
import math
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.errors import ToolFailed
from scanwright.tools.imaging import orient
from scanwright.tools.imaging.geometry import Geometry

Family: TypeAlias = Literal["shape", "first_order", "glcm", "glrlm", "glszm", "ngtdm"]
# Our names, and mirp's names of its families.
FAMILIES: dict[Family, tuple[str, ...]] = {
    "shape": ("morphology",),
    "first_order": ("statistics", "intensity_histogram"),
    "glcm": ("glcm",),
    "glrlm": ("glrlm",),
    "glszm": ("glszm",),
    "ngtdm": ("ngtdm",),
}
# Voxels around the region that are handed on with it: the mesh must close.
MARGIN = 3


@dataclass(frozen=True)
class Bins:
    """How intensities are made discrete: by a width in the image's unit, or by a number of bins."""

    width: float | None = None
    count: int | None = None

    def words(self) -> str:
        """For the method of a measurement."""
        return f"bins of width {self.width:g}" if self.width is not None else f"{self.count} bins"


@dataclass(frozen=True)
class Feature:
    """A feature: mirp's short name, its IBSI name and code (None where IBSI has none), its value."""

    key: str
    name: str
    ibsi: str | None
    value: float | None


def mirp_is_there() -> bool:
    """True where the library is installed."""
    from importlib.util import find_spec

    return find_spec("mirp") is not None


def features(
    voxels: NDArray[Any], mask: NDArray[np.bool_], geometry: Geometry, families: tuple[Family, ...], bins: Bins
) -> list[Feature]:
    """The features of mask (i, j, k) on voxels (i, j, k), in mirp's order.

    Raises ToolFailed where mirp is not installed, or cannot measure the region.
    """
    if not mirp_is_there():
        raise ToolFailed("This needs the package mirp: install the extra `radiomics`.")
    box = _box(mask)
    inside = voxels[box]
    small = Geometry.of(
        inside.shape, _moved(geometry, [s.start for s in box]), sides_known=geometry.sides_known, space=geometry.space
    )
    lowest = float(inside[mask[box]].min())
    settings = _settings(families, bins, lowest)
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            # That arbitrary units want a number of bins is for the caller to say.
            warnings.simplefilter("ignore")
            return _extracted(inside, mask[box], small, settings)
    except (ValueError, TypeError, IndexError, ArithmeticError) as error:
        raise ToolFailed(f"mirp cannot measure this region ({error}): choose a larger one, or other bins.") from error
    finally:
        logging.disable(before)


def _extracted(
    voxels: NDArray[Any], mask: NDArray[np.bool_], geometry: Geometry, settings: dict[str, Any]
) -> list[Feature]:
    from mirp import extract_features
    from mirp._features.feature_generator import generate_features
    from mirp.settings.feature_parameters import FeatureExtractionSettingsClass

    with tempfile.TemporaryDirectory(prefix="scanwright-") as folder:
        image_file, mask_file = Path(folder) / "image.nii", Path(folder) / "mask.nii"
        orient.write_nifti(voxels.astype(np.float32), geometry, image_file)
        orient.write_nifti(mask, geometry, mask_file)
        (table,) = extract_features(image=str(image_file), mask=str(mask_file), num_cpus=1, **settings)
    found: list[Feature] = []
    for each in generate_features(settings=FeatureExtractionSettingsClass(**settings)):
        each.create_table_name()
        column = next((c for c in table.columns if c == each.table_name or c.startswith(f"{each.table_name}_fb")), None)
        if column is None:
            continue
        value = float(table[column].iloc[0])
        found.append(Feature(each.table_name, str(each.name), each.ibsi_id, value if math.isfinite(value) else None))
    return found


def _settings(families: tuple[Family, ...], bins: Bins, lowest: float) -> dict[str, Any]:
    discrete: dict[str, Any] = {
        "base_discretisation_method": "fixed_bin_number",
        "base_discretisation_n_bins": bins.count,
    }
    if bins.width is not None:
        discrete = {
            "base_discretisation_method": "fixed_bin_size",
            "base_discretisation_bin_width": float(bins.width),
            # Nothing is cut off: the range only says where the first bin begins.
            "resegmentation_intensity_range": [math.floor(lowest / bins.width) * bins.width, math.nan],
        }
    return {
        "base_feature_families": [name for family in families for name in FAMILIES[family]],
        "glcm_spatial_method": "3d_average",
        "glrlm_spatial_method": "3d_average",
        "glszm_spatial_method": "3d",
        "ngtdm_spatial_method": "3d",
        **discrete,
    }


def _box(mask: NDArray[np.bool_]) -> tuple[slice, slice, slice]:
    """The mask's box, wider by the margin, within the array."""
    spans = []
    for axis in range(3):
        found = np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != axis)))
        spans.append(slice(max(0, int(found[0]) - MARGIN), min(mask.shape[axis], int(found[-1]) + 1 + MARGIN)))
    return spans[0], spans[1], spans[2]


def _moved(geometry: Geometry, start: list[int]) -> NDArray[np.float64]:
    matrix = np.array(geometry.matrix)
    matrix[:3, 3] = (geometry.matrix @ [*start, 1.0])[:3]
    return matrix
