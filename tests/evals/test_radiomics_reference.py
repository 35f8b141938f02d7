"""Radiomic features agree with the stored values of another program."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.mark.data
def test_every_feature_that_both_define_agrees_within_one_percent(data_dir: Path) -> None:
    pytest.importorskip("mirp", reason="mirp is not installed: it is the extra `radiomics`")
    from scanwright.evals.accuracy.radiomics import FOLDER, compared

    rows, left = compared(data_dir / FOLDER)
    assert {r["reference"]: r["relative"] for r in rows if r["relative"] > 0.01} == {}
    assert len(rows) == 88
    assert len(left) == 5
