"""What exports, deletes or reaches out waits for a person, whoever named it."""

from __future__ import annotations

from pathlib import Path

import pytest
from scanwright.agent.plan.plan import Plan, Step, StepRef, StudyRef
from scanwright.agent.workbench import Workbench
from scanwright.tools.errors import Cancelled, NeedsInput
from scanwright.tools.imaging.geometry import Geometry
from scanwright.tools.imaging.orient import write_nifti
from scanwright.tools.phantoms import head_ct

EXPORT = Plan(
    steps=(
        Step(id="a", tool="head_outline", version="1", inputs={"volume": StudyRef()}),
        Step(id="b", tool="mask_nifti", version="1", inputs={"mask": StepRef(step="a")}),
    )
)


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A phantom of a head on CT, with its sidecar."""
    phantom = head_ct((2.0, 2.0, 3.0))
    file = tmp_path / "head.nii.gz"
    write_nifti(phantom.voxels, Geometry.of(phantom.voxels.shape, phantom.affine), file)
    (tmp_path / "head.json").write_text('{"Modality": "CT", "BodyPartExamined": "HEAD"}')
    return file


def test_a_plan_file_that_exports_runs_nothing_until_it_is_approved(study: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    with Workbench(home) as bench:
        with pytest.raises(NeedsInput) as needed:
            bench.run_plan(EXPORT, [study])
        assert needed.value.missing == ("approval",)
        assert not list(home.glob("runs/**/*"))
        result = bench.run_plan(EXPORT, [study], approved=True)
    assert result.status == "answered"
    assert result.evidence[0].artifact is not None
    assert Path(result.evidence[0].artifact).exists()


def test_a_question_that_exports_waits_and_a_review_that_says_no_runs_nothing(study: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    seen: list[Plan] = []

    def no(plan: Plan) -> None:
        seen.append(plan)

    with Workbench(home) as bench:
        with pytest.raises(NeedsInput):
            bench.ask([study], "Save the head mask as NIfTI.")
        with pytest.raises(Cancelled):
            bench.ask([study], "Save the head mask as NIfTI.", review=no)
    assert [s.tool for s in seen[0].steps][:2] == ["head_outline", "mask_nifti"]
    assert not list(home.glob("runs/**/*"))
