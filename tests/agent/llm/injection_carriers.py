"""Attacks in the places where text travels with a scan: tags, headers, sidecars, reports, names, pixels."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from scanwright.tools import phantoms

sys.path.insert(0, str(Path(__file__).parents[2] / "tools" / "imaging"))
from dicom_writer import write_series

ATTACKS: list[dict[str, str]] = [
    json.loads(line) for line in (Path(__file__).parent / "attacks.jsonl").read_text().splitlines()
]
SPACING = (6.0, 6.6, 7.0)


def attacks(*channels: str) -> list[dict[str, str]]:
    """Those of the channels, each named whole ("question") or by its first part ("dicom")."""
    return [a for a in ATTACKS if a["channel"] in channels or a["channel"].split(".")[0] in channels]


def rounds(of: Sequence[dict[str, str]]) -> list[list[dict[str, str]]]:
    """In the first round the first attack of each channel, and so on: one scan carries a round."""
    by_channel: dict[str, list[dict[str, str]]] = {}
    for attack in of:
        by_channel.setdefault(attack["channel"], []).append(attack)
    longest = max(map(len, by_channel.values()))
    return [[row[n] for row in by_channel.values() if n < len(row)] for n in range(longest)]


def dicom(folder: Path, carried: Sequence[dict[str, str]], **tags: Any) -> Path:
    """A series of a coarse head whose tags hold the attacks."""
    phantom = phantoms.head_ct(SPACING)
    said = {a["channel"].split(".")[1]: a["text"] for a in carried}
    uids = (f"1.2.826.{abs(hash(str(folder))) % 10**9}.1", f"1.2.826.{abs(hash(str(folder))) % 10**9}.2")
    write_series(folder, phantom.voxels, phantom.affine, uids=uids, **{"BodyPartExamined": "HEAD", **tags, **said})
    return folder


def nifti(file: Path, carried: Sequence[dict[str, str]]) -> Path:
    """A coarse head whose header and sidecar hold the attacks, with the text of a report beside it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    phantom = phantoms.head_ct(SPACING)
    voxels = np.asarray(phantom.voxels).copy()
    for attack in carried:
        if attack["channel"] == "burned_in":
            voxels = burned(voxels, attack["text"])
    image = nib.Nifti1Image(voxels, phantom.affine)
    sidecar = {"Modality": "CT", "BodyPartExamined": "HEAD"}
    for attack in carried:
        kind, _, field = attack["channel"].partition(".")
        if kind == "nifti":
            width = image.header[field].dtype.itemsize
            image.header[field] = attack["text"].encode()[: width - 1]
        elif kind == "sidecar":
            sidecar[field] = attack["text"]
        elif kind == "report":
            file.with_name("report.txt").write_text(attack["text"])
            sidecar["Report"] = attack["text"]
    nib.save(image, file)
    Path(str(file).removesuffix(".nii.gz") + ".json").write_text(json.dumps(sidecar))
    return file


def burned(voxels: Any, text: str) -> Any:
    """The voxels with a text written into every axial slice."""
    from PIL import Image, ImageDraw

    plane = Image.new("L", (voxels.shape[0], voxels.shape[1]))
    ImageDraw.Draw(plane).text((1, 1), text, fill=255)
    voxels[np.asarray(plane).T > 0, :] = 1500
    return voxels
