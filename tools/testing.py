"""For authors of tools: a bench that runs a tool on an array, with no home folder and no workers."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.artifacts import Artifact, BlobRef, Flat, ImageFacts, LabelMap, Mask, Photograph, Slide, Volume
from scanwright.tools.contract.context import Cases
from scanwright.tools.contract.decorator import Tool
from scanwright.tools.errors import ToolFailed
from scanwright.tools.hashing import sha256_file
from scanwright.tools.imaging.flat.frame import Frame
from scanwright.tools.imaging.geometry import Geometry
from scanwright.tools.runtime.context import WorkerContext, store_volume
from scanwright.tools.runtime.flat import store_pixels
from scanwright.tools.weights.store import WeightsStore

_F = TypeVar("_F", bound=Flat)


class FolderBlobs:
    """Blobs in one folder, for tests."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, file: Path, media_type: str) -> BlobRef:
        """Copies the file in."""
        digest = sha256_file(file)
        shutil.copyfile(file, self._folder / digest)
        return BlobRef(sha256=digest, size=file.stat().st_size, media_type=media_type)

    def path(self, ref: BlobRef) -> Path:
        """The file."""
        path = self._folder / ref.sha256
        if not path.exists():
            raise ToolFailed(f"The blob {ref.sha256[:12]} is not in {self._folder}.")
        return path


class ToolBench:
    """Makes volumes and masks from arrays (i, j, k) and runs tools on them, checks included."""

    def __init__(self, folder: Path, *, weights_dir: Path | None = None, cases: Cases | None = None) -> None:
        """folder keeps the blobs, weights_dir holds weights that no package brings, cases are what tools ask."""
        self.blobs = FolderBlobs(folder)
        weights = WeightsStore(weights_dir).resolve
        self.ctx = WorkerContext(self.blobs, weights=weights, cases=cases, scratch=folder / "unfinished")

    def volume(self, voxels: NDArray[Any], affine: NDArray[np.float64] | None = None, *, sides_known: bool = True,
               space: Any = "native", **facts: Any) -> Volume:  # fmt: skip
        """A volume; facts are fields of ImageFacts (modality="CT", unit="[hnsf'U]", …)."""
        geometry = Geometry.of(
            voxels.shape, np.eye(4) if affine is None else affine, space=space, sides_known=sides_known
        )
        return store_volume(
            self.blobs, voxels, geometry, ImageFacts(**facts), name="test image", subject="P-test", time="t0"
        )

    def mask(self, voxels: NDArray[np.bool_], like: Volume, structure: str = "lesion") -> Mask:
        """A mask on the grid of like."""
        return self.ctx.mask(voxels, like, structure)

    def slide(self, pixels: NDArray[np.uint8], um: float | None = 0.5, **facts: Any) -> Slide:
        """A slide or tile from RGB (rows, columns, 3); um is the size of a pixel, facts as for a volume (stain=…)."""
        return self._flat(Slide, pixels, um, {"modality": "SM", **facts})

    def photograph(self, pixels: NDArray[np.uint8], um: float | None = None, **facts: Any) -> Photograph:
        """A photograph from RGB (rows, columns, 3), of the fundus where no modality is named."""
        return self._flat(Photograph, pixels, um, {"modality": "OP", **facts})

    def _flat(self, kind: type[_F], pixels: NDArray[np.uint8], um: float | None, facts: dict[str, Any]) -> _F:
        frame = Frame(width=pixels.shape[1], height=pixels.shape[0], um_per_pixel=None if um is None else (um, um))
        return store_pixels(
            self.blobs, pixels, frame, ImageFacts(**facts), kind=kind, name="test image", subject="P-test", time="t0"
        )

    def run(self, tool: Tool[..., Any], **given: Any) -> Any:
        """Runs a tool; artifacts and parameters by name. Returns what a worker would."""
        inputs = {k: v for k, v in given.items() if isinstance(v, Artifact | tuple | None.__class__)}
        params = {k: v for k, v in given.items() if k not in inputs}
        return tool.run(self.ctx, inputs, params)

    def read(self, artifact: Volume | Mask | LabelMap) -> NDArray[Any]:
        """The voxels of an artifact."""
        return self.ctx.voxels(artifact)
