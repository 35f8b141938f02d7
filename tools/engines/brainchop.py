"""The model cards of brainchop's MeshNets.

The 104-class model of the same repository is left out: of its kind the weakest, with speckle outside the brain.
"""

from __future__ import annotations

from scanwright.tools.contract.card import MeasuredError
from scanwright.tools.engines.card import Crop, ModelCard, Part
from scanwright.tools.engines.intensity import Normalisation
from scanwright.tools.engines.meshnet import Precision
from scanwright.tools.weights.catalogue_brain import BRAINCHOP, BRAINCHOP_COMMIT

_FEDOROV = "Fedorov et al., End-to-end learning of brain tissue segmentation from imperfect labeling, IJCNN 2017"
_MASOUD = "Masoud et al., Brainchop: in-browser MRI volumetric segmentation and rendering, JOSS 2023;8(83):5098"
_MINDGRAB = "Fani et al., MindGrab for BrainChop, arXiv:2506.11860, 2025"

_TISSUES = ("background", "White Matter", "Grey Matter")
_TISSUE_PARTS = (Part(structure="white_matter", classes=(1,)), Part(structure="grey_matter", classes=(2,)))

_EIGHTEEN = (
    "Unknown", "Cerebral-White-Matter", "Cerebral-Cortex", "Lateral-Ventricle", "Inferior-Lateral-Ventricle",
    "Cerebellum-White-Matter", "Cerebellum-Cortex", "Thalamus", "Caudate", "Putamen", "Pallidum", "3rd-Ventricle",
    "4th-Ventricle", "Brain-Stem", "Hippocampus", "Amygdala", "Accumbens-area", "VentralDC",
)  # fmt: skip
_EIGHTEEN_PARTS = (
    Part(structure="cerebral_white_matter", classes=(1,)),
    Part(structure="cerebral_cortex", classes=(2,)),
    # The inferior (temporal) horn is part of the lateral ventricle.
    Part(structure="lateral_ventricle", classes=(3, 4)),
    Part(structure="cerebellar_white_matter", classes=(5,)),
    Part(structure="cerebellar_cortex", classes=(6,)),
    Part(structure="cerebellum", classes=(5, 6)),
    Part(structure="thalamus", classes=(7,)),
    Part(structure="caudate", classes=(8,)),
    Part(structure="putamen", classes=(9,)),
    Part(structure="pallidum", classes=(10,)),
    Part(structure="third_ventricle", classes=(11,)),
    Part(structure="fourth_ventricle", classes=(12,)),
    Part(structure="brain_stem", classes=(13,)),
    Part(structure="hippocampus", classes=(14,)),
    Part(structure="amygdala", classes=(15,)),
    Part(structure="accumbens", classes=(16,)),
    Part(structure="ventral_diencephalon", classes=(17,)),
)
_FIFTY = (
    "BG", "Cerebral-White-Matter", "Ventricle", "Cerebellum-White-Matter", "Cerebellum", "Thalamus-Proper*", "Caudate",
    "Putamen", "Pallidum", "Brain-Stem", "Hippocampus", "Amygdala", "CSF", "Accumbens-area", "VentralDC",
    "Corpus callosum", "ctx-bankssts", "ctx-caudalanteriorcingulate", "ctx-caudalmiddlefrontal", "ctx-cuneus",
    "ctx-entorhinal", "ctx-fusiform", "ctx-inferiorparietal", "ctx-inferiortemporal", "ctx-isthmuscingulate",
    "ctx-lateraloccipital", "ctx-lateralorbitofrontal", "ctx-lingual", "ctx-medialorbitofrontal", "ctx-middletemporal",
    "ctx-parahippocampal", "ctx-paracentral", "ctx-parsopercularis", "ctx-parsorbitalis", "ctx-parstriangularis",
    "ctx-pericalcarine", "ctx-postcentral", "ctx-posteriorcingulate", "ctx-precentral", "ctx-precuneus",
    "ctx-rostralanteriorcingulate", "ctx-rostralmiddlefrontal", "ctx-superiorfrontal", "ctx-superiorparietal",
    "ctx-superiortemporal", "ctx-supramarginal", "ctx-frontalpole", "ctx-temporalpole", "ctx-transversetemporal",
    "ctx-insula",
)  # fmt: skip
_FIFTY_PARTS = (
    Part(structure="cerebral_white_matter", classes=(1,)),
    Part(structure="cerebral_cortex", classes=tuple(range(16, 50))),
    Part(structure="cerebellar_white_matter", classes=(3,)),
    Part(structure="cerebellar_cortex", classes=(4,)),
    Part(structure="cerebellum", classes=(3, 4)),
    Part(structure="thalamus", classes=(5,)),
    Part(structure="caudate", classes=(6,)),
    Part(structure="putamen", classes=(7,)),
    Part(structure="pallidum", classes=(8,)),
    Part(structure="brain_stem", classes=(9,)),
    Part(structure="hippocampus", classes=(10,)),
    Part(structure="amygdala", classes=(11,)),
    Part(structure="accumbens", classes=(13,)),
    Part(structure="ventral_diencephalon", classes=(14,)),
    Part(structure="corpus_callosum", classes=(15,)),
)


def _card(
    name: str,
    title: str,
    weights: str,
    classes: tuple[str, ...],
    parts: tuple[Part, ...],
    normalisation: Normalisation,
    crop: Crop,
    *,
    reference: str = f"{_FEDOROV}; {_MASOUD}",
    sees: str = "T1-weighted MR of the head",
    note: str = "",
    error: tuple[MeasuredError, ...] = (),
    tiles: Precision = "bfloat16",
) -> ModelCard:
    return ModelCard(
        name=name,
        title=title,
        weights=weights,
        repository=f"https://github.com/{BRAINCHOP}",
        commit=BRAINCHOP_COMMIT,
        licence="MIT",
        licence_grade="B",
        reference=reference,
        sees=sees,
        normalisation=normalisation,
        crop=crop,
        classes=classes,
        parts=parts,
        note=note,
        error=error,
        tiles=tiles,
    )


TISSUE_5 = _card(
    "model5_gw_ae", "grey and white matter, 5 channels", "meshnet-tissue-5", _TISSUES, _TISSUE_PARTS,
    "min_max", Crop(threshold=0.0, margin=18),
    error=(
        MeasuredError(
            text="MNI152 template (n 1) against its own probability maps: Dice white 0.87, grey 0.81; volumes 3 % too "
            "large and 19 % too small", modality="MR", relative_error=0.11, n=1,
        ),
        MeasuredError(
            text="three networks of the same kind on Colin 27: white 647 to 787 mL, grey 834 to 932 mL", modality="MR",
        ),
    ),
)  # fmt: skip
TISSUE_11 = _card(
    "model11_gw_ae", "grey and white matter, 11 channels", "meshnet-tissue-11", _TISSUES, _TISSUE_PARTS,
    "min_max", Crop(threshold=0.0),
    error=(
        MeasuredError(
            text="MNI152 template (n 1) against its own probability maps: Dice white 0.82, grey 0.71", modality="MR",
            relative_error=0.20, n=1,
        ),
    ),
)  # fmt: skip
TISSUE_20 = _card(
    "model20chan3cls", "grey and white matter, 20 channels", "meshnet-tissue-20", _TISSUES, _TISSUE_PARTS,
    "quantile", Crop(threshold=0.2),
    note="with min-max normalisation it sees nothing but background",
    error=(
        MeasuredError(
            text="MNI152 template (n 1) against its own probability maps: Dice white 0.77, grey 0.77; white matter "
            "53 % too large", modality="MR", relative_error=0.41, n=1,
        ),
    ),
)  # fmt: skip
PARTS_18 = _card(
    "model30chan18cls", "18 parts of the brain, 30 channels", "meshnet-18", _EIGHTEEN, _EIGHTEEN_PARTS,
    "min_max", Crop(threshold=0.2), note="left and right are not told apart",
    error=(
        MeasuredError(
            text="CIT168 template (n 1) against its atlas: Dice caudate 0.86, putamen 0.88, pallidum 0.71, accumbens "
            "0.57; volumes -12, +7, +47 and +67 % (the atlas draws the last two narrower)", modality="MR",
            relative_error=0.10, n=1,
        ),
        MeasuredError(
            text="Colin 27 (n 1) against AAL, whose outlines are coarse: Dice cerebellum 0.87, thalamus 0.81, putamen "
            "0.76, pallidum 0.72, caudate 0.72, hippocampus 0.59, amygdala 0.51", modality="MR", n=1,
        ),
    ),
)  # fmt: skip
PARTS_18_SMALL = _card(
    "model18cls", "18 parts of the brain, 21 channels", "meshnet-18-small", _EIGHTEEN, _EIGHTEEN_PARTS,
    "min_max", Crop(threshold=0.2), note="left and right are not told apart",
    tiles="float32",  # in bfloat16 the temporal horn's Dice against float32 is 0.984
)  # fmt: skip
REGIONS_50 = _card(
    "model30chan50cls", "50 parts and cortical regions of the brain", "meshnet-50", _FIFTY, _FIFTY_PARTS,
    "quantile", Crop(threshold=0.0), note="left and right are not told apart; the four ventricles are one class",
    error=(
        MeasuredError(
            text="CIT168 template (n 1) against its atlas: Dice caudate 0.83, putamen 0.84, pallidum 0.74, accumbens "
            "0.51; volumes -16, +5, +19 and -19 %", modality="MR", relative_error=0.11, n=1,
        ),
        MeasuredError(
            text="Colin 27 (n 1) against AAL, whose outlines are coarse: Dice cerebellum 0.87, thalamus 0.80, putamen "
            "0.72, caudate 0.71, hippocampus 0.68, pallidum 0.65, amygdala 0.58", modality="MR", n=1,
        ),
    ),
)  # fmt: skip
MINDGRAB = _card(
    "mindgrab", "brain mask on any modality", "mindgrab", ("background", "brain mask"),
    (Part(structure="brain", classes=(1,)),), "min_max", Crop(threshold=0.5, margin=20),
    reference=_MINDGRAB, sees="MR of any sequence and CT of the head",
    note="its norm looks at the whole box, so the box changes the result a little",
    error=(
        MeasuredError(
            text="published, not measured here: mean Dice 0.96 (SD 0.02) on 606 scans of eight kinds, CT among them"
        ),
        MeasuredError(
            text="Colin 27 and two templates (n 3) against deepbet: Dice 0.97 to 0.98, volume 2 % smaller to 4 % "
            "larger",
            modality="MR", relative_error=0.04, n=3,
        ),
        MeasuredError(
            text="one head CT: 1,429 mL, the intracranial space to the foramen magnum as seen in the picture; no "
            "reference",
            modality="CT", n=1,
        ),
    ),
)  # fmt: skip

CARDS: tuple[ModelCard, ...] = (TISSUE_5, TISSUE_11, TISSUE_20, PARTS_18, PARTS_18_SMALL, REGIONS_50, MINDGRAB)
