"""Histology tools on phantoms with known nuclei, dyes and tissue, and on real slides where they are at hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from histology_phantom import mixed, tile
from scanwright.tools.artifacts import ImageFacts, Slide
from scanwright.tools.errors import Cancelled, ToolInputError
from scanwright.tools.families.histology_nuclei import (
    nuclear_area,
    nuclei_by_stain,
    nuclei_count,
    nuclei_density,
    positive_fraction,
)
from scanwright.tools.families.histology_pictures import cells_csv, cells_overlay, slide_overlay
from scanwright.tools.families.histology_tissue import slide_facts, stain_density, tissue_area, tissue_region
from scanwright.tools.imaging.flat.frame import Frame
from scanwright.tools.imaging.flat.slides import describe_slide
from scanwright.tools.morphology import slide_nuclei
from scanwright.tools.runtime.flat import store_flat
from scanwright.tools.testing import ToolBench


@pytest.fixture
def bench(tmp_path: Path) -> ToolBench:
    return ToolBench(tmp_path)


@pytest.fixture(scope="module")
def he() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return tile()


def test_every_disc_is_found_where_it_lies(bench: ToolBench, he: tuple[np.ndarray, ...]) -> None:
    rgb, middles, _ = he
    cells = bench.run(nuclei_by_stain, slide=bench.slide(rgb, stain="H&E"))
    table = bench.ctx.cell_table(cells)
    assert cells.count == len(middles)
    found = np.column_stack([table["x"], table["y"]])
    nearest = np.sqrt(((middles[:, None] - found[None]) ** 2).sum(axis=2)).min(axis=1)
    assert nearest.max() < 1.0
    labels = bench.ctx.cell_labels(cells)
    assert labels is not None
    for number, (x, y) in enumerate(found, 1):
        assert labels[round(float(y)), round(float(x))] == number


@pytest.mark.parametrize("um", [0.25, 0.5])
def test_the_count_does_not_depend_on_the_scanner_s_resolution(bench: ToolBench, um: float) -> None:
    scale = 0.5 / um
    rgb, middles, _ = tile(int(200 * scale), int(300 * scale), um)
    assert bench.run(nuclei_by_stain, slide=bench.slide(rgb, um, stain="H&E")).count == len(middles)


def test_tiles_count_what_one_piece_counts(he: tuple[np.ndarray, ...], tmp_path: Path) -> None:
    rgb, middles, _ = he
    frame = Frame(width=rgb.shape[1], height=rgb.shape[0], um_per_pixel=(0.5, 0.5))
    read = _reader(rgb)
    tissue, down = slide_nuclei.tissue_view(read, frame, "H&E")
    how = slide_nuclei.looking(read, frame, "H&E", tissue, down)
    images = []
    for core in (1536, 130, 97):
        folder = tmp_path / str(core)
        folder.mkdir()
        table, labels = slide_nuclei.all_nuclei(
            read, frame, how, tissue, down, unfinished=folder, report=lambda *_: None, keep_labels=True, core=core
        )
        assert len(table) == len(middles)
        assert labels is not None
        images.append(labels > 0)
    assert (images[0] == images[1]).all()
    assert (images[0] == images[2]).all()


def test_a_stopped_run_goes_on_from_its_finished_tiles(he: tuple[np.ndarray, ...], tmp_path: Path) -> None:
    rgb, middles, _ = he
    frame = Frame(width=rgb.shape[1], height=rgb.shape[0], um_per_pixel=(0.5, 0.5))
    reads: list[object] = []

    def read(box: object, down: float) -> np.ndarray:
        reads.append(box)
        return _reader(rgb)(box, down)

    tissue, down = slide_nuclei.tissue_view(read, frame, "H&E")
    how = slide_nuclei.looking(read, frame, "H&E", tissue, down)
    total = len(list(slide_nuclei.tiles_of(frame, how, tissue, down, 150)))

    def stop(fraction: float, doing: str) -> None:
        if fraction > 0.5:
            raise Cancelled("stopped")

    given = {"unfinished": tmp_path, "keep_labels": False, "core": 150}
    reads.clear()
    with pytest.raises(Cancelled):
        slide_nuclei.all_nuclei(read, frame, how, tissue, down, report=stop, **given)
    done = len(reads)
    assert 0 < done < total
    reads.clear()
    table, _ = slide_nuclei.all_nuclei(read, frame, how, tissue, down, report=lambda *_: None, **given)
    assert len(reads) == total - done
    assert len(table) == len(middles)


def test_scratch_is_found_again_and_parted_by_key(bench: ToolBench) -> None:
    (bench.ctx.scratch("a") / "kept").write_text("x")
    assert (bench.ctx.scratch("a") / "kept").exists()
    assert not (bench.ctx.scratch("b") / "kept").exists()


def test_count_density_and_area_are_those_of_the_discs(bench: ToolBench, he: tuple[np.ndarray, ...]) -> None:
    rgb, middles, _ = he
    slide = bench.slide(rgb, stain="H&E")
    cells, region = bench.run(nuclei_by_stain, slide=slide), bench.run(tissue_region, slide=slide)
    count = bench.run(nuclei_count, slide=slide, cells=cells)
    assert count.value == len(middles)
    assert count.uncertainty.low <= count.value <= count.uncertainty.high
    area = bench.run(tissue_area, region=region).items
    assert area[0].value == pytest.approx(0.75 * rgb.shape[0] * rgb.shape[1] * 0.25e-6, rel=0.03)
    assert area[1].value == pytest.approx(75, abs=2)
    density = bench.run(nuclei_density, slide=slide, cells=cells, region=region)
    assert density.value == pytest.approx(len(middles) / area[0].value)
    mean = bench.run(nuclear_area, cells=cells).items[0]
    assert mean.value == pytest.approx(np.pi * 16, rel=0.25)
    assert mean.uncertainty.low <= np.pi * 16 <= mean.uncertainty.high


def test_positive_nuclei_are_the_brown_ones(bench: ToolBench) -> None:
    rgb, middles, brown = tile(brown_every=4)
    slide = bench.slide(rgb, stain="IHC DAB")
    cells = bench.run(nuclei_by_stain, slide=slide)
    share = bench.run(positive_fraction, cells=cells)
    assert cells.count == len(middles)
    assert share.value == pytest.approx(100 * brown.mean(), abs=0.5)
    assert share.uncertainty.low <= share.value <= share.uncertainty.high


def test_the_range_widens_where_nuclei_lie_about_the_threshold(bench: ToolBench) -> None:
    slide = bench.slide(np.full((60, 60, 3), 240, np.uint8), stain="IHC DAB")
    columns = (*slide_nuclei.SHAPE_COLUMNS, "haematoxylin_od", "dab_od")
    table = np.ones((100, len(columns)), np.float32)
    table[:, -1] = np.linspace(0.005, 0.5, 100)
    share = bench.run(positive_fraction, cells=bench.ctx.cells(table, columns, slide, "nucleus"))
    assert share.value == pytest.approx(61, abs=1)
    assert share.uncertainty.low == pytest.approx(53, abs=1)
    assert share.uncertainty.high == pytest.approx(69, abs=1)


def test_no_nuclei_is_not_found_and_not_nought(bench: ToolBench) -> None:
    slide = bench.slide(np.full((120, 150, 3), 240, np.uint8), stain="IHC DAB")
    cells = bench.run(nuclei_by_stain, slide=slide)
    assert cells.count == 0
    assert bench.run(positive_fraction, cells=cells).value is None
    assert bench.run(nuclear_area, cells=cells).items[0].value is None
    with pytest.raises(ToolInputError, match="no table"):
        bench.run(cells_csv, cells=cells)


def test_brown_that_fills_the_tissue_is_no_stain_of_nuclei(bench: ToolBench) -> None:
    shape = (200, 240)
    rgb = mixed({"haematoxylin": np.full(shape, 0.1), "DAB": np.full(shape, 0.4)})
    rgb[:, :60] = 242
    with pytest.raises(ToolInputError, match="marks more than nuclei"):
        bench.run(nuclei_by_stain, slide=bench.slide(rgb, stain="IHC DAB"))


@pytest.mark.parametrize(
    ("um", "facts", "said"),
    [
        (None, {"stain": "H&E"}, "how large a pixel"),
        (0.5, {}, "how it is stained"),
        (2.0, {"stain": "H&E"}, "or finer"),
    ],
)
def test_nuclei_need_stain_and_pixel_size(bench: ToolBench, um: float | None, facts: dict[str, str], said: str) -> None:
    with pytest.raises(ToolInputError, match=said):
        bench.run(nuclei_by_stain, slide=bench.slide(np.full((40, 40, 3), 200, np.uint8), um, **facts))


def test_dyes_come_apart_in_the_amounts_that_were_mixed(bench: ToolBench) -> None:
    shape = (120, 200)
    h, e = np.full(shape, 0.3), np.full(shape, 0.15)
    h[:40], e[80:] = 0.6, 0.45
    slide = bench.slide(mixed({"haematoxylin": h, "eosin": e}), stain="H&E")
    region = bench.ctx.region(np.ones(shape, np.bool_), slide, "tissue")
    for dye, amount in (("haematoxylin", h.mean()), ("eosin", e.mean())):
        assert bench.run(stain_density, slide=slide, region=region, dye=dye).value == pytest.approx(amount, rel=0.03)
    with pytest.raises(ToolInputError, match="not with DAB"):
        bench.run(stain_density, slide=slide, region=region, dye="DAB")


def test_pen_is_no_tissue(bench: ToolBench, he: tuple[np.ndarray, ...]) -> None:
    rgb = he[0].copy()
    rgb[40:120, 10:90] = (20, 120, 60)
    region = bench.run(tissue_region, slide=bench.slide(rgb, stain="H&E"))
    seen = bench.ctx.region_pixels(region)
    d = int(region.downsample)
    assert not seen[44 // d : 116 // d, 14 // d : 86 // d].any()
    assert seen[:, 150 // d :].mean() > 0.97


def test_facts_are_the_file_s(bench: ToolBench, he: tuple[np.ndarray, ...]) -> None:
    values = {i.quantity: i.value for i in bench.run(slide_facts, slide=bench.slide(he[0], 0.25, stain="H&E")).items}
    assert values == {
        "dimensions": (500, 360), "pixel_size": (0.25, 0.25), "stain": "H&E", "modality": "SM", "body_part": None,
    }  # fmt: skip


def test_the_outline_is_drawn_where_the_tissue_ends(bench: ToolBench, he: tuple[np.ndarray, ...]) -> None:
    slide = bench.slide(he[0], stain="H&E")
    figure = bench.run(slide_overlay, slide=slide, region=bench.run(tissue_region, slide=slide))
    pixels = _picture(bench, figure)
    rows, columns = np.nonzero((pixels[:360, :500] == (0, 150, 60)).all(axis=2))
    assert abs(np.median(columns[columns < 250]) - 125) < 4
    assert len(np.unique(rows)) > 300


def test_positive_nuclei_are_drawn_red_and_others_blue(bench: ToolBench) -> None:
    rgb, middles, brown = tile(brown_every=4)
    slide = bench.slide(rgb, stain="IHC DAB")
    pixels = _picture(bench, bench.run(cells_overlay, slide=slide, cells=bench.run(nuclei_by_stain, slide=slide)))
    scale = pixels[:, :, 0].shape[1] // rgb.shape[1]
    for (x, y), positive in zip(middles, brown, strict=True):
        r, c = int(y * scale), int(x * scale)
        near = pixels[max(r - 12 * scale, 0) : r + 12 * scale, max(c - 12 * scale, 0) : c + 12 * scale]
        assert (near == ((255, 40, 40) if positive else (20, 90, 255))).all(axis=2).any()


def test_the_table_has_a_row_for_each_nucleus(bench: ToolBench, he: tuple[np.ndarray, ...]) -> None:
    cells = bench.run(nuclei_by_stain, slide=bench.slide(he[0], stain="H&E"))
    lines = bench.blobs.path(bench.run(cells_csv, cells=cells).blob).read_text().splitlines()
    assert lines[0].startswith("number,x,y,area_um2,perimeter_um,eccentricity,solidity,haematoxylin_od")
    assert len(lines) == cells.count + 1


def test_a_slide_stored_as_a_pyramid_has_the_nuclei_that_its_pixels_have(
    bench: ToolBench, he: tuple[np.ndarray, ...], tmp_path: Path
) -> None:
    tifffile = pytest.importorskip("tifffile")
    file = tmp_path / "he.ome.tif"
    with tifffile.TiffWriter(file, ome=True) as out:
        said = {"axes": "YXS", "PhysicalSizeX": 0.5, "PhysicalSizeXUnit": "µm", "PhysicalSizeY": 0.5,
                "PhysicalSizeYUnit": "µm"}  # fmt: skip
        how = {"photometric": "rgb", "tile": (128, 128), "compression": "zlib"}
        out.write(he[0], subifds=1, metadata=said, **how)
        out.write(he[0][::2, ::2], subfiletype=1, **how)
    found = describe_slide(file)
    assert found is not None
    blob = bench.blobs.put(file, "image/tiff")
    slide = store_flat(
        [blob], found.frame, ImageFacts(modality="SM", stain="H&E"), kind=Slide, stored=found.stored,
        pixel_hash=blob.sha256, name="slide", subject="P-test", time="t0",
    )  # fmt: skip
    assert bench.run(nuclei_by_stain, slide=slide).count == len(he[1])


@pytest.mark.data
def test_the_count_on_real_h_and_e_lies_near_two_published_tools(bench: ToolBench, data_dir: Path) -> None:
    slide = _real(bench, data_dir / "pathology_he_ki67_openslide_crops" / "OS-1-detail.ome.tif", "H&E")
    assert bench.run(nuclei_by_stain, slide=slide).count == pytest.approx(325, rel=0.1)


def _real(bench: ToolBench, file: Path, stain: str) -> Slide:
    from scanwright.tools.imaging.flat.reader import open_reader, read_box

    found = describe_slide(file)
    assert found is not None
    assert found.frame.um_per_pixel is not None
    rgb = read_box(open_reader(found.stored, found.files), found.frame, None, 1.0)
    return bench.slide(rgb, found.frame.um_per_pixel[0], stain=stain)


def _reader(rgb: np.ndarray) -> slide_nuclei.Read:
    def read(box: tuple[int, int, int, int] | None, downsample: float) -> np.ndarray:
        x, y, width, height = box or (0, 0, rgb.shape[1], rgb.shape[0])
        return rgb[y : y + height : int(downsample), x : x + width : int(downsample)]

    return read


def _picture(bench: ToolBench, figure: object) -> np.ndarray:
    from PIL import Image

    return np.asarray(Image.open(bench.blobs.path(figure.blob)).convert("RGB"))  # type: ignore[attr-defined]
