"""Units: which one a quantity is measured in, what it converts to (UCUM through pint), how people read it."""

from __future__ import annotations

from functools import cache
from typing import Any

CANONICAL_UNITS: dict[str, str] = {
    "volume": "mL",
    "component_volumes": "mL",
    "volume_fraction": "%",
    "surface_area": "cm2",
    "longest_diameter": "mm",
    "longest_axial_diameter": "mm",
    "axial_diameters": "mm",
    "bounding_box": "mm",
    "spacing": "mm",
    "field_of_view": "mm",
    "asymmetry_index": "%",
    "volume_change": "%",
    "emphysema_index": "%",
    "area_at_level": "cm2",
    "component_count": "1",
    "dimensions": "1",
    "dice": "1",
    "evans_index": "1",
    "midline_shift": "mm",
    "brain_parenchymal_fraction": "%",
    "abc2_volume": "mL",
    "abc2_difference": "mL",
    "overlap_change": "mL",
    "exam_displacement": "mm",
    "exam_rotation": "deg",
    "sum_of_diameters": "mm",
    "target_lesion_diameter": "mm",
    "liver_spleen_ratio": "1",
    "liver_spleen_difference": "[hnsf'U]",
    "agatston_score": "1",
    "calcium_volume_score": "mm3",
    "calcified_lesion_count": "1",
    "suv_max": "{SUVbw}g/mL",
    "suv_mean": "{SUVbw}g/mL",
    "suv_peak": "{SUVbw}g/mL",
    "cardiothoracic_ratio": "1",
    "vessel_density": "%",
    "vessel_length": "mm",
    "vessel_calibre": "mm",
    "fractal_dimension": "1",
    "nuclei_count": "1",
    "nuclei_density": "/mm2",
    "mean_nuclear_area": "um2",
    "sd_nuclear_area": "um2",
    "positive_fraction": "%",
    "tissue_area": "mm2",
    "tissue_fraction": "%",
    "stain_density": "1",
    "pixel_size": "um",
}
PIXELS = "{pixels}"
# Measured in pixels where it is not known how large a pixel is; of the areas there is no value then.
PIXEL_LENGTHS = frozenset({"vessel_length", "vessel_calibre"})
SIZED = frozenset({"tissue_area"})
# A ratio of like things can be said in percent, which a count or a score cannot.
RATIOS = frozenset({"dice", "evans_index", "liver_spleen_ratio", "cardiothoracic_ratio"})
# Read as a person writes them; everything else is shown as UCUM.
SHOWN_UNITS = {
    "[hnsf'U]": "HU",
    "1": "",
    "cm2": "cm²",
    "mm2": "mm²",
    "cm3": "cm³",
    "mm3": "mm³",
    "m2": "m²",
    "um": "µm",
    "um2": "µm²",
    "/mm2": "per mm²",
    "{pixels}": "pixels",
    "{count}": "",
    "deg": "°",
    "{SUVbw}g/mL": "g/mL (SUVbw)",
}
_HU = "[hnsf'U]"
# Both factors are exact by definition (1 mL = 1 cm3); a table is faster to start than the parser.
_FACTORS: dict[str, tuple[str, float]] = {
    "mL": ("volume", 1.0),
    "L": ("volume", 1000.0),
    "dL": ("volume", 100.0),
    "uL": ("volume", 1e-3),
    "cm3": ("volume", 1.0),
    "mm3": ("volume", 1e-3),
    "mm": ("length", 1.0),
    "cm": ("length", 10.0),
    "m": ("length", 1000.0),
    "um": ("length", 1e-3),
    "mm2": ("area", 1.0),
    "cm2": ("area", 100.0),
    "m2": ("area", 1e6),
    "um2": ("area", 1e-6),
    "{SUVbw}g/mL": ("uptake", 1.0),
    "g/mL": ("uptake", 1.0),
    "%": ("share", 1.0),
    "1": ("share", 100.0),
}


# Told in words, so that no unit can be asked of them.
WORDS = frozenset({"modality", "body_part", "orientation", "stain", "recist_response", "liver_fat_grade"})


def unit_of(want: str, image_unit: str) -> str | None:
    """The unit that a quantity is measured in on an image with voxels in image_unit; None where only its tool knows."""
    return image_unit if "intensity" in want else CANONICAL_UNITS.get(want)


def sayable(unit: str, to: str) -> bool:
    """True where a value in unit can be said in to; a count or an arbitrary intensity only as what it is."""
    return unit == to if unit == "1" else convertible(unit, to)


def convertible(unit: str, to: str) -> bool:
    """True where a value in unit can be said in to."""
    try:
        factor(unit, to)
    except ValueError:
        return False
    return True


@cache
def factor(unit: str, to: str) -> float:
    """What a value in unit is multiplied with to be in to (UCUM). Raises ValueError where it cannot be."""
    if unit == to:
        return 1.0
    if _HU in (unit, to):  # a scale of its own, though UCUM files it under plain numbers
        raise ValueError(f"{unit} cannot be converted to {to}")
    if unit in _FACTORS and to in _FACTORS:
        (kind, scale), (other, divisor) = _FACTORS[unit], _FACTORS[to]
        if kind != other:
            raise ValueError(f"{unit} cannot be converted to {to}")
        return scale / divisor
    return _pint_factor(unit, to)


def _pint_factor(unit: str, to: str) -> float:
    from ucumvert import PintUcumRegistry

    registry: Any = PintUcumRegistry()
    try:
        return float((1.0 * registry.from_ucum(unit)).to(registry.from_ucum(to)).magnitude)
    except Exception as error:
        raise ValueError(f"{unit} cannot be converted to {to}") from error


def shown_unit(unit: str) -> str:
    """The unit as people read it, "" for a plain number."""
    return SHOWN_UNITS.get(unit, unit)
