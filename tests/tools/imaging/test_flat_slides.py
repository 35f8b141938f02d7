"""Whole slides: what the header says, and the right pixels from every stored size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from flat_slide_phantom import HEIGHT, WIDTH, letter, smaller, write_aperio, write_dicom, write_ome
from numpy.typing import NDArray
from scanwright.tools.errors import ToolInputError, UserInputError
from scanwright.tools.imaging.flat.pyramid import levels_of
from scanwright.tools.imaging.flat.reader import open_reader, read_box
from scanwright.tools.imaging.flat.slides import SlideDescription, describe_slide

pytest.importorskip("openslide")
pytest.importorskip("wsidicom")
LABEL = np.full((80, 60, 3), (250, 240, 0), np.uint8)


def described(kind: str, folder: Path) -> SlideDescription:
    """A slide of the letter F in one of the formats, each file renamed as a store of blobs does."""
    if kind == "ome":
        made = describe_slide(write_ome(folder / "f.ome.tif", letter()))
    elif kind == "aperio":
        made = describe_slide(write_aperio(folder / "f.svs", letter(), LABEL))
    else:
        made = describe_slide(write_dicom(folder, letter(), LABEL))
    assert made is not None
    return made


FORMATS = ("ome", "aperio", "dicom")


@pytest.mark.parametrize(("kind", "um"), [("ome", 0.25), ("aperio", 0.501), ("dicom", 0.5)])
def test_the_header_says_how_large_the_slide_and_its_pixels_are(tmp_path: Path, kind: str, um: float) -> None:
    slide = described(kind, tmp_path)
    assert (slide.frame.width, slide.frame.height) == (WIDTH, HEIGHT)
    assert slide.frame.um_per_pixel == pytest.approx((um, um))
    assert slide.stored == ("dicom" if kind == "dicom" else "pyramid")


def test_a_dicom_slide_says_its_stain_and_leaves_its_label_out(tmp_path: Path) -> None:
    slide = described("dicom", tmp_path)
    assert slide.stain == "H&E"
    assert [f.name for f in slide.files] == ["9.dcm", "8.dcm", "7.dcm"]


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("downsample", [1, 2, 3, 4, 7.5, 16])
def test_each_size_shows_the_letter_where_it_is(tmp_path: Path, kind: str, downsample: float) -> None:
    slide = described(kind, tmp_path)
    files = [f.rename(tmp_path / f"blob{i}") for i, f in enumerate(slide.files)]
    reader = open_reader(slide.stored, files)
    box = (37, 113, 1110, 720) if downsample > 2 else (136, 372, 330, 220)
    got = read_box(reader, slide.frame, box, downsample).astype(float)
    want = _by_areas(letter(), box, got.shape[:2])
    assert np.abs(got - want).mean() < 4
    # Moved by half of a pixel of what is read, it would fit worse: so it is nearer than that.
    half = downsample / 2
    for dx, dy in ((half, 0), (-half, 0), (0, half), (0, -half)):
        moved = _by_areas(letter(), (box[0] + dx, box[1] + dy, box[2], box[3]), got.shape[:2])
        assert np.abs(got - moved).mean() > np.abs(got - want).mean()


@pytest.mark.parametrize("kind", FORMATS)
def test_the_far_corner_is_read_whole(tmp_path: Path, kind: str) -> None:
    slide = described(kind, tmp_path)
    got = read_box(open_reader(slide.stored, slide.files), slide.frame, None, 8.0)
    assert got.shape == (114, 151, 3)
    # JPEG smears what pads the last tile into the last pixels.
    assert got[-1, -1, 0] > 150
    assert got[-1, -1, 1:].max() < 90


def test_the_label_is_never_shown(tmp_path: Path) -> None:
    for kind in ("aperio", "dicom"):
        folder = tmp_path / kind
        folder.mkdir()
        slide = described(kind, folder)
        got = read_box(open_reader(slide.stored, slide.files), slide.frame, None, 4.0).astype(int)
        assert np.abs(got - LABEL[0, 0]).sum(axis=2).min() > 60


def test_a_level_cut_by_part_of_a_pixel_does_not_drift() -> None:
    levels = levels_of([(100_003, 80_001), (25_000, 20_000), (6250, 5000)])
    assert [lv.downsample for lv in levels] == [(1, 1), (4, 4), (16, 16)]


def test_more_than_is_held_at_once_is_refused(tmp_path: Path) -> None:
    slide = describe_slide(write_ome(tmp_path / "f.ome.tif", letter(300, 200)))
    assert slide is not None
    reader = open_reader(slide.stored, slide.files)
    with pytest.raises(ToolInputError, match="more than are read at once"):
        reader.read((0, 0, 300, 200), (9000, 9000))


def test_a_slide_with_one_size_is_read_block_by_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scanwright.tools.imaging.flat.pyramid.MAX_BLOCK", 200 * 200)
    slide = describe_slide(write_ome(tmp_path / "f.ome.tif", letter(), downsamples=()))
    assert slide is not None
    got = open_reader(slide.stored, slide.files).read((3, 6, 1200, 900), (120, 90))
    assert np.abs(got.astype(int) - smaller(letter()[6:, 3:], 10)).max() <= 1


def test_tiles_in_jpeg_are_read_as_the_others(tmp_path: Path) -> None:
    slide = describe_slide(write_ome(tmp_path / "f.ome.tif", letter(), compression="jpeg"))
    assert slide is not None
    got = open_reader(slide.stored, slide.files).read((0, 0, WIDTH, HEIGHT), (WIDTH, HEIGHT))
    assert np.abs(got.astype(int) - letter()).mean() < 3


@pytest.mark.parametrize("write", ["picture", "strips", "folder"])
def test_what_is_no_slide_is_none(tmp_path: Path, write: str) -> None:
    import tifffile
    from PIL import Image

    if write == "picture":
        Image.fromarray(letter(60, 40)).save(tmp_path / "p.png")
        assert describe_slide(tmp_path / "p.png") is None
    elif write == "strips":
        tifffile.imwrite(tmp_path / "p.tif", letter(60, 40), photometric="rgb")
        assert describe_slide(tmp_path / "p.tif") is None
    else:
        (tmp_path / "a.txt").write_text("nothing")
        assert describe_slide(tmp_path) is None


def test_parts_too_large_to_hold_are_refused(tmp_path: Path) -> None:
    import tifffile

    with tifffile.TiffWriter(tmp_path / "big.ome.tif", ome=True) as out:
        tile = np.zeros((16, 16, 3), np.uint8)
        out.write(tile, photometric="rgb", tile=(9008, 9008), compression="zlib", metadata={"axes": "YXS"})
    with pytest.raises(UserInputError, match="8192×8192"):
        describe_slide(tmp_path / "big.ome.tif")


def test_a_damaged_slide_is_the_persons_to_replace(tmp_path: Path) -> None:
    whole = write_ome(tmp_path / "f.ome.tif", letter()).read_bytes()
    (tmp_path / "cut.ome.tif").write_bytes(whole[:40])
    with pytest.raises(UserInputError, match="get it again"):
        describe_slide(tmp_path / "cut.ome.tif")


def test_dicom_of_two_slides_is_refused(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
        write_dicom(tmp_path / name, letter(300, 200), LABEL)
    with pytest.raises(UserInputError, match="several slides"):
        describe_slide(tmp_path)


def _by_areas(
    image: NDArray[np.uint8], box: tuple[float, float, float, float], shape: tuple[int, int]
) -> NDArray[np.float64]:
    """Means over areas by counting 4 × 4 points in each pixel: another way than the reader's."""
    x, y, width, height = box
    fine = 4
    xs = np.clip(x + (np.arange(shape[1] * fine) + 0.5) * width / (shape[1] * fine), 0, image.shape[1] - 1).astype(int)
    ys = np.clip(y + (np.arange(shape[0] * fine) + 0.5) * height / (shape[0] * fine), 0, image.shape[0] - 1).astype(int)
    sampled = image[np.ix_(ys, xs)].reshape(shape[0], fine, shape[1], fine, 3)
    return np.asarray(sampled.mean(axis=(1, 3)))
