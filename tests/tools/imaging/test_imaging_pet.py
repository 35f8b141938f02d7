"""PET series: units, and the numbers for SUV by body weight, against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from dicom_writer import write_series
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from scanwright.tools.families.suv import suv_of_image
from scanwright.tools.imaging.dicom_series import read_dicom

AFFINE = np.array([[-4.0, 0, 0, 20.0], [0, -4.0, 0, 30.0], [0, 0, 3.0, -40.0], [0, 0, 0, 1.0]])
VOXELS = (np.arange(5 * 6 * 4, dtype=np.uint16) * 7).reshape((5, 6, 4), order="F")


def agent(**tags):
    """The radiopharmaceutical: 370 MBq of F-18 at nine."""
    item = Dataset()
    for keyword, value in {
        "RadionuclideTotalDose": "370000000", "RadionuclideHalfLife": "6586.2",
        "RadiopharmaceuticalStartTime": "090000.00", **tags,
    }.items():  # fmt: skip
        if value is not None:
            setattr(item, keyword, value)
    return Sequence([item])


@pytest.fixture
def pet(tmp_path):
    """The image of a PET series of 75 kg, one hour after the injection, with tags changed or left out (None)."""

    def make(**changes):
        tags = {
            "Modality": "PT", "Units": "BQML", "DecayCorrection": "START", "CorrectedImage": ["DECY", "ATTN", "SCAT"],
            "PatientWeight": "75", "SeriesDate": "20240301", "SeriesTime": "100000", "AcquisitionDate": "20240301",
            "AcquisitionTime": "100000", "RadiopharmaceuticalInformationSequence": agent(), **changes,
        }  # fmt: skip
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        write_series(folder, VOXELS, AFFINE, **{k: v for k, v in tags.items() if v is not None})
        return next(iter(read_dicom(sorted(folder.iterdir()))))

    return make


def test_the_decay_runs_from_the_injection_to_the_start_of_the_series(pet):
    image = pet().image
    assert image.unit == "Bq/mL"
    assert image.pet is not None
    assert image.pet.why_not is None
    assert (image.pet.dose_bq, image.pet.half_life_s, image.pet.weight_kg) == (370e6, 6586.2, 75.0)
    assert image.pet.decay_s == 3600.0


def test_what_is_corrected_to_the_injection_has_not_decayed(pet):
    assert pet(DecayCorrection="ADMIN").image.pet.decay_s == 0.0


def test_an_injection_before_midnight_is_of_the_day_before(pet):
    early = pet(
        SeriesTime="003000", AcquisitionTime="003000",
        RadiopharmaceuticalInformationSequence=agent(RadiopharmaceuticalStartTime="234500"),
    )  # fmt: skip
    assert early.image.pet.decay_s == 45 * 60


def test_a_start_with_its_date_stands_above_the_bare_time(pet):
    both = agent(RadiopharmaceuticalStartDateTime="20240301091500.5", RadiopharmaceuticalStartTime="080000")
    assert pet(RadiopharmaceuticalInformationSequence=both).image.pet.decay_s == 45 * 60 - 0.5


def test_suv_in_the_file_stays_what_it_is_and_another_measure_is_none_by_weight(pet):
    plain = pet(Units="GML", RadiopharmaceuticalInformationSequence=None).image
    assert plain.unit == "{SUVbw}g/mL"
    assert plain.pet.why_not is None
    lean = pet(Units="GML", SUVType="LBM").image
    assert lean.unit == "1"
    assert "LBM" in lean.pet.why_not


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"Units": "CNTS"}, "private factor"),
        ({"Units": "CM2ML"}, "CM2ML"),
        ({"CorrectedImage": ["DECY"]}, "attenuation"),
        ({"DecayCorrection": "NONE"}, "NONE"),
        ({"PatientWeight": None}, "body weight is not"),
        ({"PatientWeight": "0"}, "body weight is not"),
        ({"PatientWeight": "75000"}, "no patient has"),
        ({"RadiopharmaceuticalInformationSequence": None}, "no radiopharmaceutical"),
        ({"RadiopharmaceuticalInformationSequence": agent(RadionuclideTotalDose="370")}, "MBq"),
        ({"RadiopharmaceuticalInformationSequence": agent(RadionuclideHalfLife=None)}, "half-life"),
        ({"RadiopharmaceuticalInformationSequence": agent(RadiopharmaceuticalStartTime=None)}, "time of the injection"),
        (
            {"RadiopharmaceuticalInformationSequence": agent(RadiopharmaceuticalStartDateTime="20200301090000")},
            "cannot",
        ),
        ({"SeriesTime": "120000"}, "made after the scan"),
        ({"AcquisitionTime": None}, "date and time"),
    ],
)
def test_what_does_not_do_is_said_in_a_sentence(pet, changes, words):
    facts = pet(**changes).image.pet
    assert words in facts.why_not
    assert facts.why_not.endswith(".")


def test_the_weight_and_the_dose_are_in_no_sealed_record_and_the_name_is_in_no_fact(pet):
    image = pet()
    assert "PatientWeight" not in image.identity
    assert "Doe" not in image.image.model_dump_json()
    assert "20240301" not in image.image.model_dump_json()


def test_the_suv_of_a_series_is_the_one_worked_out_by_hand(pet, bench):
    loaded = pet(RescaleSlope="250")
    volume = bench.volume(loaded.voxels, loaded.geometry.matrix, **dict(loaded.image))
    found = bench.run(suv_of_image, volume=volume).items[0]
    # 119 × 7 × 250 Bq/mL in the hottest voxel; 370 MBq one hour later, at 109.77 min, are 253.314 MBq; 75 kg.
    assert found.value == pytest.approx(119 * 7 * 250 * 75_000 / 253.314e6, rel=1e-4)
    assert "75 kg" in found.method


@pytest.mark.parametrize(
    ("tags", "gated"),
    [
        ({}, None),
        ({"TriggerTime": "0"}, None),
        ({"HeartRate": "62"}, True),
        ({"CardiacSynchronizationTechnique": "PROSPECTIVE"}, True),
        ({"CardiacSynchronizationTechnique": "NONE", "HeartRate": "62"}, False),
    ],
)
def test_a_scan_is_gated_where_its_tags_say_so(tmp_path, tags, gated):
    write_series(tmp_path, VOXELS.astype(np.int16), AFFINE, **tags)
    assert next(iter(read_dicom(sorted(tmp_path.iterdir())))).image.gated is gated
