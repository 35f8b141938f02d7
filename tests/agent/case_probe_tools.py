"""An encoder of few numbers; workers import this module by name."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from scanwright.tools.artifacts import Embedding, Volume
from scanwright.tools.contract.card import Needs
from scanwright.tools.contract.context import ToolContext
from scanwright.tools.contract.decorator import tool
from scanwright.tools.contract.types import ArtifactType, Of


@tool(examples=["probe"], reference="none: a probe of case search", needs=Needs(seconds=0.01))
def probe_embedding(
    ctx: ToolContext, volume: Annotated[Volume, Of(modality="CT")]
) -> Annotated[Embedding, Of("image", side="whole", modality="CT", quantity="embedding")]:
    """The histogram of a CT in 16 bins, as shares."""
    counts = np.histogram(ctx.voxels(volume), bins=16, range=(-1000, 1000))[0] / np.prod(volume.geometry.shape)
    return Embedding(
        type=ArtifactType(kind="Embedding", structure="image", side="whole", quantity=("embedding",), modality="CT",
                          time=volume.type.time, subject=volume.type.subject),
        name="histogram", encoder="histogram-1", vector=tuple(counts.tolist()), image=volume.image,
    )  # fmt: skip
