"""Where the slices of a series lie: sorted along their normal, gaps and tilt checked, one affine for all."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from scanwright.tools.errors import UserInputError
from scanwright.tools.imaging.dicom_header import DicomFile
from scanwright.tools.imaging.geometry import Geometry
from scanwright.tools.imaging.wording import shown

# Positions are written with few decimals; a gap may differ from the others by this much (mm, or share of a gap).
_GAP_MM: Final = 0.05
_GAP_SHARE: Final = 0.01
_SAME_PLACE_MM: Final = 0.01
_TILT_DEGREES: Final = 0.1


def stacked(series: list[DicomFile]) -> tuple[list[DicomFile], Geometry, tuple[str, ...]]:
    """The slices in order, their common geometry (RAS+ mm, sheared where the gantry was tilted), and warnings.

    Positions are LPS (PS3.3 C.7.6.2.1.1): x and y change sign. Raises UserInputError where the slices are not parallel,
    share a place, are unevenly spaced, or do not lie on a line.
    """
    first = series[0]
    if len(series) < 2:
        raise UserInputError(
            f"{shown(first.path)} is the only slice of its series, and a 3D scan is needed: give all its slices."
        )
    row, column, spacing = _plane(first)
    for header in series[1:]:
        other_row, other_column, other_spacing = _plane(header)
        if not (np.allclose(row, other_row, atol=1e-3) and np.allclose(column, other_column, atol=1e-3)):
            raise UserInputError(
                f"{shown(first.path)} and {shown(header.path)} are of one series and not parallel: "
                "give the slices of one scan only."
            )
        if not np.allclose(spacing, other_spacing, rtol=1e-3):
            raise UserInputError(
                f"{shown(first.path)} and {shown(header.path)} are of one series and differ in pixel spacing: "
                "give the slices of one scan only."
            )
    normal = np.cross(row, column)
    along = [float(_position(header) @ normal) for header in series]
    order = np.argsort(along, kind="stable")
    slices = [series[i] for i in order]
    gaps = np.diff(np.array(along)[order])
    _check_gaps(slices, gaps)
    step, warnings = _step(slices, normal, float(min(spacing)))
    affine = np.eye(4)
    affine[:3, 0] = row * spacing[1]
    affine[:3, 1] = column * spacing[0]
    affine[:3, 2] = step
    affine[:3, 3] = _position(slices[0])
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
    shape = int(first.tags.Columns), int(first.tags.Rows), len(slices)
    try:
        return slices, Geometry.of(shape, affine), warnings
    except ValidationError as error:
        raise UserInputError(f"{shown(first.path)} has an unusable geometry: {error.errors()[0]['msg']}.") from error


def _plane(header: DicomFile) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    cosines = _numbers(header, "ImageOrientationPatient", 6)
    row, column = cosines[:3], cosines[3:]
    unit = np.allclose([np.linalg.norm(row), np.linalg.norm(column)], 1.0, atol=1e-2) and abs(row @ column) < 1e-2
    if not unit:
        raise UserInputError(
            f"{shown(header.path)} has a damaged ImageOrientationPatient: get it again from its source."
        )
    spacing = _numbers(header, "PixelSpacing", 2)
    if (spacing <= 0).any():
        raise UserInputError(f"{shown(header.path)} has a PixelSpacing of 0 or less: get it again from its source.")
    return row, column, spacing


def _position(header: DicomFile) -> NDArray[np.float64]:
    return _numbers(header, "ImagePositionPatient", 3)


def _numbers(header: DicomFile, keyword: str, count: int) -> NDArray[np.float64]:
    try:
        values = np.array([float(v) for v in header.tags.get(keyword)], dtype=np.float64)
    except (TypeError, ValueError):
        values = np.empty(0)
    if values.shape != (count,) or not np.isfinite(values).all():
        raise UserInputError(f"{shown(header.path)} has a damaged {keyword}: get it again from its source.")
    return values


def _check_gaps(slices: list[DicomFile], gaps: NDArray[np.float64]) -> None:
    same = int(np.argmin(gaps))
    if gaps[same] < _SAME_PLACE_MM:
        raise UserInputError(
            f"{shown(slices[same].path)} and {shown(slices[same + 1].path)} lie at the same place: the series "
            "holds several time points, echoes or phases, so give a folder with one of them."
        )
    usual = float(np.median(gaps))
    odd = np.abs(gaps - usual) > max(_GAP_MM, _GAP_SHARE * usual)
    if not odd.any():
        return
    worst = int(np.argmax(odd))
    raise UserInputError(
        f"The slices are unevenly spaced: {_gap(gaps[worst])} between {shown(slices[worst].path)} and "
        f"{shown(slices[worst + 1].path)}, where {_gap(usual)} is usual (gaps run from {_gap(gaps.min())} to "
        f"{_gap(gaps.max())}): {_advice(float(gaps[worst]), usual)}."
    )


def _advice(gap: float, usual: float) -> str:
    if abs(gap / usual - round(gap / usual)) < 0.02 and round(gap / usual) > 1:
        return "slices are missing, so export the whole series again"
    return "export the series again, or give one evenly spaced part of it"


def _gap(mm: Any) -> str:
    return f"{float(mm):.2f} mm"


def _step(
    slices: list[DicomFile], normal: NDArray[np.float64], pixel_mm: float
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """From one slice to the next in LPS mm, and a warning where that is not along the normal."""
    places = np.array([_position(header) for header in slices])
    step = (places[-1] - places[0]) / (len(slices) - 1)
    line = places[0] + np.arange(len(slices))[:, None] * step
    aside = places - line
    aside -= np.outer(aside @ normal, normal)
    off = np.linalg.norm(aside, axis=1)
    if off.max() > max(_GAP_MM, 0.1 * pixel_mm):
        worst = shown(slices[int(np.argmax(off))].path)
        raise UserInputError(
            f"The slices do not lie on a line ({worst} is {_gap(off.max())} aside): export the series again."
        )
    tilt = float(np.degrees(np.arccos(np.clip(step @ normal / np.linalg.norm(step), -1.0, 1.0))))
    if tilt <= _TILT_DEGREES:
        return step, ()
    return step, (
        f"The slices are stacked at {tilt:.1f}° to their normal (tilted gantry): the grid is sheared and kept so.",
    )
