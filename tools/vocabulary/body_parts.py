"""Body parts of the trunk as scans name them (DICOM BodyPartExamined, PS3.16 annex L, and what people write)."""

from __future__ import annotations

CHEST: tuple[str, ...] = (
    "chest", "thorax", "lung", "lungs", "chestabdomen", "chestabdpelvis", "trunk", "torso", "body", "wholebody",
    "whole body",
)  # fmt: skip
ABDOMEN: tuple[str, ...] = (
    "abdomen", "abdomenpelvis", "pelvis", "chestabdomen", "chestabdpelvis", "trunk", "torso", "body", "wholebody",
    "whole body",
)  # fmt: skip
TRUNK: tuple[str, ...] = tuple(dict.fromkeys(("chest", "abdomen", "pelvis", *CHEST, *ABDOMEN)))
