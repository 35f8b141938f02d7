"""Words: slips of the finger and shorthand, corrected towards the words of the domain."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rapidfuzz import process
from rapidfuzz.distance import OSA
from scanwright.tools.vocabulary.structures import STRUCTURES

# Shorthand, and misspellings that are words themselves, so that no distance finds them.
_SLIPS = {
    "brian": "brain", "brians": "brains", "scull": "skull", "teh": "the", "hte": "the", "adn": "and", "wich": "which",
    "waht": "what", "wat": "what", "hwo": "how", "hou": "how", "hw": "how", "mutch": "much", "vol": "volume",
    "vols": "volumes", "avg": "average", "ave": "average", "max": "maximum", "min": "minimum", "pct": "percent",
    "perc": "percent", "pic": "picture", "pics": "pictures", "img": "image", "diam": "diameter", "dia": "diameter",
    "diams": "diameters", "seg": "segment", "sd": "standard deviation", "stdev": "standard deviation",
    "stddev": "standard deviation", "std": "standard deviation", "med": "median",
    "res": "resolution", "fov": "field of view", "dims": "dimensions", "dim": "dimension", "asym": "asymmetry",
    "vox": "voxel", "thk": "thickness", "frac": "fraction", "surf": "surface", "int": "intensity", "ints": "intensities",
    "bbox": "bounding box", "houndsfield": "hounsfield", "gm": "grey matter", "wm": "white matter", "fx": "fracture",
    "ich": "haemorrhage", "mets": "metastases", "lt": "left", "rt": "right", "hemi": "hemisphere", "pt": "patient",
    "ther": "there", "bains": "brain", "sige": "size", "siez": "size", "fo": "of", "si": "is", "od": "of", "ot": "to",
    "ths": "this", "sof": "soft", "meen": "mean", "brite": "bright", "hight": "height",
    "tickness": "thickness", "ration": "ratio", "precent": "percent", "tomour": "tumour", "bonne": "bone", "boen": "bone",
    "litter": "litre", "hippo": "hippocampus", "hippos": "hippocampi", "vesel": "vessel", "vesels": "vessels", "nuclie": "nuclei", "veiw": "view",
}  # fmt: skip
_TARGETS = """
    volume volumes large larger size sizes surface area diameter diameters longest widest maximum minimum average
    mean median standard deviation intensity intensities brightness bright brightest dark darkest density dense
    densest hounsfield percentage percent fraction proportion share component components pieces separate segment
    segmentation outline picture display show export orientation spacing resolution modality dimensions matrix
    slices slice thickness asymmetry asymmetric symmetric symmetry hemisphere hemispheres difference between above
    below threshold voxels voxel bounding millilitres milliliters millilitre milliliter litres liters millimetres
    millimeters centimetres centimeters region lesion percentile percentiles tissue highest lowest extract patient
    scanner coverage connected right left nifti mask values value measure calculate compute report contour
    visualize visualise brighter darker denser greater higher lower exceeding exceed many much what there how than
    fracture tumour signal image scan field view operate surgery treatment diagnosis haemorrhage bleeding normal
    abnormal delineate isolate number count position point length width height depth isotropic table spreadsheet
    attenuation material largest smallest smaller greatest whole inside within under over units square cubic
    should marked outlined vessels vessel retinal fundus nuclei nucleus calibre fractal positive staining agatston
    cardiothoracic midline parenchymal parenchyma haematoxylin
""".split()  # noqa: SIM905


class Speller:
    """Corrects misspelt domain words; words in the dictionary are left alone.

    dictionary is any set of common English words (the sentence encoder's vocabulary serves).
    """

    def __init__(self, dictionary: Iterable[str] = ()) -> None:
        structure_words = {w for c in STRUCTURES.values() for s in c.synonyms for w in s.split() if len(w) > 3}
        self._targets = sorted({*_TARGETS, *structure_words})
        self._known = {*dictionary, *self._targets}

    def correct(self, text: str) -> str:
        """text (lower case) with slips and misspelt domain words corrected."""
        return re.sub(r"[a-z]+", lambda m: self._word(m[0]), text)

    def _word(self, word: str) -> str:
        if word in _SLIPS:
            return _SLIPS[word]
        if len(word) < 4 or word in self._known or self._is_inflected(word):
            return word
        slips = 1 if len(word) < 7 else 2
        best = process.extractOne(word, self._targets, scorer=OSA.distance, score_cutoff=slips)
        return word if best is None else str(best[0])

    def _is_inflected(self, word: str) -> bool:
        """ "contoured" is no slip of "contour"."""
        if word.endswith("ss"):
            return False
        for ending in ("s", "ed", "ing", "er", "ers", "ly", "able"):
            stem = word[: -len(ending)]
            if word.endswith(ending) and (f"{stem}e" in self._known or (stem in self._known and stem[-1:] != "e")):
                return True
        return word.endswith("s") and word[:-1] in self._known
