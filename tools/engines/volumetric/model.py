"""VolumetricModel: a network ready to run, with all that its folder says of how a scan is prepared for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from scanwright.tools.engines.volumetric.preparing import Step

Triple: TypeAlias = tuple[int, int, int]
# A network and a window (1, 1, i, j, k) → scores of some channels (channels, i, j, k), with which ones they are.
Forward: TypeAlias = Callable[[Any, Any], Iterator[tuple[slice, Any]]]
Heads: TypeAlias = Literal["argmax", "best", "regions"]


@dataclass(frozen=True)
class Windows:
    """How the network looks: windows of patch voxels, their starts a share of the patch apart, and their weights.

    even spreads the windows evenly over the scan (nnU-Net); else they stand at whole steps and the last is moved
    inside (MONAI). weighting "gaussian" trusts the middle of a window more, with a sigma of an eighth of the patch.
    padding fills what is missing where the scan is smaller than a window.
    """

    patch: Triple
    step: float = 0.5
    even: bool = True
    weighting: Literal["gaussian", "constant"] = "gaussian"
    padding: Literal["constant", "replicate"] = "constant"


@dataclass(frozen=True)
class VolumetricModel:
    """A network, or the folds of one, and what its folder says.

    axcodes are the directions of the network's array axes ("SAR": towards superior, anterior, right); steps are done
    in order. labels are the names of the values 0, 1, 2, …; channels is how many scores the network gives. heads
    "argmax" takes the highest, "best" the label regions[c] of the highest that is above nought, and "regions" paints
    label regions[c] wherever channel c is above nought, in order.
    mirrors are the axes along which the folder allows mirrored looks. modality is what it was trained on, where the
    folder says so; notes are what a reader of the result must know.
    """

    name: str
    axcodes: str
    steps: tuple[Step, ...]
    windows: Windows
    labels: tuple[str, ...]
    channels: int
    networks: tuple[Any, ...]
    forward: Forward
    heads: Heads = "argmax"
    regions: tuple[int, ...] = ()
    mirrors: tuple[int, ...] = ()
    modality: str | None = None
    notes: tuple[str, ...] = ()


def plain(network: Any, window: Any) -> Iterator[tuple[slice, Any]]:
    """The forward pass of a network that gives all channels at once."""
    yield slice(None), network(window)[0]
