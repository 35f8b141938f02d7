"""Structures: what can be meant by `of` and `region` in a goal, whether or not a tool makes a mask of it."""

from __future__ import annotations

from scanwright.tools.vocabulary.brain_parts import BRAIN_PARTS
from scanwright.tools.vocabulary.concept import Concept
from scanwright.tools.vocabulary.organs import ORGANS, PAIRED_ORGANS

_POINTED = (
    "i point at", "i pointed at", "i am pointing at", "i'm pointing at", "i clicked", "i clicked on", "i click on",
)  # fmt: skip
CLICKED = (
    *(f"{thing} {pointed}" for thing in ("structure", "thing", "object", "organ", "what") for pointed in _POINTED),
    "structure at this point", "thing at this point", "object at this point", "organ at this point",
    "structure at the point", "structure around this point", "clicked structure", "structure here", "thing here",
    "this spot",
)  # fmt: skip

STRUCTURES: dict[str, Concept] = {
    c.name: c
    for c in (
        *BRAIN_PARTS,
        *ORGANS,
        Concept(
            "brain",
            "brain",
            "SCT.Brain",
            (
                "brain",
                "brains",
                "whole brain",
                "cerebrum",
                "encephalon",
                "brain tissue",
                "intracranial volume",
                "intracranial contents",
                "tiv",
                "icv",
            ),
        ),
        Concept("head", "head", "SCT.Head", ("head", "heads", "head outline", "whole head")),
        Concept("bone", "bone", "SCT.Bone", ("bone", "bones", "bony structures", "osseous structures", "skeleton")),
        Concept(
            "skull", "skull", "SCT.Skull", ("skull", "cranium", "cranial bone", "skull bone", "calvarium", "calvaria")
        ),
        Concept(
            "air_space",
            "air spaces in the head",
            "SCT.Air",
            (
                "air",
                "air space",
                "air spaces",
                "air cells",
                "sinus air",
                "pneumatised spaces",
                "paranasal sinuses",
                "sinuses",
                "airways of the head",
            ),
        ),
        Concept("soft_tissue", "soft tissue", "SCT.SoftTissue", ("soft tissue", "soft tissues")),
        Concept(
            "body",
            "body",
            "SCT.Trunk",
            (
                "body",
                "body outline",
                "outline of the body",
                "whole body",
                "trunk",
                "torso",
                "patient outline",
                "body surface",
            ),
        ),
        Concept(
            "airway",
            "trachea and main bronchi",
            "SCT.TracheaAndBronchus",
            (
                "trachea",
                "windpipe",
                "airway",
                "airways",
                "main bronchi",
                "main bronchus",
                "central airways",
                "tracheal",
            ),
        ),
        Concept(
            "subcutaneous_fat",
            "subcutaneous fat",
            "SCT.SubcutaneousTissue",
            (
                "subcutaneous fat",
                "subcutaneous adipose tissue",
                "subcutaneous tissue",
                "fat under the skin",
                "fat layer under the skin",
                "fat beneath the skin",
                "fat lies under the skin",
                "fat lie under the skin",
                "fat is under the skin",
                "fat layer",
                "sat",
            ),
        ),
        Concept(
            "deep_fat",
            "fat inside the trunk wall (visceral, and between muscles)",
            "SCT.AdiposeTissue",
            (
                "deep fat",
                "visceral fat",
                "visceral adipose tissue",
                "intra-abdominal fat",
                "abdominal fat inside the wall",
                "fat inside the abdominal wall",
                "fat inside the trunk wall",
                "fat inside the wall",
                "fat that is not subcutaneous",
                "vat",
            ),
        ),
        Concept(
            "lean_tissue",
            "lean soft tissue (muscles and organs together)",
            None,
            ("lean tissue", "lean soft tissue", "lean mass", "muscles and organs together", "muscles and organs"),
        ),
        Concept(
            "bright_vessels",
            "vessels and heart with contrast",
            "SCT.BloodVessel",
            (
                "bright vessels",
                "contrast-filled vessels",
                "enhanced vessels",
                "enhancing vessels",
                "opacified vessels",
                "vessels with contrast",
                "vessels filled with contrast",
                "vessels that are filled with contrast",
                "contrast-filled aorta",
                "blood with contrast",
                "enhanced blood",
                "blood in the enhanced vessels",
                "blood in the large vessels",
                "blood in the vessels",
                "large vessels",
                "heart and large vessels",
            ),
        ),
        Concept("intensity_range", "voxels in the range", None, ()),
        Concept(
            "midsagittal_plane",
            "midsagittal plane",
            None,
            ("midsagittal plane", "median plane", "midline", "midline plane", "symmetry plane"),
        ),
        Concept("image", "image", None, ("image", "scan", "picture", "volume", "study", "series", "file", "dataset")),
        Concept(
            "given_region",
            "given region",
            None,
            (
                "mask",
                "region",
                "roi",
                "lesion",
                "segmentation",
                "my mask",
                "this region",
                "label",
                "marked area",
                "outlined area",
                "marked region",
                "annotation",
            ),
        ),
        Concept(
            "clicked_structure",
            "structure at the point",
            None,
            CLICKED,
        ),
        # Structures that need weights, or that nothing segments: known, so that a refusal can name them.
        Concept("liver", "liver", "SCT.Liver", ("liver", "hepatic")),
        Concept("spleen", "spleen", "SCT.Spleen", ("spleen", "splenic")),
        Concept("kidney", "kidney", "SCT.Kidney", ("kidney", "kidneys", "renal"), paired=True),
        Concept("lung", "lung", "SCT.Lung", ("lung", "lungs", "pulmonary"), paired=True),
        Concept("heart", "heart", "SCT.Heart", ("heart", "cardiac")),
        Concept("aorta", "aorta", "SCT.Aorta", ("aorta", "aortic")),
        Concept("pancreas", "pancreas", "SCT.Pancreas", ("pancreas", "pancreatic")),
        Concept("bladder", "bladder", "SCT.Bladder", ("bladder", "urinary bladder")),
        Concept("prostate", "prostate", "SCT.Prostate", ("prostate", "prostatic")),
        Concept(
            "muscle",
            "muscle",
            "SCT.Muscle",
            ("muscle", "muscles", "muscular", "skeletal muscle", "skeletal muscles", "psoas", "psoas muscle"),
        ),
        Concept("fat", "fat", "SCT.AdiposeTissue", ("fat", "adipose tissue", "fatty tissue")),
        Concept(
            "tumour",
            "tumour",
            "SCT.Neoplasm",
            ("tumour", "tumor", "tumours", "tumors", "neoplasm", "cancer", "mass", "metastasis", "metastases"),
        ),
        Concept("nodule", "nodule", "SCT.Nodule", ("nodule", "nodules")),
        Concept(
            "haemorrhage",
            "haemorrhage",
            "SCT.Hemorrhage",
            ("haemorrhage", "hemorrhage", "bleed", "bleeding", "haematoma", "hematoma"),
        ),
        Concept("eye", "eye", "SCT.Eye", ("eye", "eyes", "orbit", "orbits", "eyeball"), paired=True),
        Concept(
            "fundus",
            "field of view of the fundus",
            "SCT.Retina",
            ("fundus", "retina", "eyeground", "fundus photograph", "field of view of the fundus", "back of the eye"),
        ),
        Concept(
            "retinal_vessel",
            "retinal vessels",
            None,
            (
                "retinal vessel",
                "retinal vessels",
                "vessels of the retina",
                "vessels of the fundus",
                "vessels of the eye",
                "retinal blood vessels",
                "blood vessels of the retina",
                "retinal vasculature",
                "retinal arteries and veins",
                "vessel tree",
                "vascular tree",
                "retinal vascular network",
            ),
        ),
        Concept("tissue", "tissue", None, ("tissue", "stained tissue", "tissue area", "tissue on the slide")),
        Concept(
            "nucleus",
            "nuclei",
            "SCT.Nucleus",
            ("nucleus", "nuclei", "cell nucleus", "cell nuclei", "cell", "cells", "all nuclei", "all cells"),
        ),
    )
}
# Those of a group lie beside one another: none holds a share of another, and their ratio is no share.
BESIDE: tuple[frozenset[str], ...] = (
    frozenset({"subcutaneous_fat", "deep_fat", "lean_tissue", "bone"}),
    frozenset({"subcutaneous_fat", "bone", "lung", "airway"}),
    frozenset({"bone", "soft_tissue", "air_space"}),
    frozenset({"grey_matter", "white_matter", "lateral_ventricle", "third_ventricle", "fourth_ventricle"}),
    frozenset({"cerebral_cortex", "cerebral_white_matter", "cerebellum", "brain_stem", "hippocampus", "thalamus"}),
    frozenset({"cerebellar_cortex", "cerebellar_white_matter"}),
)
# Of these the body has a left and a right one, so that "each" is one of two.
PAIRED = frozenset(
    {
        *PAIRED_ORGANS, "accumbens", "amygdala", "caudate", "eye", "hippocampus", "lateral_ventricle", "lung",
        "pallidum", "putamen", "thalamus",
    }
)  # fmt: skip
