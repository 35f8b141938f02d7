"""InstanSeg: nuclei by a published network (Goldsborough et al., arXiv 2408.15954) that comes as TorchScript.

The published file is a program that holds its own preparation of instances: it takes an image and gives labels. It is
loaded only where its hash is pinned (tools/weights/loading.py).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.errors import ToolFailed

# What the brightfield model was trained at; images are brought to this before.
PIXEL_UM: Final = 0.5
# Percentiles that become 0 and 1, channel by channel, as its authors normalise.
LOW, HIGH = 0.1, 99.9
# The network halves the image four times and more; sides are filled up to a multiple of this.
MULTIPLE: Final = 32


def instanseg_labels(model: Any, rgb: NDArray[np.uint8], threads: int = 2) -> NDArray[np.int32]:
    """Labels (rows, columns) 1, 2, … of the nuclei in RGB (rows, columns, 3) with pixels of half a micrometre.

    model is the TorchScript module: (1, 3, rows, columns) float32 to (1, 1 or 2, rows, columns) of labels, nuclei
    first. Raises ToolFailed where it gives something else.
    """
    import torch

    rows, columns = rgb.shape[:2]
    tensor = torch.from_numpy(normalised(rgb).transpose(2, 0, 1).copy())[None]
    right, down = -columns % MULTIPLE, -rows % MULTIPLE
    # Filled up by its last row and column: a dark or bright frame would be taken for an edge.
    tensor = torch.nn.functional.pad(tensor, (0, right, 0, down), mode="replicate")
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.inference_mode():
            out = model(tensor)
    except RuntimeError as error:
        raise ToolFailed(f"The nucleus network failed: {str(error).splitlines()[-1]}.") from error
    finally:
        torch.set_num_threads(before)
    if not isinstance(out, torch.Tensor) or out.ndim != 4 or tuple(out.shape[2:]) != tuple(tensor.shape[2:]):
        raise ToolFailed("The nucleus network does not give labels of the image's size: these are other weights.")
    labels = np.rint(out[0, 0, :rows, :columns].numpy()).astype(np.int64)
    if labels.min() < 0:
        raise ToolFailed("The nucleus network gives labels below 0: these are other weights.")
    return np.unique(labels, return_inverse=True)[1].reshape(labels.shape).astype(np.int32) + int(labels.min() > 0)


def normalised(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Each channel with its percentiles LOW and HIGH brought to 0 and 1, not clipped; (rows, columns, 3)."""
    flat = rgb.reshape(-1, 3)
    low, high = np.percentile(flat, LOW, axis=0), np.percentile(flat, HIGH, axis=0)
    return np.asarray((rgb - low) / np.maximum(high - low, 1e-3), dtype=np.float32)
