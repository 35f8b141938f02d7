"""A mask for each exam: one belongs to the last study, several to the studies in their order."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from agent_examples import settings, write_scan
from scanwright.agent.cli.main import main
from scanwright.agent.given import Given
from scanwright.agent.workbench import Workbench
from scanwright.memory.home import Home
from scanwright.tools.errors import UserInputError

AFFINE = np.diag([2.0, 2.0, 3.0, 1.0])


def exam(folder: Path, name: str, length: int) -> tuple[Path, str]:
    """A scan with a box of length×4×3 voxels, and its mask as label 2."""
    voxels = np.zeros((26, 21, 14), np.int16)
    voxels[3 : 3 + length, 5:9, 4:7] = 60
    scan = write_scan(folder, name, voxels, AFFINE, {"Modality": "CT", "BodyPartExamined": "ABDOMEN"})
    mask = write_scan(folder, f"{name}-mask", np.where(voxels == 60, 2, 0).astype(np.uint8), AFFINE, None)
    return scan, f"{mask}:2"


def test_each_study_has_its_own_mask_and_one_alone_is_the_last_studys(tmp_path: Path) -> None:
    (first, first_mask), (last, last_mask) = exam(tmp_path, "first", 5), exam(tmp_path, "last", 11)
    with Home.open(tmp_path / "home") as home:
        both = Given(mask=[first_mask, last_mask]).views(home, [first, last])
        assert [(v.alias, v.mask.voxels if v.mask else None) for v in both] == [("S2", 11 * 12), ("S1", 5 * 12)]
        one = Given(mask=last_mask).views(home, [first, last])
        assert [(v.alias, v.mask.voxels if v.mask else None) for v in one] == [("S2", 11 * 12), ("S1", None)]
        with pytest.raises(UserInputError, match="2 masks were given for 1 study"):
            Given(mask=(first_mask, last_mask)).views(home, [last])
    assert Given(mask=(first_mask, last_mask)).of_one(0, 2).mask == first_mask
    assert Given(mask=(last_mask,)).of_one(0, 2).mask == (last_mask,)


def test_the_change_of_what_was_outlined_in_both_exams_is_told(tmp_path: Path) -> None:
    (first, first_mask), (last, last_mask) = exam(tmp_path, "first", 5), exam(tmp_path, "last", 11)
    with Workbench(tmp_path / "home", settings=settings()) as bench:
        given = Given(mask=(first_mask, last_mask), patient="one")
        result = bench.ask([first, last], "Did the lesion grow?", given)
    assert result.status == "answered", result.answer
    change = next(e for e in result.evidence if e.quantity == "volume_change")
    assert change.value == pytest.approx(120.0)


def test_the_command_line_takes_a_mask_for_each_study_points_by_organ_and_gating(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (first, first_mask), (last, last_mask) = exam(tmp_path, "first", 5), exam(tmp_path, "last", 11)
    words = [
        "plan",
        str(first),
        str(last),
        "Did the lesion grow?",
        "--patient",
        "one",
        "--home",
        str(tmp_path / "home"),
    ]
    points = ["--liver-at", "10,20,30", "--spleen-at", "1,2,3", "--gated", "no"]
    with pytest.raises(SystemExit) as end:
        main([*words, *points, "--mask", first_mask, "--mask", last_mask, "--json"])
    assert end.value.code == 0
    plan = json.loads(capsys.readouterr().out)
    assert {
        (s["tool"], s["inputs"].get("mask", {}).get("study")) for s in plan["steps"] if s["tool"] == "mask_volume"
    } == {("mask_volume", "S1"), ("mask_volume", "S2")}
    with pytest.raises(SystemExit) as end:
        main([*words, "--mask", first_mask, "--mask", last_mask, "--mask", last_mask])
    assert end.value.code == 2
    assert "3 masks were given for 2 studies" in capsys.readouterr().err
