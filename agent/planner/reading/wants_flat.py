"""What is wanted, in words: measures of photographs of the eye and of microscope slides.

The words of an image of that kind are said plainly before (`plain.py`): "the vessels" of a photograph of the eye are
"retinal vessels" there, "the tissue" of a slide is "stained tissue".
"""

from __future__ import annotations

import re

from scanwright.agent.planner.reading.wants_words import SHARE, Cues

_VESSEL = r"\b(?:retinal vessels?|vessels?|vascular)\b"
_RETINAL = r"\bretinal vessels?\b"
# The nuclei of the brain and the air cells of the skull are others.
_CELL = r"(?<!air )(?<!mastoid )(?<!caudate )(?<!lentiform )\b(?:nucle(?:us|i|ar)|cells?|cellular\w*)\b(?! accumbens)"
_AREA = r"(?:areas?|sizes?|size in)"
_VARIES = r"(?:var(?:y|ies|iation|iability|ied)|spread|uneven\w*|heterogen\w*|standard deviation|anisokaryosis|differ\w*|uniform\w*|irregular\w*)"
_POSITIVE = r"(?:positiv\w*|brown|labell?ed|immunoreactive|ki-?67|stain(?:s|ed)? (?:for|brown|with dab))"
_DYE = r"\b(?:ha?ematoxylin|eosin|dab|dye|stain(?!ed tissue)\w*|brown|blue|pink|counterstain)\b"
_NO_COUNT = r"^(?!.*\b(?:how many|count|number of|positiv\w*)\b).*"

FLAT: Cues = (
    ("fractal_dimension", (
        r"\bfractal\b", r"\bbox[- ]?counting\b", rf"\bcompli?(?:ex|cat)\w*\b.*{_VESSEL}", rf"{_VESSEL}.*\bcomplex\w*\b", r"\bbranching\b.*\bcomplex\w*|\bcomplex\w*\b.*\bbranching\b",
    )),
    ("vessel_calibre", (
        r"\bvessel (?:calib(?:re|er)|width|diameter)\b", r"\b(?:mean|average|vascular) calib(?:re|er)s?\b",
        rf"\b(?:wide|width|calib(?:re|er)s?|thick\w*|thin|diameters?|broad|narrow)\b.*{_RETINAL}",
        rf"{_RETINAL}.*\b(?:wide|width|calib(?:re|er)s?|thick\w*|thin|diameters?|broad|narrow)\b",
    )),
    ("vessel_length", (
        r"\bvess?els? length\b", rf"\b(?:length|long|metres|meters|millimet\w+|mm|laid)\b.*{_RETINAL}", rf"{_RETINAL}.*\b(?:length|long|end to end)\b",
    )),
    ("vessel_density", (
        r"\bvess?els? density\b", r"\bvascular density\b", rf"\bdens\w+\b.*{_RETINAL}", rf"{_RETINAL}.*\bdens\w+\b",
        rf"{SHARE}.*{_RETINAL}", rf"{_RETINAL}.*\b(?:shares?|fraction|percent(?:age)?|cover\w*|take up|occup\w+|fill)\b", rf"\b(?:cover\w*|occup\w+|taken up)\b.*{_RETINAL}",
    )),
    ("positive_fraction", (
        rf"{SHARE}.*\b{_POSITIVE}", rf"\b{_POSITIVE}.*{SHARE}", r"\blabell?ing (?:index|rate)\b", r"\bki-?67\b", r"\bproliferation (?:index|rate)\b",
        r"\bpositivity\b", r"\b(?:number of|count(?: the)?) (?:dab[- ])?positive\b", rf"\bhow many\b.*{_CELL}.*\b{_POSITIVE}", r"\bhow many\b.*\bpositive\b",
    )),
    ("nuclei_density", (
        rf"{_CELL}.*\b(?:per|a|to the) (?:mm|sq\w*|square|unit|µ|mm\^2|mm2|area)", rf"{_CELL}.*\bdens(?:ity|e|ely)\b", rf"\bdens(?:ity|e|ely|er)\b.*{_CELL}",
        r"\bcellularity\b", r"\bhow cellular\b", rf"\b(?:packed|crowded)\b.*{_CELL}|{_CELL}.*\b(?:packed|crowded)\b", r"\b(?:nuclear|nuclei|cell) densit",
    )),
    ("sd_nuclear_area", (rf"\b{_VARIES}\b.*{_CELL}", rf"{_CELL}.*\b{_VARIES}\b", r"\banisokaryosis\b")),
    ("mean_nuclear_area", (
        rf"\b{_AREA}\b.*\b(?:of|per) (?:a |an |the |each |one |single )*(?:cell )?nucle(?:us|i)\b", r"\bnuclear (?:area|size)\b",
        r"\bhow (?:large|big|small) (?:is|are) (?:a |the |these |an average )*(?:cell )?nucle(?:us|i)\b", rf"{_CELL}.*\b(?:mean|average) (?:area|size)\b",
        rf"\b(?:mean|average) (?:area|size)\b.*{_CELL}", r"\b(?:nucleus|nuclei|nuclear|cell) (?:area|size)s?\b",
    )),
    ("nuclei_count", (
        rf"\b(?:how many|number of|count|counts|counted|counting)\b[^.?]*{_CELL}", rf"{_CELL}(?:'s)? (?:count|number)s?\b",
    )),
    ("stain_density", (
        r"\boptical densit\w+", r"\bhow (?:brown|blue|pink)\b", rf"{_NO_COUNT}\b(?:strong\w*|strength|deep\w*|dense|density|intens\w+|dark\w*|mean|average|how much)\b.*{_DYE}",
        rf"{_NO_COUNT}{_DYE}.*\b(?:strong\w*|strength|deep\w*|dense|density|intensit\w+|dark\w*)\b",
    )),
    ("stain", (
        r"\b(?:which|what) (?:\w+ )?(?:stain\w*|dyes?)\b", r"\bhow (?:is|was|were|are)\b.*\bstained\b", r"\bstained with\b|\b(?:h&e|h and e|ihc)\b.*\bor\b", r"\bstain (?:used|of)\b|^(?:the )?stain(?:ing)?\W*$",
    )),
    ("tissue_fraction", (
        rf"{SHARE}.*\bstained tissue\b", r"\bstained tissue\b.*\b(?:shares?|fraction|percent(?:age)?|cover\w*)\b", r"\bcover\w*\b.*\bstained tissue\b", r"\btissue fraction\b",
        r"\b(?:part|portion) of the (?:slide|tile|image|picture) is (?:covered (?:by|with) )?stained tissue(?!.*\bwhich\b)",
    )),
    ("tissue_area", (
        r"\bstained tissue area\b", r"\barea\b.*\bstained tissue\b", r"\bhow (?:large|big|much)\b.*\bstained tissue\b", r"\bsquare \w+ of (?:stained )?tissue\b", r"\bmm\^?2 of (?:stained )?tissue\b",
        r"\bstained tissue\b.*\b(?:area|size)\b", r"\bsize of the stained tissue\b",
    )),
    ("table_csv", (
        rf"\b(?:csv|tables?|spreadsheets?|excel|xlsx|export|save|download|file|write)\b.*{_CELL}", rf"{_CELL}.*\b(?:csv|tables?|spreadsheets?|excel|xlsx|export|save|download|file)\b",
    )),
    ("pixel_size", (
        r"\b(?:pixel|voxel) size\b.*\bslide\b", r"\bmpp\b", r"\b(?:microns?|micromet(?:re|er)s?|µm|um)\b.*\b(?:one |a |per |each )?pixels?\b", r"\bpixels?\b.*\b(?:microns?|micromet(?:re|er)s?)\b",
    )),
)  # fmt: skip
# What a word for a measure means where the thing measured lies on a flat image.
ON_FLAT: dict[tuple[str, str], str] = {
    ("nucleus", "mean_intensity"): "nuclei_density",
    ("tissue", "mean_intensity"): "stain_density",
    ("retinal_vessel", "mean_intensity"): "vessel_density",
    ("nucleus", "component_count"): "nuclei_count",
    ("nucleus", "volume"): "mean_nuclear_area",
    ("nucleus", "surface_area"): "mean_nuclear_area",
    ("nucleus", "sd_intensity"): "sd_nuclear_area",
    ("nucleus", "component_volumes"): "mean_nuclear_area",
    ("tissue", "volume"): "tissue_area",
    ("tissue", "surface_area"): "tissue_area",
    ("tissue", "area_at_level"): "tissue_area",
    ("tissue", "volume_fraction"): "tissue_fraction",
    ("retinal_vessel", "volume_fraction"): "vessel_density",
}


def on_flat(of: str | None, want: str | None, text: str) -> str | None:
    """The want that a word for a measure means of a thing on a flat image; want itself where it lies elsewhere."""
    if (of, want) == ("retinal_vessel", "longest_diameter"):
        return "vessel_calibre" if _ACROSS.search(text) else "vessel_length"
    if want == "mean_intensity" and not _DENSE.search(text):
        return want
    return ON_FLAT.get((of or "", want or ""), want)


_DENSE = re.compile(r"\bdens(?:e|ity|ities|ely)\b")
_ACROSS = re.compile(r"\b(?:wide|width|thick\w*|diameters?|calib\w+|broad)\b")
