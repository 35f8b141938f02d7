"""Parts of the brain on T1-weighted MR: one run of a network makes a label map, small tools take structures out."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from scanwright.tools.artifacts import LabelMap, Mask, Volume
from scanwright.tools.contract.card import Needs
from scanwright.tools.contract.conditions import (
    AnyBefore,
    BodyPartIs,
    CoversAtLeast,
    CoversAtMost,
    ModalityIs,
    NotCut,
    NotEmpty,
    SequenceIs,
    SpacingAtMost,
)
from scanwright.tools.contract.context import ToolContext
from scanwright.tools.contract.decorator import tool
from scanwright.tools.contract.types import Of
from scanwright.tools.engines import brainchop, conform, intensity, labelling, layers_model, meshnet
from scanwright.tools.engines.card import ModelCard
from scanwright.tools.errors import ToolInputError
from scanwright.tools.imaging import orient

ENGINE = (brainchop, conform, intensity, labelling, layers_model, meshnet, orient)
LICENCE = "Apache-2.0; weights MIT, not bundled"

WHOLE_HEAD_T1: tuple[AnyBefore, ...] = (
    ModalityIs(one_of=("MR",)),
    BodyPartIs(one_of=("head", "brain")),
    CoversAtLeast(extent_mm=(110.0, 130.0, 90.0)),
    CoversAtMost(extent_mm=(360.0, 360.0, 400.0)),
    SpacingAtMost(max_mm=2.0),
    SequenceIs(words=("t1", "mprage"), validated="T1-weighted scans"),
)

Tissue = Literal["grey_matter", "white_matter"]
PartOf18 = Literal[
    "hippocampus", "lateral_ventricle", "third_ventricle", "fourth_ventricle", "thalamus", "caudate", "putamen",
    "pallidum", "accumbens", "amygdala", "brain_stem", "ventral_diencephalon", "cerebellum", "cerebellar_cortex",
    "cerebellar_white_matter", "cerebral_cortex", "cerebral_white_matter",
]  # fmt: skip
PartOf50 = Literal[
    "hippocampus", "thalamus", "caudate", "putamen", "pallidum", "accumbens", "amygdala", "brain_stem",
    "ventral_diencephalon", "corpus_callosum", "cerebellum", "cerebellar_cortex", "cerebellar_white_matter",
    "cerebral_cortex", "cerebral_white_matter",
]  # fmt: skip


@tool(
    examples=(
        "Segment grey and white matter.",
        "Do a tissue segmentation of the brain.",
        "Classify the brain voxels as grey or white matter.",
        "Which voxels are white matter and which are grey?",
        "Make a label map of the brain tissues.",
        "Tissue classes of this T1, please.",
    ),
    near_misses=(
        "Where is the cortex of the cerebellum? (brain_part)",
        "How thick is the cortex? (not assessed)",
        "Are there white matter lesions? (not assessed: lesions are not told from healthy tissue)",
    ),
    when=WHOLE_HEAD_T1,
    needs=Needs(memory_gb=1.3, seconds=6.0, torch=True),
    weights=(brainchop.TISSUE_5.weights,),
    reference=brainchop.TISSUE_5.reference,
    error=brainchop.TISSUE_5.error,
    licence=LICENCE,
    uses=ENGINE,
)
def brain_tissue_map(
    ctx: ToolContext, volume: Annotated[Volume, Of(modality="MR")]
) -> Annotated[LabelMap, Of("brain_tissue")]:
    """Labels of grey and white matter on a T1-weighted MR scan of the head.

    A MeshNet with three classes looks at the scan at 1 mm; its labels are brought back to the scan's own grid by
    nearest neighbour. Cerebrospinal fluid is background.
    """
    return _label_map(ctx, volume, brainchop.TISSUE_5, "brain_tissue")


@tool(
    examples=(
        "How much grey matter is there?",
        "What is the volume of the white matter?",
        "Outline the grey matter.",
        "Show the white matter on the T1.",
        "Grey matter volume in mL?",
        "Segment the white matter only.",
    ),
    near_misses=(
        "How large is the whole brain? (brain_extraction)",
        "Are there white matter lesions? (not assessed)",
        "How much cerebral cortex is there, without the deep nuclei? (brain_part)",
    ),
    then=(NotEmpty(), NotCut()),
    needs=Needs(memory_gb=0.3, seconds=0.4),
    weights=(brainchop.TISSUE_5.weights,),
    reference=brainchop.TISSUE_5.reference,
    error=brainchop.TISSUE_5.error,
    licence=LICENCE,
    uses=(brainchop,),
)
def brain_tissue(
    ctx: ToolContext, labels: Annotated[LabelMap, Of("brain_tissue")], structure: Tissue
) -> Annotated[Mask, Of("?structure", side="whole")]:
    """Mask of the grey or of the white matter, both sides together, from the tissue labels.

    Grey matter is cortex, cerebellar cortex and most of the deep nuclei; white matter includes that of the
    cerebellum and the brain stem.
    """
    return _part(ctx, labels, brainchop.TISSUE_5, structure)


@tool(
    examples=(
        "Segment the brain into its parts.",
        "Make a label map of the subcortical structures.",
        "Parcellate the brain on this T1.",
        "Which part of the brain is each voxel?",
        "Label the deep nuclei and the ventricles.",
        "Do a subcortical segmentation.",
    ),
    near_misses=(
        "Only grey and white matter, please. (brain_tissue_map)",
        "Label the gyri. (brain_region_map)",
    ),
    when=WHOLE_HEAD_T1,
    needs=Needs(memory_gb=1.9, seconds=12.0, torch=True),
    weights=(brainchop.PARTS_18.weights,),
    reference=brainchop.PARTS_18.reference,
    error=brainchop.PARTS_18.error,
    licence=LICENCE,
    uses=ENGINE,
)
def brain_part_map(
    ctx: ToolContext, volume: Annotated[Volume, Of(modality="MR")]
) -> Annotated[LabelMap, Of("brain_parts")]:
    """Labels of 17 parts of the brain on a T1-weighted MR scan of the head, left and right together.

    A MeshNet trained on FreeSurfer's labels looks at the scan at 1 mm; its labels are brought back to the scan's own
    grid by nearest neighbour.
    """
    return _label_map(ctx, volume, brainchop.PARTS_18, "brain_parts")


@tool(
    examples=(
        "How large are the hippocampi?",
        "What is the volume of the lateral ventricles?",
        "Outline the thalamus.",
        "How big is the third ventricle?",
        "Show the caudate nucleus.",
        "Volume of the cerebellum in mL?",
        "How large is the brain stem?",
        "Segment the putamen and the pallidum.",
    ),
    near_misses=(
        "Is the hippocampus atrophic? (not assessed: no norm is bundled)",
        "How large is the ventricle of the heart? (not assessed)",
        "How large are the frontal horns? (not assessed: the lateral ventricles are one structure)",
    ),
    then=(NotEmpty(), NotCut()),
    needs=Needs(memory_gb=0.3, seconds=0.4),
    weights=(brainchop.PARTS_18.weights,),
    reference=brainchop.PARTS_18.reference,
    error=brainchop.PARTS_18.error,
    licence=LICENCE,
    uses=(brainchop,),
)
def brain_part(
    ctx: ToolContext, labels: Annotated[LabelMap, Of("brain_parts")], structure: PartOf18
) -> Annotated[Mask, Of("?structure", side="whole")]:
    """Mask of one part of the brain, left and right together, from the labels of 17 parts.

    The lateral ventricles include their temporal horns, the cerebellum is its cortex and white matter. Borders are
    FreeSurfer's.
    """
    return _part(ctx, labels, brainchop.PARTS_18, structure)


@tool(
    examples=(
        "Parcellate the cortex.",
        "Label the cortical regions and the deep nuclei.",
        "Make a label map with the gyri.",
        "Segment the brain into 50 regions.",
        "Desikan–Killiany regions of this T1, please.",
        "Give me the cortical parcellation as labels.",
    ),
    near_misses=(
        "Only the deep nuclei, please. (brain_part_map)",
        "Where is the language area? (not assessed)",
    ),
    when=WHOLE_HEAD_T1,
    needs=Needs(memory_gb=1.9, seconds=14.0, torch=True),
    weights=(brainchop.REGIONS_50.weights,),
    reference=brainchop.REGIONS_50.reference,
    error=brainchop.REGIONS_50.error,
    licence=LICENCE,
    uses=ENGINE,
)
def brain_region_map(
    ctx: ToolContext, volume: Annotated[Volume, Of(modality="MR")]
) -> Annotated[LabelMap, Of("brain_regions")]:
    """Labels of 49 parts and cortical regions on a T1-weighted MR scan of the head, left and right together.

    A MeshNet trained on FreeSurfer's labels looks at the scan at 1 mm; its labels are brought back to the scan's own
    grid by nearest neighbour.
    """
    return _label_map(ctx, volume, brainchop.REGIONS_50, "brain_regions")


@tool(
    examples=(
        "How large is the corpus callosum?",
        "Outline the corpus callosum.",
        "Volume of the hippocampi by the second method?",
        "Show the corpus callosum on the T1.",
        "Segment the thalamus with the 50-region network.",
        "Corpus callosum volume in mL",
    ),
    near_misses=(
        "How thick is the corpus callosum? (not assessed)",
        "How large are the ventricles? (brain_part: here all four are one class)",
    ),
    then=(NotEmpty(), NotCut()),
    needs=Needs(memory_gb=0.3, seconds=0.5),
    weights=(brainchop.REGIONS_50.weights,),
    reference=brainchop.REGIONS_50.reference,
    error=brainchop.REGIONS_50.error,
    licence=LICENCE,
    uses=(brainchop,),
)
def brain_region(
    ctx: ToolContext, labels: Annotated[LabelMap, Of("brain_regions")], structure: PartOf50
) -> Annotated[Mask, Of("?structure", side="whole")]:
    """Mask of one part of the brain, left and right together, from the labels of 49 parts: a second method.

    The cerebral cortex is all cortical regions together. Borders are FreeSurfer's.
    """
    return _part(ctx, labels, brainchop.REGIONS_50, structure)


def _label_map(ctx: ToolContext, volume: Volume, card: ModelCard, scheme: str) -> LabelMap:
    seen = labelling.label(ctx, card, ctx.voxels(volume), volume.geometry)
    made = ctx.label_map(seen.labels, volume, scheme, card.classes, name=card.title)
    return made.model_copy(update={"flags": seen.flags})


def _part(ctx: ToolContext, labels: LabelMap, card: ModelCard, structure: str) -> Mask:
    if tuple(label.name for label in labels.labels) != card.classes:
        raise ToolInputError(f"The labels {labels.name!r} are not those of {card.title}: give the map that it made.")
    chosen = np.zeros(256, np.bool_)
    chosen[list(card.part(structure).classes)] = True
    mask = ctx.mask(chosen[ctx.voxels(labels)], labels, structure)
    return mask.model_copy(update={"flags": labels.flags})
