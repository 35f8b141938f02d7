"""Nuclei of a slide of any size: tile by tile with overlap, each nucleus once, going on where a run was stopped."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scanwright.tools.imaging.flat.frame import Box, Frame
from scanwright.tools.morphology.nuclei import REACH_UM, WORK_UM, Threshold, nuclei_in, threshold_of
from scanwright.tools.morphology.stains import CLEAR, DYES, GLASS_OD, optical_density, separated, white_of
from scanwright.tools.morphology.tissue import tissue_of, view_downsample

Read: TypeAlias = Callable[[Box | None, float], NDArray[np.uint8]]
# Labels (rows, columns) of the nuclei in RGB of a tile, where something else than the stain finds them.
Find: TypeAlias = Callable[[NDArray[np.uint8]], NDArray[np.int32]]

FLUORESCENCE: Final = "fluorescence"
STAINS: Final = (*DYES, FLUORESCENCE)
# Said of cells that a network outlined, so that no range of a stain's threshold is told of them.
BY_NETWORK: Final = "outlined by a network, whose error on this stain and scanner is not known"
# Of a tile's core, in working pixels; with its overlap under 4 million pixels, so under 1 GB while it is worked on.
CORE: Final = 1536
# Farther than any step looks, and half a large nucleus more.
MARGIN_UM: Final = REACH_UM + 24
# The thresholds come from at most so many tiles with tissue, spread over the slide.
SAMPLES: Final = 9
# Very dark brown is no darker than this for finding nuclei, so that pale blue ones beside it are found too.
BROWN_AT_MOST: Final = 0.45
BROWN_FROM: Final = 0.15
# Counterstain is paler than haematoxylin on H&E: the share of Otsu's threshold that finds its nuclei.
PALE: Final = 0.75
SHAPE_COLUMNS: Final = ("x", "y", "area_um2", "perimeter_um", "eccentricity", "solidity")


@dataclass(frozen=True)
class Looking:
    """How a slide is looked at, decided once for all its tiles.

    step is how many of its pixels make one working pixel of um micrometres, white the colour of clear glass.
    """

    stain: str
    step: int
    um: float
    white: tuple[float, float, float]
    threshold: Threshold

    @property
    def columns(self) -> tuple[str, ...]:
        """What is known of each nucleus."""
        if self.stain == FLUORESCENCE:
            return (*SHAPE_COLUMNS, "mean_light")
        return (*SHAPE_COLUMNS, *(f"{dye.lower()}_od" for dye in DYES[self.stain]))


@dataclass(frozen=True, eq=False)
class Tile:
    """A part of a slide: core (x, y, width, height) is what it answers for, box what is read around it."""

    core: Box
    box: Box


def tissue_view(read: Read, frame: Frame, stain: str | None) -> tuple[NDArray[np.bool_], float]:
    """The tissue of a slide (rows, columns) in a view of it, and how many times coarser that is."""
    down = view_downsample(frame)
    um = frame.smaller(down).um_per_pixel
    size = None if um is None else float(np.sqrt(um[0] * um[1]))
    return tissue_of(read(None, down), size, fluorescence=stain == FLUORESCENCE), down


def looking(read: Read, frame: Frame, stain: str, tissue: NDArray[np.bool_], down: float) -> Looking:
    """Thresholds for a slide: the median of those of some tiles of its tissue. frame says how large a pixel is."""
    assert frame.um_per_pixel is not None
    um = float(np.mean(frame.um_per_pixel))
    step = max(1, round(WORK_UM / um))
    white = CLEAR if stain == FLUORESCENCE else white_of(read(None, down))
    blind = Looking(stain, step, um * step, white, Threshold(np.inf, np.inf, stain == FLUORESCENCE))
    found = list(tiles_of(frame, blind, tissue, down))
    some = found[:: max(1, -(-len(found) // SAMPLES))]
    thresholds = [
        t for t in (_threshold(read(tile.core, float(step)), blind) for tile in some) if np.isfinite(t.signal)
    ]
    if not thresholds:
        return blind
    middle = Threshold(
        float(np.median([t.signal for t in thresholds])), float(np.median([t.above for t in thresholds])),
        stain == FLUORESCENCE, BROWN_AT_MOST if stain == "IHC DAB" else np.inf,
    )  # fmt: skip
    return Looking(stain, step, blind.um, white, middle.times(PALE if stain == "IHC DAB" else 1.0))


def brown_share(read: Read, how: Looking, tissue: NDArray[np.bool_], down: float) -> float:
    """The share of the tissue that is brown: high where the antibody marks more than nuclei."""
    rgb = read(None, down)
    amounts = separated(optical_density(rgb, how.white), DYES["IHC DAB"])
    return float((amounts["DAB"][tissue] > BROWN_FROM).mean()) if tissue.any() else 0.0


def _threshold(rgb: NDArray[np.uint8], how: Looking) -> Threshold:
    signal, amounts = signal_of(rgb, how)
    if how.stain == FLUORESCENCE:
        return threshold_of(signal, how.um, fluorescent=True)
    where = optical_density(rgb, how.white).max(axis=2) > GLASS_OD
    if how.stain == "IHC DAB":
        where &= amounts[..., 1] < BROWN_FROM
    return threshold_of(signal, how.um, where)


def signal_of(rgb: NDArray[np.uint8], how: Looking) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What shows nuclei (rows, columns), and what is measured of them (rows, columns, 1 or 2)."""
    if how.stain == FLUORESCENCE:
        light = rgb.max(axis=2).astype(np.float32) / 255
        return light, light[..., None]
    dyes = DYES[how.stain]
    amounts = separated(optical_density(rgb, how.white), dyes)
    first, second = amounts[dyes[0]], amounts[dyes[1]]
    signal = first if how.stain == "H&E" else np.minimum(first + second, BROWN_AT_MOST)
    return signal, np.stack([first, second], axis=-1)


def tiles_of(frame: Frame, how: Looking, tissue: NDArray[np.bool_], down: float, core: int = CORE) -> Iterator[Tile]:
    """The tiles with tissue, row by row; cores lie beside one another without gap.

    Every edge is a whole number of working pixels, so that a tile has the very pixels that one large piece has.
    """
    step = how.step
    width, height = frame.width // step * step, frame.height // step * step
    margin = round(MARGIN_UM / how.um) * step
    for top in range(0, height, core * step):
        for left in range(0, width, core * step):
            right, bottom = min(left + core * step, width), min(top + core * step, height)
            seen = tissue[
                int(top / down) : max(int(np.ceil(bottom / down)), 1),
                int(left / down) : max(int(np.ceil(right / down)), 1),
            ]
            if seen.any():
                x0, y0 = max(left - margin, 0), max(top - margin, 0)
                x1, y1 = min(right + margin, width), min(bottom + margin, height)
                yield Tile((left, top, right - left, bottom - top), (x0, y0, x1 - x0, y1 - y0))


def nuclei_of(
    read: Read, tile: Tile, how: Looking, find: Find | None = None
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """The nuclei whose middle lies in a tile's core: a row each, and labels (rows, columns) of the tile's box.

    Columns are how.columns; x and y are pixels of the slide. Labels are row + 1.
    """
    from skimage.measure import regionprops

    rgb = read(tile.box, float(how.step))
    signal, amounts = signal_of(rgb, how)
    labels = nuclei_in(signal, how.um, how.threshold) if find is None else find(rgb)
    rows, kept = [], np.zeros(int(labels.max()) + 1, np.int32)
    x0, y0, width, height = tile.core
    for part in regionprops(labels, intensity_image=amounts):
        row, column = part.centroid
        # The middle of a working pixel in pixels of the slide, whose first pixel's middle is 0.
        x = tile.box[0] + (column + 0.5) * how.step - 0.5
        y = tile.box[1] + (row + 0.5) * how.step - 0.5
        if not (x0 <= x + 0.5 < x0 + width and y0 <= y + 0.5 < y0 + height):
            continue
        means = np.atleast_1d(part.intensity_mean)
        shape = (part.area * how.um**2, part.perimeter * how.um, part.eccentricity, min(part.solidity, 1.0))
        rows.append((x, y, *shape, *means))
        kept[part.label] = len(rows)
    return np.array(rows, np.float32).reshape(-1, len(how.columns)), kept[labels]


def all_nuclei(
    read: Read,
    frame: Frame,
    how: Looking,
    tissue: NDArray[np.bool_],
    down: float,
    *,
    unfinished: Path,
    report: Callable[[float, str], None],
    keep_labels: bool,
    core: int = CORE,
    find: Find | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.int32] | None]:
    """The nuclei of a whole slide, a row each, and with keep_labels an image (rows, columns) of row + 1.

    Finished tiles are kept in the folder unfinished, and are not worked on again.
    """
    tiles = list(tiles_of(frame, how, tissue, down, core))
    tables: list[NDArray[np.float32]] = []
    image = np.zeros((frame.height, frame.width), np.int32) if keep_labels else None
    count = 0
    for n, tile in enumerate(tiles):
        report(n / len(tiles), f"tile {n + 1} of {len(tiles)}")
        table, labels = _tile(read, tile, how, unfinished / f"{tile.core[0]}-{tile.core[1]}.npz", keep_labels, find)
        if image is not None:
            _paste(image, labels, tile, how.step, count)
        tables.append(table)
        count += len(table)
    report(1.0, "done")
    empty = np.zeros((0, len(how.columns)), np.float32)
    return np.concatenate([empty, *tables]), image


def _tile(
    read: Read, tile: Tile, how: Looking, kept: Path, labels_too: bool, find: Find | None
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    if kept.exists():
        with np.load(kept, allow_pickle=False) as saved:
            return saved["table"], saved["labels"]
    table, labels = nuclei_of(read, tile, how, find)
    if not labels_too:
        labels = labels[:0]
    partial = kept.with_suffix(f".{os.getpid()}.part")
    with partial.open("wb") as out:
        np.savez(out, table=table, labels=labels)
    partial.replace(kept)
    return table, labels


def _paste(image: NDArray[np.int32], labels: NDArray[np.int32], tile: Tile, step: int, first: int) -> None:
    x, y, width, height = tile.box
    full = np.repeat(np.repeat(labels, step, axis=0), step, axis=1)[:height, :width]
    part = image[y : y + height, x : x + width]
    part[full > 0] = full[full > 0] + first


def counts_at(read: Read, tiles: Sequence[Tile], how: Looking, factors: Sequence[float]) -> list[int]:
    """How many nuclei these tiles have when the threshold is so many times higher."""
    counts = []
    for factor in factors:
        other = Looking(how.stain, how.step, how.um, how.white, how.threshold.times(factor))
        counts.append(sum(len(nuclei_of(read, tile, other)[0]) for tile in tiles))
    return counts
