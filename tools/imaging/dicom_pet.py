"""What a PET series says of its voxels: their unit, and the numbers that SUV by body weight is reckoned from.

After the vendor-neutral rules of the Quantitative Imaging Biomarkers Alliance (FDG-PET/CT Profile, appendix G): doses
are in Bq, times in seconds. Vendors' private factors are not used: where the standard tags do not do, that is said.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from scanwright.tools.artifacts import PetFacts

SUV_UNIT: Final = "{SUVbw}g/mL"
_UNITS: Final = {"BQML": "Bq/mL", "GML": SUV_UNIT, "CNTS": "{counts}", "PROPCPS": "{counts}/s"}

# A dose below this is in MBq, or a mistake; scans start later than some half-lives after the injection in no clinic.
_LEAST_DOSE_BQ: Final = 1e5
_MOST_HALF_LIVES: Final = 10.0
_WEIGHT_KG: Final = (0.3, 400.0)


class _Missing(Exception):
    """Why SUV cannot be told, as a sentence."""


def pet_unit(tags: Any) -> str:
    """The UCUM unit of a PET's voxels. GML is SUV by body weight unless SUVType (0054,1006) names another."""
    unit = _UNITS.get(_word(tags, "Units"), "1")
    return "1" if unit == SUV_UNIT and _word(tags, "SUVType") not in ("", "BW") else unit


def pet_facts(slices: Sequence[Any]) -> PetFacts:
    """The numbers for SUV from the tags of all slices, or the sentence that says why they do not do."""
    first = slices[0]
    unit = _word(first, "Units")
    if unit == "GML":
        kind = _word(first, "SUVType") or "BW"
        if kind != "BW":
            return PetFacts(why_not=f"This PET's voxels are SUV by another measure ({kind}), not by body weight.")
        return PetFacts()
    try:
        if unit != "BQML":
            raise _Missing(_other_unit(unit))
        corrected = {str(v).upper() for v in _several(first.get("CorrectedImage"))}
        if not {"ATTN", "DECY"} <= corrected:
            raise _Missing("This PET does not say that it is corrected for attenuation and decay (CorrectedImage), so "
                           "no SUV can be told from it.")  # fmt: skip
        agent = _agent(first)
        dose = _number(agent, "RadionuclideTotalDose", "the injected dose")
        if dose < _LEAST_DOSE_BQ:
            raise _Missing(f"The injected dose is given as {dose:g} Bq, which is none that is injected (MBq, perhaps): "
                           "mend RadionuclideTotalDose in the files.")  # fmt: skip
        half_life = _number(agent, "RadionuclideHalfLife", "the half-life")
        weight = _number(first, "PatientWeight", "the body weight")
        if not _WEIGHT_KG[0] <= weight <= _WEIGHT_KG[1]:
            raise _Missing(f"The body weight is given as {weight:g} kg, which no patient has: mend PatientWeight.")
        decay = _decay_s(slices, agent, half_life)
    except _Missing as missing:
        return PetFacts(why_not=str(missing))
    return PetFacts(dose_bq=dose, half_life_s=half_life, weight_kg=weight, decay_s=decay)


def _other_unit(unit: str) -> str:
    if unit in ("CNTS", "PROPCPS"):
        return (
            "This PET's voxels are counts; what makes SUV of them is a private factor of the vendor, which is not "
            "used: export the series in Bq/mL."
        )
    return f"This PET's voxels are in {unit or 'a unit that is not said'}, and SUV is told from Bq/mL or g/mL."


def _decay_s(slices: Sequence[Any], agent: Any, half_life: float) -> float:
    """Seconds from the injection to the moment that the voxels are corrected to (DecayCorrection, 0054,1102)."""
    correction = _word(slices[0], "DecayCorrection")
    if correction == "ADMIN":
        return 0.0
    if correction != "START":
        raise _Missing("This PET does not say to which moment it is decay-corrected (DecayCorrection is "
                       f"{correction or 'absent'}), so no SUV can be told from it.")  # fmt: skip
    series = _moment(slices[0], "SeriesDate", "SeriesTime")
    taken = [_moment(tags, "AcquisitionDate", "AcquisitionTime") for tags in slices]
    if series is None or any(t is None for t in taken):
        raise _Missing("The date and time of this PET's series and acquisition are not in its files, so the decay "
                       "since the injection is not known.")  # fmt: skip
    # A series that was made later carries the time it was made, not the time the decay is counted to.
    if series > min(t for t in taken if t is not None):
        raise _Missing("This PET series was made after the scan (its time is later than the acquisition), and to "
                       "what it is decay-corrected stands in private tags only: give the original series.")  # fmt: skip
    injected = _injection(agent, series)
    decay = (series - injected).total_seconds()
    if not 0 <= decay <= _MOST_HALF_LIVES * half_life:
        raise _Missing(f"The injection lies {decay / 60:.0f} min before the scan by the tags, which cannot be: mend "
                       "the time of the injection in the files.")  # fmt: skip
    return decay


def _injection(agent: Any, series: datetime) -> datetime:
    """The injection with its date; where only a time is given, on the day of the scan or, if later, the day before."""
    full = re.match(r"(\d{8})(\d{6}(?:\.\d+)?)", _word(agent, "RadiopharmaceuticalStartDateTime"))
    if full and (moment := _parsed(full[1], full[2])) is not None:
        return moment
    only = _parsed(series.strftime("%Y%m%d"), _word(agent, "RadiopharmaceuticalStartTime"))
    if only is None:
        raise _Missing("The time of the injection is not in this PET's files, so no SUV can be told from it.")
    return only if only <= series else only - timedelta(days=1)


def _agent(tags: Any) -> Any:
    agents = tags.get("RadiopharmaceuticalInformationSequence") or []
    if len(agents) != 1:
        raise _Missing(f"This PET's files name {'no' if not len(agents) else len(agents)} radiopharmaceutical"
                       f"{'s' if len(agents) > 1 else ''}, and SUV needs one.")  # fmt: skip
    return agents[0]


def _number(tags: Any, keyword: str, words: str) -> float:
    try:
        value = float(tags.get(keyword))
    except (TypeError, ValueError):
        value = 0.0
    if not 0 < value < 1e15:
        raise _Missing(f"{words[:1].upper()}{words[1:]} is not in this PET's files ({keyword}), and SUV needs it.")
    return value


def _moment(tags: Any, date: str, time: str) -> datetime | None:
    return _parsed(_word(tags, date), _word(tags, time))


def _parsed(date: str, time: str) -> datetime | None:
    """DICOM DA and TM, where TM may leave out minutes and seconds."""
    match = re.fullmatch(r"(\d{2})(\d{2})?(\d{2})?(\.\d{1,6})?", time)
    if match is None or not re.fullmatch(r"\d{8}", date):
        return None
    try:
        day = datetime.strptime(date, "%Y%m%d")
        clock = timedelta(
            hours=int(match[1]), minutes=int(match[2] or 0), seconds=float((match[3] or "0") + (match[4] or ""))
        )
    except ValueError:
        return None
    return day + clock if clock < timedelta(days=1) else None


def _word(tags: Any, keyword: str) -> str:
    return str(tags.get(keyword) or "").strip().upper()


def _several(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) or type(value).__name__ == "MultiValue" else [value]
