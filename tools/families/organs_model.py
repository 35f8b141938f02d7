"""Organs on CT by published networks: one run makes a label map, small tools take structures out of it."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.artifacts import LabelMap, Mask, Volume
from scanwright.tools.contract.card import MeasuredError, Needs
from scanwright.tools.contract.conditions import (
    AnyBefore,
    BodyPartIs,
    ModalityIs,
    NotCut,
    NotEmpty,
    PointInside,
    SidesKnown,
    SpacingAtMost,
    UnitIs,
)
from scanwright.tools.contract.context import ToolContext
from scanwright.tools.contract.decorator import tool
from scanwright.tools.contract.quantity import HU, Point, Points
from scanwright.tools.contract.types import Of
from scanwright.tools.engines import meshnet
from scanwright.tools.engines.volumetric import (
    bundle,
    checkpoint,
    config,
    folders,
    nnunet,
    nnunet_networks,
    preparing,
    restoring,
    running,
    vista,
    windows,
)
from scanwright.tools.engines.volumetric import model as models
from scanwright.tools.engines.volumetric.model import VolumetricModel
from scanwright.tools.errors import ToolFailed, ToolInputError
from scanwright.tools.imaging import orient
from scanwright.tools.vocabulary import organs
from scanwright.tools.vocabulary.body_parts import TRUNK

FAST, FINE, VISTA, OWN = "totalsegmentator-fast", "totalsegmentator", "vista3d", "own-models"
ANY_OF_THEM = "organs"
ENGINE = (
    bundle, checkpoint, config, folders, meshnet, models, nnunet, nnunet_networks, organs, orient, preparing, restoring,
    running, vista, windows,
)  # fmt: skip
NOT_MEASURED = MeasuredError(text="not measured here: the weights are not bundled, and none were at hand")

IN_THE_TRUNK = BodyPartIs(one_of=(*TRUNK, "neck"))
BODY_CT: tuple[AnyBefore, ...] = (
    ModalityIs(one_of=("CT",)),
    UnitIs(unit=HU),
    IN_THE_TRUNK,
    SpacingAtMost(max_mm=6.0),
)

Organ = Literal[
    "liver", "spleen", "kidney", "pancreas", "heart", "aorta", "bladder", "prostate", "gallbladder", "stomach",
    "adrenal_gland", "oesophagus", "duodenum", "small_bowel", "colon", "thyroid", "kidney_cyst", "lung_upper_lobe",
    "lung_middle_lobe", "lung_lower_lobe", "inferior_vena_cava", "superior_vena_cava", "portal_vein",
    "pulmonary_vein", "iliac_artery", "iliac_vein", "vertebrae", "vertebra_c1", "vertebra_c2", "vertebra_c3",
    "vertebra_c4", "vertebra_c5", "vertebra_c6", "vertebra_c7", "vertebra_t1", "vertebra_t2", "vertebra_t3",
    "vertebra_t4", "vertebra_t5", "vertebra_t6", "vertebra_t7", "vertebra_t8", "vertebra_t9", "vertebra_t10",
    "vertebra_t11", "vertebra_t12", "vertebra_l1", "vertebra_l2", "vertebra_l3", "vertebra_l4", "vertebra_l5",
    "sacrum", "rib", "sternum", "costal_cartilage", "clavicle", "scapula", "humerus", "hip_bone", "femur",
    "spinal_cord", "iliopsoas", "back_muscle", "gluteus_maximus", "gluteus_medius", "gluteus_minimus",
]  # fmt: skip
PairedOrgan = Literal[
    "kidney", "adrenal_gland", "kidney_cyst", "lung_upper_lobe", "lung_lower_lobe", "iliac_artery", "iliac_vein",
    "rib", "clavicle", "scapula", "humerus", "hip_bone", "femur", "iliopsoas", "back_muscle", "gluteus_maximus",
    "gluteus_medius", "gluteus_minimus",
]  # fmt: skip


@tool(
    family="organs",
    examples=(
        "Segment the organs on this CT quickly.",
        "All organs at 3 mm, please.",
        "Run the fast TotalSegmentator.",
        "Which organs are on this abdominal CT?",
        "Segment all organs and bones of the trunk.",
        "A quick whole-body segmentation, please.",
    ),
    near_misses=(
        "Segment the organs as finely as you can. (organ_map)",
        "Label the lesions. (not assessed: no lesions are told)",
    ),
    when=BODY_CT,
    needs=Needs(memory_gb=4.0, gpu_memory_gb=2.0, seconds=110.0, torch=True),
    weights=(FAST,),
    reference="TotalSegmentator, 3 mm: Wasserthal et al., Radiol Artif Intell 2023;5:e230024.",
    error=(NOT_MEASURED,),
    licence="Apache-2.0; weights Apache-2.0, not bundled",
    uses=ENGINE,
)
def organ_map_fast(ctx: ToolContext, volume: Annotated[Volume, Of(modality="CT")]) -> Annotated[
    LabelMap, Of("organ_parts")
]:  # fmt: skip
    """Labels of up to 117 organs, bones, vessels and muscles on CT, by TotalSegmentator's network of 3 mm.

    An nnU-Net looks at the scan at 3 mm; its scores are interpolated to the scan's own grid and decided there.
    """
    (model,) = _models(ctx, FAST)
    return _label_map(ctx, volume, [model], "organ_parts", "TotalSegmentator, 3 mm")


@tool(
    family="organs",
    examples=(
        "Segment the organs on this CT.",
        "Tell organs, vertebrae, vessels, muscles and ribs apart.",
        "Run TotalSegmentator at 1.5 mm.",
        "Segment every organ as finely as you can.",
        "A whole-body segmentation at full resolution.",
        "Parcellate the trunk on this CT.",
    ),
    near_misses=(
        "Only quickly, at 3 mm. (organ_map_fast)",
        "Grade the fatty liver. (not a segmentation)",
        "Make a label map of the liver segments. (not assessed: the liver is one structure)",
    ),
    when=BODY_CT,
    needs=Needs(memory_gb=5.5, gpu_memory_gb=6.0, seconds=3600.0, torch=True),
    weights=(FINE,),
    reference="TotalSegmentator, five networks of 1.5 mm: Wasserthal et al., Radiol Artif Intell 2023;5:e230024.",
    error=(NOT_MEASURED,),
    licence="Apache-2.0; weights Apache-2.0, not bundled",
    uses=ENGINE,
)
def organ_map(ctx: ToolContext, volume: Annotated[Volume, Of(modality="CT")]) -> Annotated[
    LabelMap, Of("organ_parts")
]:  # fmt: skip
    """Labels of up to 117 organs, bones, vessels and muscles on CT, by TotalSegmentator's five networks of 1.5 mm.

    Organs, vertebrae, heart and vessels, muscles and limb bones, ribs: one network after the other, a later one
    above an earlier one where they differ. Without a graphics card this takes about an hour.
    """
    return _label_map(ctx, volume, _models(ctx, FINE), "organ_parts", "TotalSegmentator, 1.5 mm")


@tool(
    family="organs",
    examples=(
        "Segment the organs with VISTA3D.",
        "All organs by VISTA3D, please.",
        "Segment the organs with the foundation model.",
        "Organs by the second network, please.",
        "Run VISTA3D on this abdominal CT.",
        "Segment everything by VISTA3D.",
    ),
    near_misses=(
        "Segment what I click on with VISTA3D. (structure_at_points_by_model)",
        "Segment the organs with TotalSegmentator. (organ_map)",
    ),
    when=BODY_CT,
    needs=Needs(memory_gb=6.0, gpu_memory_gb=12.0, seconds=3600.0, torch=True),
    weights=(VISTA,),
    reference="VISTA3D: He et al., VISTA3D: a unified segmentation foundation model, CVPR 2025.",
    error=(NOT_MEASURED,),
    licence="Apache-2.0; weights for research and evaluation only, not bundled",
    uses=ENGINE,
)
def organ_map_vista(ctx: ToolContext, volume: Annotated[Volume, Of(modality="CT")]) -> Annotated[
    LabelMap, Of("organ_parts")
]:  # fmt: skip
    """Labels of up to 117 structures on CT by VISTA3D, asked for each by its class: a second method for organs.

    At 1.5 mm, in windows of 128 voxels. Whole things whose parts have classes of their own, and lesions, are not
    asked for.
    """
    return _label_map(ctx, volume, _models(ctx, VISTA), "organ_parts", "VISTA3D")


@tool(
    family="organs",
    examples=(
        "How large is the liver?",
        "Outline the spleen.",
        "What is the volume of the pancreas?",
        "Show both kidneys.",
        "Segment the aorta.",
        "How large is the third lumbar vertebra?",
        "Where is the gallbladder?",
        "Segment the stomach on this CT.",
    ),
    near_misses=(
        "How large is the left kidney? (organ_of_side)",
        "Is the liver fatty? (not assessed by this: it outlines)",
        "Is there a tumour in the liver? (not assessed)",
        "How wide is the aorta? (not assessed: a volume is no diameter)",
    ),
    then=(NotEmpty(), NotCut()),
    needs=Needs(memory_gb=0.5, seconds=0.6),
    weights=(ANY_OF_THEM,),
    reference="Wasserthal et al., Radiol Artif Intell 2023;5:e230024; He et al., CVPR 2025.",
    error=(NOT_MEASURED,),
    uses=(organs,),
)
def organ(
    ctx: ToolContext, labels: Annotated[LabelMap, Of("organ_parts")], structure: Organ
) -> Annotated[Mask, Of("?structure", side="whole")]:
    """Mask of one organ, bone, vessel or muscle from the labels of organs; of a pair, left and right together.

    Raises ToolInputError where the network that made the labels has no such structure.
    """
    return _part(ctx, labels, structure, "whole")


@tool(
    family="organs",
    examples=(
        "How large is the left kidney?",
        "Outline the right kidney.",
        "Volume of the right adrenal gland?",
        "Segment the left iliopsoas muscle.",
        "Show the left femur.",
        "Which kidney is larger?",
    ),
    near_misses=(
        "How large are the kidneys together? (organ)",
        "How large is the left lobe of the liver? (not assessed)",
        "How large is the left lung? (lung_of_side)",
    ),
    when=(SidesKnown(),),
    then=(NotEmpty(), NotCut()),
    needs=Needs(memory_gb=0.5, seconds=0.6),
    weights=(ANY_OF_THEM,),
    reference="Wasserthal et al., Radiol Artif Intell 2023;5:e230024; He et al., CVPR 2025.",
    error=(NOT_MEASURED,),
    uses=(organs,),
)
def organ_of_side(
    ctx: ToolContext,
    labels: Annotated[LabelMap, Of("organ_parts")],
    structure: PairedOrgan,
    side: Literal["left", "right"],
) -> Annotated[Mask, Of("?structure", side="?side")]:
    """Mask of the left or the right one of a pair of organs, bones, vessels or muscles, from the labels of organs.

    The side is the one that the network tells, on a scan that was turned by its affine before it looked.
    """
    return _part(ctx, labels, structure, side)


@tool(
    family="organs",
    examples=(
        "Segment what I click on with VISTA3D.",
        "Outline the structure at these points by the network.",
        "Segment the thing at this point with the foundation model.",
        "Use the clicks as prompts for VISTA3D.",
        "Outline the lesion that I click on, by the model.",
        "Point-prompted segmentation of this mass, please.",
    ),
    near_misses=(
        "Outline what I click on, without a network. (the clicked tools)",
        "Segment all organs with VISTA3D. (organ_map_vista)",
    ),
    when=(*BODY_CT, PointInside(), PointInside(name="more"), PointInside(name="not_at")),
    then=(NotEmpty(), NotCut()),
    needs=Needs(memory_gb=4.0, gpu_memory_gb=6.0, seconds=40.0, torch=True),
    weights=(VISTA,),
    reference="VISTA3D, point prompts: He et al., VISTA3D: a unified segmentation foundation model, CVPR 2025.",
    error=(NOT_MEASURED,),
    licence="Apache-2.0; weights for research and evaluation only, not bundled",
    uses=ENGINE,
)
def structure_at_points_by_model(
    ctx: ToolContext,
    volume: Annotated[Volume, Of(modality="CT")],
    at: Point,
    more: Points | None = None,
    not_at: Points | None = None,
) -> Annotated[Mask, Of("clicked_structure", side="whole")]:
    """Mask of what lies at the point, by VISTA3D: more are further points inside it, not_at points outside it.

    One window of 128 voxels at 1.5 mm around the points is looked at; what reaches further is cut.
    Raises ToolInputError where the points lie too far apart.
    """
    (model,) = _models(ctx, VISTA)
    ctx.progress(0.3, "looking")
    inside, outside = (at, *(more.points if more else ())), not_at.points if not_at else ()
    given = [np.array([[p.x, p.y, p.z] for p in each]) for each in (inside, outside)]
    seen = vista.mask_at(model, ctx.voxels(volume), volume.geometry, *given)
    return ctx.mask(seen, volume, "clicked_structure")


@tool(
    family="organs",
    examples=(
        "Run my own segmentation model.",
        "Segment this with the nnU-Net that I put into the weights folder.",
        "Run my MONAI bundle on this CT.",
        "Use our own network on this scan.",
        "Label this scan with the model of our department.",
        "Apply the model from the models folder.",
    ),
    near_misses=(
        "Segment the organs with TotalSegmentator. (organ_map)",
        "Train a model on my outlines. (not done here)",
    ),
    needs=Needs(memory_gb=5.5, gpu_memory_gb=6.0, seconds=600.0, torch=True),
    weights=(OWN,),
    reference="nnU-Net: Isensee et al., Nat Methods 2021;18:203–211; MONAI: Cardoso et al., arXiv 2022;2211.02701.",
    error=(MeasuredError(text="not known: it is your model"),),
    licence="Apache-2.0; the model's own licence holds for its weights",
    uses=ENGINE,
)
def own_model_map(
    ctx: ToolContext, volume: Annotated[Volume, Of()], model: str = "", mirrored: bool = False
) -> Annotated[LabelMap, Of("own_model_parts")]:
    """Labels by a model of your own: a MONAI bundle or an nnU-Net folder in weights/models.

    model is the name of its folder, which may be left out where there is one only. mirrored averages over mirrored
    looks, where the model allows it, and takes up to eight times as long. Raises ToolInputError where there is no
    such model, or it was made for scans of another modality.
    """
    names = sorted({role.split("/", 1)[0] for role in ctx.weights(OWN)})
    if model and model not in names:
        raise ToolInputError(f"There is no model called {model!r} in the models folder; it has: {', '.join(names)}.")
    if not model and len(names) > 1:
        raise ToolInputError(f"There are {len(names)} models of your own ({', '.join(names)}): say which one.")
    (found,) = _models(ctx, OWN, model or names[0])
    if found.modality is not None and volume.image.modality not in (None, found.modality):
        raise ToolInputError(
            f"The model {found.name} is for {found.modality}, and this scan is {volume.image.modality}."
        )
    return _label_map(ctx, volume, [found], "own_model_parts", found.name, mirrored)


@tool(
    family="organs",
    examples=(
        "How large is the liver by my own model?",
        "Outline the spleen with our own network.",
        "Volume of the kidneys by the model of our department?",
        "Show the pancreas that my nnU-Net finds.",
        "Segment the prostate with my MONAI bundle.",
        "Take the aorta out of my model's labels.",
    ),
    near_misses=(
        "How large is the left kidney by my own model? (own_model_part_of_side)",
        "How large is the liver by TotalSegmentator? (organ)",
    ),
    when=(IN_THE_TRUNK,),
    then=(NotEmpty(), NotCut()),
    needs=Needs(memory_gb=0.5, seconds=0.6),
    weights=(OWN,),
    reference="nnU-Net: Isensee et al., Nat Methods 2021;18:203–211; MONAI: Cardoso et al., arXiv 2022;2211.02701.",
    error=(MeasuredError(text="not known: it is your model"),),
    uses=(organs,),
)
def own_model_part(
    ctx: ToolContext, labels: Annotated[LabelMap, Of("own_model_parts")], structure: Organ
) -> Annotated[Mask, Of("?structure", side="whole")]:
    """Mask of one structure from the labels of your own model; of a pair, left and right together.

    The model's names are read as the vocabulary's ("kidney_left", "left kidney"). Raises ToolInputError where the
    model has no such structure.
    """
    return _part(ctx, labels, structure, "whole")


@tool(
    family="organs",
    examples=(
        "How large is the left kidney by my own model?",
        "Outline the right adrenal gland with our own network.",
        "Volume of the left hip bone by my nnU-Net?",
        "Show the right femur that my model finds.",
        "Segment the left kidney with my MONAI bundle.",
        "Take the right iliopsoas out of my model's labels.",
    ),
    near_misses=(
        "How large are the kidneys by my own model? (own_model_part)",
        "How large is the left kidney by TotalSegmentator? (organ_of_side)",
    ),
    when=(IN_THE_TRUNK, SidesKnown()),
    then=(NotEmpty(), NotCut()),
    needs=Needs(memory_gb=0.5, seconds=0.6),
    weights=(OWN,),
    reference="nnU-Net: Isensee et al., Nat Methods 2021;18:203–211; MONAI: Cardoso et al., arXiv 2022;2211.02701.",
    error=(MeasuredError(text="not known: it is your model"),),
    uses=(organs,),
)
def own_model_part_of_side(
    ctx: ToolContext,
    labels: Annotated[LabelMap, Of("own_model_parts")],
    structure: PairedOrgan,
    side: Literal["left", "right"],
) -> Annotated[Mask, Of("?structure", side="?side")]:
    """Mask of the left or the right one of a pair, from the labels of your own model."""
    return _part(ctx, labels, structure, side)


def _models(ctx: ToolContext, weights: str, only: str | None = None) -> list[VolumetricModel]:
    """The models of a weights entry, one a folder in order of name; they stay loaded in the worker."""
    files = ctx.weights(weights)
    roots = {role.split("/", 1)[0]: path.parents[role.count("/") - 1] for role, path in files.items() if "/" in role}
    wanted = [name for name in sorted(roots) if only is None or name == only]

    def load(name: str) -> VolumetricModel:
        ctx.progress(0.02, "loading the network")
        state = "|".join(f"{r}:{p.stat().st_mtime_ns}" for r, p in sorted(files.items()) if r.split("/", 1)[0] == name)
        made: VolumetricModel = ctx.resident(
            f"{weights}/{name}/{state}", lambda: folders.load_folder(roots[name], name)
        )
        return made

    return [load(name) for name in wanted]


def _label_map(
    ctx: ToolContext, volume: Volume, found: list[VolumetricModel], scheme: str, title: str, mirrored: bool = False
) -> LabelMap:
    sided: tuple[str, ...] = ()
    if not volume.geometry.sides_known:
        sided = ("the file does not say which side is left: the sides of the labels mean nothing",)
    voxels = ctx.voxels(volume)
    names: list[str] = ["background"]
    total = np.zeros(volume.geometry.shape, np.uint8)
    for index, model in enumerate(found):

        def tell(done: float, index: int = index) -> None:
            ctx.progress(0.05 + 0.9 * (index + done) / len(found), f"looking ({index + 1} of {len(found)})")

        ctx.progress(0.05 + 0.9 * index / len(found), "bringing the scan to the network's grid")
        seen = running.labels_of(model, voxels, volume.geometry, tell, mirror=mirrored)
        _merge(total, seen.labels, len(names) - 1)
        names += model.labels[1:]
        if len(names) > 256:
            raise ToolFailed(f"The models have {len(names) - 1} labels together, and a label map holds 255.")
    ctx.progress(0.97, "storing the labels")
    made = ctx.label_map(total, volume, scheme, names, name=f"organs by {title}")
    notes = dict.fromkeys(note for model in found for note in model.notes)
    return made.model_copy(update={"flags": (*sided, *notes)})


def _merge(total: NDArray[np.uint8], labels: NDArray[np.uint8], above: int) -> None:
    """Puts labels into total, their values raised by above; slab by slab, so that no whole copy is made."""
    for row, seen in zip(total, labels, strict=True):
        np.copyto(row, (seen + np.uint8(above)) if above else seen, where=seen > 0)


def _part(ctx: ToolContext, labels: LabelMap, structure: str, side: str) -> Mask:
    chosen = np.zeros(256, np.bool_)
    known: dict[str, None] = {}
    for label in labels.labels:
        for name, of_side in organs.meaning(label.name):
            known[name if of_side == "whole" else f"{of_side} {name}"] = None
            if name == structure and side in ("whole", of_side):
                chosen[label.value] = True
    shown = structure.replace("_", " ")
    if not chosen.any():
        has = ", ".join(known).replace("_", " ") or "no structure that is known here"
        wanted = shown if side == "whole" else f"{side} {shown}"
        raise ToolInputError(f"The {labels.name} do not tell the {wanted}: they have {has}.")
    name = shown if side == "whole" else f"{side} {shown}"
    mask = ctx.mask(chosen[ctx.voxels(labels)], labels, structure, side=side, name=name)
    return mask.model_copy(update={"flags": labels.flags})
