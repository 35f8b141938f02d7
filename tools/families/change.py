"""Change of a size between two exams of one patient."""

from __future__ import annotations

from typing import Annotated

from scanwright.tools import measuring
from scanwright.tools.artifacts import Measurement
from scanwright.tools.contract.card import MeasuredError, Needs
from scanwright.tools.contract.context import ToolContext
from scanwright.tools.contract.decorator import tool
from scanwright.tools.contract.types import ArtifactType, Of
from scanwright.tools.contract.uncertainty import Uncertainty
from scanwright.tools.errors import ToolInputError
from scanwright.tools.measuring import space_of
from scanwright.tools.vocabulary.quantities import QUANTITIES

NO_CHANGE = "within measurement range: no change can be claimed"
TEMPLATE_HIDES = "both exams were fitted to a template, which hides change of the whole head's size"
TO_ML = {"mL": 1.0, "L": 1000.0, "mm3": 0.001, "cm3": 1.0}


@tool(
    examples=(
        "How much has the brain volume changed since the last exam?",
        "Did the lesion grow?",
        "Compare the volume with the earlier scan.",
        "What is the change in volume between the two exams?",
        "Has the marked region shrunk since March?",
        "Percentage change of the skull volume from the first to the second scan",
    ),
    near_misses=(
        "Compare the left and the right side. (asymmetry_index)",
        "Compare two patients. (refused: a change is within one patient)",
        "Is the tumour progressing? (not assessed)",
    ),
    needs=Needs(memory_gb=0.05, seconds=0.01),
    reference="Relative change 100·(later−earlier)/earlier; extremes of both ranges: QIBA, Raunig et al., Stat Methods "
    "Med Res 2015;24:27–67.",
    error=(MeasuredError(text="exact arithmetic; its range holds the truth where both ranges do", relative_error=0.0),),
    uses=(measuring,),
)
def volume_change(
    ctx: ToolContext,
    earlier: Annotated[Measurement, Of("?s", side="?d", quantity="volume", time="?t1", grid="*")],
    later: Annotated[Measurement, Of("?s", side="?d", quantity="volume", time="?t2", grid="*")],
) -> Annotated[Measurement, Of("?s", side="?d", quantity="volume_change", time="*", grid="*")]:
    """Change of a structure's volume from an earlier to a later exam of one patient, in percent of the earlier.

    The range combines the extremes of the two volumes' ranges. Where those overlap, no change can be claimed, and a
    flag says so. Raises ToolInputError where a volume was not found, is cut by the field of view or is nought, where
    the two were measured in different spaces, or are of one exam.
    """
    first, second = _millilitres(earlier, "earlier"), _millilitres(later, "later")
    if earlier.type.time is not None and earlier.type.time == later.type.time:
        raise ToolInputError("Both volumes are of the same exam: a change needs two exams of one patient.")
    if space_of(earlier) != space_of(later):
        raise ToolInputError(
            f"The earlier volume is {_space(earlier)} and the later one is {_space(later)}: measure both in one space."
        )
    value = 100 * (second[1] - first[1]) / first[1]
    flags = [f for f in dict.fromkeys((*earlier.flags, *later.flags)) if f]
    if space_of(earlier) is not None:
        flags.append(TEMPLATE_HIDES)
    if first[0] <= second[2] and second[0] <= first[2]:
        flags.append(NO_CHANGE)
    uncertainty = None
    if first[0] > 0:
        uncertainty = Uncertainty(
            kind="range",
            low=100 * (second[0] - first[2]) / first[2],
            high=100 * (second[2] - first[0]) / first[0],
            method="the extremes of both volumes' ranges",
            n=2,
        )
    concept = QUANTITIES["volume_change"]
    start = later.type.model_dump(exclude={"time", "grid", "quantity"})
    return Measurement(
        type=ArtifactType(**start, quantity=("volume_change",)),
        name=f"change of the {later.name}",
        quantity="volume_change",
        value=value,
        unit="%",
        code=concept.code,
        uncertainty=uncertainty,
        method="100·(later−earlier)/earlier",
        flags=tuple(flags),
    )


def _millilitres(volume: Measurement, which: str) -> tuple[float, float, float]:
    """The lowest, the measured and the highest volume in mL."""
    if volume.value is None or not isinstance(volume.value, int | float):
        raise ToolInputError(f"The {which} {volume.name} was not found, so no change can be told.")
    if volume.bound is not None:
        raise ToolInputError(
            f"The {which} {volume.name} is only a {volume.bound} bound (cut by the field of view): a change cannot be "
            "told from it."
        )
    if volume.unit not in TO_ML:
        raise ToolInputError(f"The {which} {volume.name} is in {volume.unit}, which is no unit of volume.")
    if volume.value <= 0:
        raise ToolInputError(
            f"The {which} {volume.name} is {volume.value:g} {volume.unit}: no change can be told from it."
        )
    scale = TO_ML[volume.unit]
    value = float(volume.value) * scale
    found = volume.uncertainty
    if found is None or found.low is None or found.high is None:
        return value, value, value
    return found.low * scale, value, found.high * scale


def _space(volume: Measurement) -> str:
    flag = space_of(volume)
    if flag is None:
        return "in the patient's own space"
    return "in a space that is not known" if flag == measuring.SPACE_UNKNOWN else flag.split(":")[0]
