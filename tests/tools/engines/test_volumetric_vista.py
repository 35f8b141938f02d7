"""VISTA3D in its published layout, small and untrained: the bundle loads, and classes and points reach the network.

A network that answers points well cannot be trained in seconds, so what it sees is not tested here.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scanwright.evals.bench import volumetric_models as small
from scanwright.tools import phantoms
from scanwright.tools.contract.quantity import Point, Points
from scanwright.tools.engines.volumetric.bundle import NETWORKS
from scanwright.tools.errors import ToolInputError
from scanwright.tools.families import organs_model
from scanwright.tools.testing import ToolBench
from scanwright.tools.weights import acceptance
from scanwright.tools.weights.catalogue import CATALOGUE

NAMES = {0: "background", 1: "liver", 3: "spleen", 5: "right kidney", 14: "left kidney", 132: "airway"}


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A weights folder with a VISTA3D bundle as published, 8 features wide in place of 48."""
    import torch
    from monai.networks.nets.vista3d import vista3d132

    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(2)
    network = vista3d132(encoder_embed_dim=8)
    bundle = small.write_bundle(
        folder / "vista3d",
        network,
        "$monai.networks.nets.vista3d132(encoder_embed_dim=@width, in_channels=@input_channels)",
        channel_def={str(v): NAMES.get(v, f"structure {v}") for v in range(133)},
    )
    path = bundle / "configs" / "inference.json"
    written = json.loads(path.read_text())
    transforms = [
        {"_target_": "LoadImaged", "keys": "@image_key", "reader": "NibabelGPUReader"},
        {"_target_": "EnsureChannelFirstd", "keys": "@image_key"},
        {"_target_": "Spacingd", "keys": "@image_key", "pixdim": "@resample_spacing", "mode": "bilinear"},
        {"_target_": "CropForegroundd", "keys": "@image_key", "allow_smaller": True, "margin": 10},
        {"_target_": "monai.apps.vista3d.transforms.VistaPreTransformd", "keys": "@image_key"},
        {"_target_": "ScaleIntensityRanged", "keys": "@image_key", "a_min": -963.8, "a_max": 1053.7, "b_min": 0,
         "b_max": 1, "clip": True},
        {"_target_": "Orientationd", "keys": "@image_key", "axcodes": "RAS"},
        {"_target_": "CastToTyped", "keys": "@image_key", "dtype": "$torch.float32"},
    ]  # fmt: skip
    written |= {
        "width": 8,
        "input_channels": 1,
        "resample_spacing": [10.0, 10.0, 10.0],
        "preprocessing_transforms": transforms,
        "preprocessing": {"_target_": "Compose", "transforms": "$@preprocessing_transforms "},
        "patch_size": [32, 32, 32],
        "inferer": {"_target_": "scripts.inferer.Vista3dInferer", "roi_size": "@patch_size", "overlap": 0.3},
    }
    path.write_text(json.dumps(written))
    acceptance.accept(next(e for e in CATALOGUE if e.name == "vista3d"), folder)
    return folder


@pytest.fixture
def scans(tmp_path: Path, weights: Path) -> ToolBench:
    (tmp_path / "blobs").mkdir()
    return ToolBench(tmp_path / "blobs", weights_dir=weights)


def ct(bench: ToolBench, voxels: Any, affine: Any) -> Any:
    return bench.volume(voxels, affine, modality="CT", body_part="abdomen", unit="[hnsf'U]")


def test_an_automatic_run_gives_labels_by_class_number_in_the_scans_own_order(scans: ToolBench) -> None:
    trunk = small.trunk(1, (9.0, 8.0, 10.0))
    labels = scans.run(organs_model.organ_map_vista, volume=ct(scans, trunk.hu, trunk.affine))
    assert [label.name for label in labels.labels][:4] == ["background", "liver", "structure 2", "spleen"]
    assert len(labels.labels) == 133
    found = {label.value for label in labels.labels if label.voxels}
    assert len(found) > 1
    assert not found & {2, 20, 21, 26, 132}
    for k in (30,):
        voxels, affine = phantoms.reoriented(trunk.hu, trunk.affine, k)
        turned = scans.read(scans.run(organs_model.organ_map_vista, volume=ct(scans, voxels, affine)))
        assert (turned == phantoms.reoriented(scans.read(labels), trunk.affine, k)[0]).mean() > 0.999


def test_points_reach_the_network_wherever_the_scan_stores_them(scans: ToolBench) -> None:
    trunk = small.trunk(2, (7.0, 7.0, 7.0))
    given = {"at": Point(x=55, y=10, z=40), "more": Points(points=(Point(x=40, y=0, z=30),)),
             "not_at": Points(points=(Point(x=-70, y=-20, z=50),))}  # fmt: skip

    def outlined(k: int, **points: Any) -> Any:
        voxels, affine = phantoms.reoriented(trunk.hu, trunk.affine, k)
        mask = scans.run(organs_model.structure_at_points_by_model, volume=ct(scans, voxels, affine), **points)
        assert mask.type.structure == "clicked_structure"
        return scans.read(mask)

    plain = outlined(0, **given)
    assert 0 < plain.sum() < plain.size
    for k in (13, 44):
        assert (outlined(k, **given) == phantoms.reoriented(plain, trunk.affine, k)[0]).mean() > 0.999
    assert not np.array_equal(plain, outlined(0, at=given["at"]))
    assert not np.array_equal(plain, outlined(0, **given | {"at": Point(x=-60, y=-30, z=-20)}))


def test_points_too_far_apart_for_one_window_are_refused(scans: ToolBench) -> None:
    trunk = small.trunk(2, (7.0, 7.0, 7.0))
    wide = trunk.affine @ np.diag([1.4, 1.4, 1.4, 1.0])
    # 340 mm: the window of 32 voxels sees 320.
    far = {"at": Point(x=-150, y=0, z=0), "more": Points(points=(Point(x=190, y=0, z=0),))}
    with pytest.raises(ToolInputError, match="too far apart to be seen at once"):
        scans.run(organs_model.structure_at_points_by_model, volume=ct(scans, trunk.hu, wide), **far)


def test_vista3d_is_on_the_list_of_networks() -> None:
    assert NETWORKS["vista3d132"] == "vista3d"
