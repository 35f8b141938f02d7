"""Parts of the brain: one label map serves every structure, and real networks see what was measured of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from layers_writer import store_of, write_network
from scanwright.tools import phantoms
from scanwright.tools.engines import brainchop, labelling
from scanwright.tools.engines.brainchop import CARDS
from scanwright.tools.engines.card import ModelCard, Part
from scanwright.tools.engines.regions import largest
from scanwright.tools.errors import Cancelled, ToolFailed, ToolInputError
from scanwright.tools.families import brain_parts
from scanwright.tools.families.brain_any import brain_mask_any
from scanwright.tools.families.shape import mask_volume
from scanwright.tools.registry import load_registry
from scanwright.tools.runtime.context import WorkerContext
from scanwright.tools.testing import ToolBench
from scanwright.tools.vocabulary.structures import STRUCTURES


def toy_card(**changes: Any) -> ModelCard:
    return brainchop.TISSUE_5.model_copy(update={"name": "toy", "weights": "toy", **changes})


def head(k: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A small bright phantom without symmetry, 1 mm, stored in the k-th of 48 ways."""
    voxels = np.zeros((40, 48, 36), np.uint8)
    voxels[4:30, 6:44, 5:29] = 90
    voxels[6:14, 30:40, 18:26] = 200
    voxels[20:27, 8:20, 6:12] = 160
    return phantoms.reoriented(voxels, np.diag([1.0, 1.0, 1.0, 1.0]), k)


@pytest.mark.parametrize("k", [0, 11, 22, 37, 47])
def test_labels_are_the_same_voxels_however_the_file_is_stored(tmp_path: Path, bench: ToolBench, k: int) -> None:
    from scanwright.tools.imaging.geometry import Geometry

    write_network(tmp_path / "toy", dilations=(1, 2))
    ctx = WorkerContext(bench.blobs, weights=store_of(tmp_path).resolve)
    card = toy_card(crop=brainchop.Crop(threshold=0.0, margin=2))
    voxels, affine = head()
    plain = labelling.label(ctx, card, voxels, Geometry.of(voxels.shape, affine)).labels
    assert len(np.unique(plain)) > 1
    turned, moved = head(k)
    seen = labelling.label(ctx, card, turned, Geometry.of(turned.shape, moved)).labels
    assert np.array_equal(seen, phantoms.reoriented(plain, affine, k)[0])


def test_a_network_with_other_classes_than_its_card_is_refused(tmp_path: Path, bench: ToolBench) -> None:
    from scanwright.tools.imaging.geometry import Geometry

    write_network(tmp_path / "toy", classes=5)
    ctx = WorkerContext(bench.blobs, weights=store_of(tmp_path).resolve)
    voxels, affine = head()
    with pytest.raises(ToolFailed, match="has 5 classes, and 3 are known"):
        labelling.label(ctx, toy_card(), voxels, Geometry.of(voxels.shape, affine))


def test_a_run_can_be_stopped(tmp_path: Path, bench: ToolBench) -> None:
    from scanwright.tools.imaging.geometry import Geometry

    def stop(fraction: float, doing: str) -> None:
        if doing == "looking":
            raise Cancelled("The step was stopped.")

    write_network(tmp_path / "toy")
    ctx = WorkerContext(bench.blobs, weights=store_of(tmp_path).resolve, progress=stop)
    voxels, affine = head()
    with pytest.raises(Cancelled):
        labelling.label(ctx, toy_card(), voxels, Geometry.of(voxels.shape, affine))


def labelled(bench: ToolBench, card: ModelCard, scheme: str) -> Any:
    """A label map in which value v fills a block of v voxels and more."""
    voxels = np.zeros((60, 30, 20), np.uint8)
    for value in range(1, len(card.classes)):
        voxels[value, 2 : 3 + value % 25, 3:5] = value
    image = bench.volume(voxels, modality="MR", body_part="head", sequence="T1w")
    return bench.ctx.label_map(voxels, image, scheme, card.classes, name=card.title), voxels


@pytest.mark.parametrize(
    ("tool", "card", "scheme"),
    [
        (brain_parts.brain_tissue, brainchop.TISSUE_5, "brain_tissue"),
        (brain_parts.brain_part, brainchop.PARTS_18, "brain_parts"),
        (brain_parts.brain_region, brainchop.REGIONS_50, "brain_regions"),
    ],
    ids=lambda v: getattr(v, "name", None),
)
def test_every_structure_of_a_card_is_taken_out_of_the_label_map(
    bench: ToolBench, tool: Any, card: ModelCard, scheme: str
) -> None:
    labels, voxels = labelled(bench, card, scheme)
    assert set(tool.card.param("structure").choices) == set(card.structures)
    for structure in card.structures:
        mask = bench.run(tool, labels=labels, structure=structure)
        assert (mask.type.structure, mask.type.side) == (structure, "whole")
        assert np.array_equal(bench.read(mask), np.isin(voxels, card.part(structure).classes))


def test_labels_of_another_network_are_refused(bench: ToolBench) -> None:
    labels, _ = labelled(bench, brainchop.TISSUE_5, "brain_parts")
    with pytest.raises(ToolInputError, match="not those of 18 parts"):
        bench.run(brain_parts.brain_part, labels=labels, structure="thalamus")
    labels, _ = labelled(bench, brainchop.TISSUE_5, "brain_tissue")
    with pytest.raises(ToolInputError, match="structure is brain_tissue, brain_parts is wanted"):
        bench.run(brain_parts.brain_part, labels=labels, structure="thalamus")


def test_an_empty_part_is_not_found_and_never_nought_millilitres(bench: ToolBench) -> None:
    image = bench.volume(np.ones((9, 9, 9), np.uint8), modality="MR", body_part="head", sequence="T1w")
    labels = bench.ctx.label_map(
        np.zeros((9, 9, 9), np.uint8), image, "brain_parts", brainchop.PARTS_18.classes, name="labels"
    )
    mask = bench.run(brain_parts.brain_part, labels=labels, structure="hippocampus")
    assert bench.run(mask_volume, mask=mask).value is None
    assert any("not found" in flag for flag in mask.flags)


def test_every_structure_is_a_word_of_the_vocabulary_and_listed_by_the_registry() -> None:
    structures = {s for card in CARDS for s in card.structures}
    assert structures <= set(STRUCTURES)
    assert structures <= load_registry().structures()
    uncoded = {s for s in structures if STRUCTURES[s].code is None}
    assert uncoded == {"ventral_diencephalon"}
    assert set(get_args(brain_parts.Tissue)) == {"grey_matter", "white_matter"}


def test_a_card_whose_parts_are_not_its_classes_is_refused() -> None:
    with pytest.raises(ValueError, match="thalamus is made of classes"):
        ModelCard.model_validate(toy_card().model_dump() | {"parts": (Part(structure="thalamus", classes=(3,)),)})


def test_the_largest_region_is_kept() -> None:
    mask = np.zeros((9, 8, 7), np.bool_)
    mask[0:3, 1, 1] = True
    mask[5:9, 4:6, 3] = True
    assert np.array_equal(np.flatnonzero(largest(mask)), np.flatnonzero(mask & (np.arange(9) > 4)[:, None, None]))
    assert not largest(np.zeros((3, 3, 3), np.bool_)).any()


@pytest.fixture
def real(tmp_path: Path, data_dir: Path) -> ToolBench:
    """A bench with the published weights."""
    (tmp_path / "real").mkdir()
    return ToolBench(tmp_path / "real", weights_dir=data_dir / "meshnet_brainchop")


def colin(bench: ToolBench, data_dir: Path) -> Any:
    import nibabel

    image = nibabel.load(data_dir / "brain_t1.nii.gz")
    return bench.volume(
        np.asanyarray(image.dataobj), image.affine, space="normalised", modality="MR", body_part="head", sequence="T1w"
    )


def ml(bench: ToolBench, mask: Any) -> float:
    return float(bench.run(mask_volume, mask=mask).value)


@pytest.mark.data
def test_colin_27_has_652_ml_of_white_and_939_ml_of_grey_matter(real: ToolBench, data_dir: Path) -> None:
    labels = real.run(brain_parts.brain_tissue_map, volume=colin(real, data_dir))
    white, grey = (
        ml(real, real.run(brain_parts.brain_tissue, labels=labels, structure=s))
        for s in ("white_matter", "grey_matter")
    )
    assert white == pytest.approx(652.0, rel=0.03)
    assert grey == pytest.approx(939.1, rel=0.03)


@pytest.mark.data
def test_the_deep_nuclei_of_colin_27_have_their_volumes_and_lie_on_both_sides(real: ToolBench, data_dir: Path) -> None:
    image = colin(real, data_dir)
    labels = real.run(brain_parts.brain_part_map, volume=image)
    masks = {s: real.run(brain_parts.brain_part, labels=labels, structure=s) for s in brainchop.PARTS_18.structures}
    known = {"hippocampus": 10.4, "thalamus": 21.6, "caudate": 9.9, "putamen": 14.1, "brain_stem": 28.0}
    assert {s: ml(real, masks[s]) for s in known} == pytest.approx(known, rel=0.04)
    for structure in ("hippocampus", "caudate", "putamen", "thalamus"):
        at = np.argwhere(real.read(masks[structure]))
        x = at @ image.geometry.matrix[0, :3] + image.geometry.matrix[0, 3]
        assert 0.4 < (x < 0).mean() < 0.6, structure
    stem = np.argwhere(real.read(masks["brain_stem"])).mean(0) @ image.geometry.matrix[:3, :3].T
    ventricle = np.argwhere(real.read(masks["lateral_ventricle"])).mean(0) @ image.geometry.matrix[:3, :3].T
    assert stem[2] < ventricle[2] - 30, "the brain stem lies below the ventricles"


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"modality": "PT", "body_part": "head"}, "this scan is PT"),
        ({"modality": "CT", "body_part": "chest"}, "shows the chest"),
        ({"modality": "CT"}, "what part of the body"),
    ],
)
def test_a_brain_mask_is_made_of_heads_only(bench: ToolBench, facts: dict[str, str], words: str) -> None:
    with pytest.raises(ToolInputError, match=words):
        bench.run(brain_mask_any, volume=bench.volume(np.zeros((130, 140, 120), np.int16), **facts))
