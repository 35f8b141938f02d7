"""A scan's vector, and the kept cases whose vectors are nearest to it."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal

import numpy as np
from scanwright.tools.artifacts import CaseList, Embedding, Volume
from scanwright.tools.contract.card import MeasuredError, Needs
from scanwright.tools.contract.conditions import CoversAtLeast, ModalityIs, SpacingAtMost, UnitIs
from scanwright.tools.contract.context import ToolContext
from scanwright.tools.contract.decorator import tool
from scanwright.tools.contract.quantity import HU, Quantity
from scanwright.tools.contract.types import ArtifactType, Of
from scanwright.tools.engines import ct_encoder, meshnet
from scanwright.tools.errors import ToolInputError
from scanwright.tools.imaging import orient

WEIGHTS = "astra-ct"
# Vectors of one name compare. A change of the preparation or of the weights is another encoder.
ENCODER = "astra-ct-1"
MOST = 50
MERLIN = (
    "Merlin: Blankemeier et al., Nature 2026 (arXiv 2406.06512), whose preparation this is; weights of its successor "
    "Astra (zzzwzh/Astra_CTRG)."
)

_REGION = MeasuredError(
    text="crops of nine CTs: the nearest crop of another patient shows the same region (head, chest, abdomen or "
    "pelvis) in 18 of 21 (chance 0.46); centring changes the numbers and not the count",
    modality="CT",
    n=21,
)
_PATIENT = MeasuredError(
    text="the nearest other crop is of the same patient in 2 of 17 (chance 0.11): it tells what is shown, not who",
    modality="CT",
    n=17,
)


@tool(
    examples=(
        "Make a vector of this CT.",
        "Embed the scan with the CT encoder.",
        "What is the embedding of this CT?",
        "Encode this study for case search.",
        "Compute the feature vector of the chest CT.",
        "Give me the 2048-dimensional embedding of the scan.",
    ),
    near_misses=(
        "Which radiomic features has the lesion? (radiomic_features)",
        "Embed this MR. (refused: the encoder has seen CT only)",
    ),
    when=(
        ModalityIs(one_of=("CT",)),
        UnitIs(unit=HU),
        CoversAtLeast(extent_mm=(100.0, 100.0, 40.0)),
        SpacingAtMost(max_mm=6.0),
    ),
    needs=Needs(memory_gb=2.2, seconds=25.0, torch=True),
    weights=(WEIGHTS,),
    reference=MERLIN,
    error=(_REGION, _PATIENT),
    licence="Apache-2.0; weights MIT, not bundled (extra `cases`)",
    uses=(ct_encoder, meshnet, orient),
)
def ct_embedding(
    ctx: ToolContext, volume: Annotated[Volume, Of(modality="CT")]
) -> Annotated[Embedding, Of("image", side="whole", modality="CT", quantity="embedding")]:
    """Vector of a CT scan (2048 numbers) by an inflated 3D ResNet-152, for finding similar cases.

    The scan at 1.5 × 1.5 × 3 mm is seen in crops of 224 × 224 × 64 voxels from bottom to top, whose vectors are
    averaged. All its vectors point nearly the same way (cosines of 0.87 to 0.99): they are compared after the mean of
    a collection is taken off.
    """
    ctx.progress(0.0, "preparing the scan")
    prepared = ct_encoder.prepare(ctx.voxels(volume), volume.geometry)
    encoder: ct_encoder.CtEncoder = ctx.resident(WEIGHTS, partial(_load, ctx))
    total = np.zeros(encoder.dimensions, np.float64)
    for index, crop in enumerate(prepared.crops):
        total += encoder.encode(crop, partial(_tell, ctx, index, len(prepared.crops)))
    vector = (total / len(prepared.crops)).astype(np.float32)
    wide = "the scan is wider than what the encoder sees (336 mm): the rim was left out"
    return Embedding(
        type=ArtifactType(
            kind="Embedding", structure="image", side="whole", quantity=("embedding",), modality="CT",
            grid=volume.type.grid, time=volume.type.time, subject=volume.type.subject,
        ),
        name=f"vector by {ENCODER}",
        encoder=ENCODER,
        vector=tuple(float(v) for v in vector),
        image=volume.image,
        flags=(wide,) if prepared.cut else (),
    )  # fmt: skip


@tool(
    examples=(
        "Find similar cases.",
        "Which earlier patients have a CT like this one?",
        "Show me scans that look like this.",
        "Are there comparable cases in my collection?",
        "Find similar chest CTs of women.",
        "Which kept cases resemble this scan most?",
        "Similar cases of the same body part, please.",
    ),
    near_misses=(
        "Compare this scan with the last one of this patient. (volume_change)",
        "What is the diagnosis in similar cases? (not assessed: cases are kept without reports)",
        "Find images like this on the web. (refused: nothing leaves this machine)",
    ),
    needs=Needs(memory_gb=0.1, seconds=0.2),
    reference="Cosine of vectors less their collection's mean: Mu and Viswanath, All-but-the-top, ICLR 2018. " + MERLIN,
    error=(_REGION, _PATIENT),
    fresh=True,
)
def similar_cases(
    ctx: ToolContext,
    embedding: Annotated[Embedding, Of("image", side="whole", modality="?m", quantity="embedding")],
    limit: Quantity = Quantity(value=5),  # noqa: B008
    body_part: str = "any",
    sex: str = "any",
    age_band: str = "any",
    scanner: str = "any",
    patient: Literal["other", "any"] = "other",
) -> Annotated[CaseList, Of("image", side="whole", modality="?m", quantity="similar_cases")]:
    """The kept cases that resemble a scan most, nearest first, with the cosine of their centred vectors.

    body_part, sex, age_band and scanner choose among the cases: a value, "same" for that of the scan, or "any". Cases
    of the scan's own patient are left out unless patient is "any". The cosine ranks; it is no probability, and says
    nothing of diagnoses. Raises ToolInputError where no case is left, or limit is no whole number from 1 to 50.
    """
    if limit.unit != "1" or limit.value != int(limit.value) or not 1 <= limit.value <= MOST:
        raise ToolInputError(f"The number of similar cases is a whole number from 1 to {MOST}, and {limit} is none.")
    given = {"body_part": body_part, "sex": sex, "age_band": age_band, "scanner": scanner, "patient": patient}
    filters = {name: value for name, value in given.items() if value != "any" or name == "patient"}
    found = ctx.cases.nearest(embedding, int(limit.value), filters)
    return found.model_copy(update={"flags": (*found.flags, *embedding.flags)})


def _load(ctx: ToolContext) -> ct_encoder.CtEncoder:
    from scanwright.tools.weights.loading import load_joined_state_dict

    ctx.progress(0.02, "loading the network")
    files = ctx.weights(WEIGHTS)
    state = load_joined_state_dict([files[role] for role in sorted(files)])
    return ct_encoder.CtEncoder(state["state_dict"], meshnet.best_precision())


def _tell(ctx: ToolContext, crop: int, crops: int, fraction: float) -> None:
    ctx.progress(0.05 + 0.94 * (crop + fraction) / crops, f"seeing part {crop + 1} of {crops}")
