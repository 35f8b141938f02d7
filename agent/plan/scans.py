"""What is doubtful about a scan, or about a mask that a person gives, whatever is asked of it."""

from __future__ import annotations

from math import prod

from scanwright.agent.plan.plan import PlanConcern
from scanwright.agent.plan.studies import StudyView
from scanwright.tools.artifacts import Mask, Photograph, Slide, Volume
from scanwright.tools.contract.conditions import NotCut

# Beyond these a file's spacing is an error of units (metres, micrometres, pixels) more often than a scan.
_SPACING_MM = (0.05, 20.0)
_EXTENT_MM = 2200.0
# Right–left and anterior–posterior. The widest field of view of a scanner is 800 mm or less; a scan of the named part
# that is as wide as a person is long has the wrong scale, and so has one in which the part cannot lie.
_WIDEST_MM = 1000.0
_PART_AT_LEAST_MM = {"head": 60.0, "brain": 60.0, "chest": 100.0, "abdomen": 100.0, "pelvis": 100.0}

# No light microscope has pixels under 0.03 µm; the largest glass for whole organs is 200 mm long; the retina ends where
# an eye of 25 mm does, and unrolled it has less than 60 mm.
_LEAST_UM, _GLASS_MM, _RETINA_MM = 0.03, 220.0, 80.0

# DICOM modalities (PS3.3 C.7.3.1.1.1) of objects whose numbers are labels, doses or text and no picture of a patient.
_NO_SCANS = {
    "SEG": "a segmentation", "RTSTRUCT": "a set of contours", "RTDOSE": "a dose distribution", "RTPLAN": "a plan",
    "REG": "a registration", "PR": "a presentation state", "SR": "a report", "KO": "a list of key images",
}  # fmt: skip

_EMPTY_MASK = "The given mask is empty, so nothing in it can be measured."
_WHOLE_MASK = "The given mask fills the whole image, so it marks no structure: check the label after --mask FILE:LABEL."
_FEW_MASK = "The given mask has {voxels} voxels: its size and shape are rough, whatever the numbers say."
# A structure that is two voxels wide in each direction has eight, and none of them lies inside.
_FEW_VOXELS = 8
_WHOLE_SHARE = 0.99


def scan_concerns(study: StudyView) -> list[PlanConcern]:
    """Refusals that hold for every plan on this study, and flags."""
    concerns = []
    for name, volume in study.images.items():
        if not isinstance(volume, Volume):
            if sentence := _flat_scale(name, volume):
                concerns.append(PlanConcern(step=None, effect="refuse", sentence=sentence, test="scale"))
            continue
        for effect, sentence, test in (_no_scan(name, volume), _scale(name, volume), _too_small(name, volume)):
            if sentence:
                concerns.append(PlanConcern(step=None, effect=effect, sentence=sentence, test=test))
    return concerns


def mask_concerns(step: str, mask: Mask) -> list[PlanConcern]:
    """What must be known of a mask that a person gives to a step."""
    if mask.voxels == 0:
        return [PlanConcern(step=step, effect="refuse", sentence=_EMPTY_MASK, test="empty_mask")]
    if mask.voxels >= _WHOLE_SHARE * prod(mask.geometry.shape):
        return [PlanConcern(step=step, effect="refuse", sentence=_WHOLE_MASK, test="whole_mask")]
    found = []
    if mask.voxels <= _FEW_VOXELS:
        said = _FEW_MASK.format(voxels=mask.voxels)
        found.append(PlanConcern(step=step, effect="flag", sentence=said, test="few_voxels"))
    if (cut := NotCut().check(mask)) is not None:
        found.append(PlanConcern(step=step, effect="flag", sentence=f"The given mask is {cut}.", test="not_cut"))
    return found


_Said = tuple[str, str, str]


def _no_scan(name: str, volume: Volume) -> _Said:
    what = _NO_SCANS.get(volume.image.modality or "")
    if what is None:
        return "refuse", "", ""
    sentence = (
        f"{name} is {what} and no scan, so its values say nothing of the patient: give the scan it was made from"
        f"{', and this with --mask.' if what == 'a segmentation' else '.'}"
    )
    return "refuse", sentence, "no_scan"


def _scale(name: str, volume: Volume) -> _Said:
    spacing, extent = volume.geometry.spacing_mm, volume.geometry.extent_mm
    if min(spacing) < _SPACING_MM[0] or max(spacing) > _SPACING_MM[1] or max(extent) > _EXTENT_MM:
        shown = " × ".join(f"{v:.4g}" for v in spacing)
        sentence = f"The voxels of {name} are {shown} mm, which no scanner makes of a person: check the file's units."
        return "refuse", sentence, "scale"
    if max(extent[:2]) > _WIDEST_MM:
        sentence = (
            f"{name} is {max(extent[:2]):.0f} mm wide, wider than any scanner sees: check the spacing in the file."
        )
        return "refuse", sentence, "scale"
    return "refuse", "", ""


def _flat_scale(name: str, image: Slide | Photograph) -> str:
    um = image.frame.um_per_pixel
    if um is None:
        return ""
    size = max(image.frame.width * um[0], image.frame.height * um[1]) / 1000
    widest = _RETINA_MM if image.image.modality == "OP" else _GLASS_MM if isinstance(image, Slide) else _EXTENT_MM
    if min(um) >= _LEAST_UM and size <= widest:
        return ""
    return (
        f"A pixel of {name} is said to be {max(um):.3g} µm, which makes the image {size:.3g} mm wide: check the size "
        "of a pixel."
    )


def _too_small(name: str, volume: Volume) -> _Said:
    part, largest = volume.image.body_part or "", max(volume.geometry.extent_mm)
    if largest >= _PART_AT_LEAST_MM.get(part, 0.0) or min(volume.geometry.spacing_mm) < _SPACING_MM[0]:
        return "flag", "", ""
    sentence = (
        f"{name} is said to show the {part} and is {largest:.0f} mm long at most: where the spacing in the file is "
        "wrong, every size is."
    )
    return "flag", sentence, "scale"
