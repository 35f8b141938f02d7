"""Pictures: upright, in true colours, never bigger than can be held, and nobody guesses what they show."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scanwright.tools.errors import NeedsInput, UserInputError
from scanwright.tools.imaging.flat import picture
from scanwright.tools.imaging.loaded import GivenFacts, LoadedFlat
from scanwright.tools.imaging.open import open_study
from scanwright.tools.imaging.sandbox import open_study_safely

# Red upper left, green upper right, blue lower left: no turn or mirroring of it looks the same.
RGB = np.full((20, 31, 3), 250, np.uint8)
RGB[:7, :9], RGB[:7, 20:], RGB[12:, :5] = (200, 10, 20), (10, 180, 30), (20, 30, 190)
SLIDE = GivenFacts(modality="SM", stain="h&e", pixel_size_um=0.5)


def read(path: Path, given: GivenFacts = SLIDE) -> LoadedFlat:
    (image,) = open_study(path, given).images
    assert isinstance(image, LoadedFlat)
    return image


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tif"])
def test_pixels_come_as_they_were_stored(tmp_path: Path, name: str) -> None:
    Image.fromarray(RGB).save(tmp_path / name)
    image = read(tmp_path / name)
    assert np.array_equal(image.pixels, RGB)
    assert (image.frame.width, image.frame.height, image.frame.um_per_pixel) == (31, 20, (0.5, 0.5))
    assert (image.image.modality, image.image.stain) == ("SM", "H&E")


def test_a_camera_that_was_turned_is_turned_back(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(RGB).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(read(tmp_path / "a.png").pixels, np.rot90(RGB, -1))


def test_what_can_be_seen_through_is_seen_on_white(tmp_path: Path) -> None:
    rgba = np.dstack([RGB, np.full(RGB.shape[:2], 255, np.uint8)])
    rgba[:, :9, 3] = 0
    Image.fromarray(rgba).save(tmp_path / "a.png")
    pixels = read(tmp_path / "a.png").pixels
    assert pixels is not None
    assert (pixels[:, :9] == 255).all()
    assert np.array_equal(pixels[:, 9:], RGB[:, 9:])


def test_deep_grey_is_scaled_and_says_so(tmp_path: Path) -> None:
    Image.fromarray(np.arange(620, dtype=np.uint16).reshape(20, 31) * 100).save(tmp_path / "a.tif")
    image = read(tmp_path / "a.tif")
    assert image.pixels is not None
    assert image.pixels.max() == 255
    assert "scaled to 8" in image.warnings[0]


def test_the_file_beside_it_says_what_it_is(tmp_path: Path) -> None:
    Image.fromarray(RGB).save(tmp_path / "a.png")
    said = {"Modality": "SM", "SampleStaining": "Ki-67", "PixelSize": [0.25, 0.3], "PixelSizeUnits": "um"}
    (tmp_path / "a.json").write_text(json.dumps(said))
    image = read(tmp_path / "a.png", GivenFacts())
    assert (image.image.modality, image.image.stain) == ("SM", "IHC DAB")
    assert image.frame.um_per_pixel == (0.25, 0.3)


def test_a_picture_that_nobody_speaks_of_is_asked_about(tmp_path: Path) -> None:
    Image.fromarray(RGB).save(tmp_path / "a.png")
    with pytest.raises(NeedsInput, match="nothing says what it shows") as asked:
        open_study(tmp_path / "a.png")
    assert asked.value.missing == ("modality",)


def test_a_picture_of_a_ct_is_no_ct(tmp_path: Path) -> None:
    Image.fromarray(RGB).save(tmp_path / "a.png")
    with pytest.raises(UserInputError, match="give the scan as DICOM or NIfTI"):
        open_study(tmp_path / "a.png", GivenFacts(modality="CT"))


def test_a_stained_photograph_is_refused(tmp_path: Path) -> None:
    Image.fromarray(RGB).save(tmp_path / "a.png")
    with pytest.raises(UserInputError, match="to be stained"):
        open_study(tmp_path / "a.png", GivenFacts(modality="OP", stain="H&E"))


@pytest.mark.parametrize("start", [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"II*\0"])
def test_a_damaged_picture_is_refused(tmp_path: Path, start: bytes) -> None:
    (tmp_path / "a.png").write_bytes(start + bytes(100))
    with pytest.raises(UserInputError, match="cannot be read as a picture"):
        open_study(tmp_path / "a.png", SLIDE)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture, "MAX_PIXELS", 100)
    Image.fromarray(RGB).save(tmp_path / "a.png")
    with pytest.raises(UserInputError, match=r"tiled pyramid|cannot be read"):
        open_study(tmp_path / "a.png", SLIDE)


def test_several_pictures_in_one_file_are_refused(tmp_path: Path) -> None:
    first = Image.fromarray(RGB)
    first.save(tmp_path / "a.tif", save_all=True, append_images=[first, first])
    with pytest.raises(UserInputError, match="holds 3 pictures"):
        open_study(tmp_path / "a.tif", SLIDE)


def test_pictures_are_read_in_a_process_of_their_own(tmp_path: Path) -> None:
    Image.fromarray(RGB).save(tmp_path / "a.png")
    staging = tmp_path / "staging"
    staging.mkdir()
    (image,) = open_study_safely(tmp_path / "a.png", SLIDE, staging).images
    assert isinstance(image, LoadedFlat)
    assert np.array_equal(image.pixels, RGB)


def test_a_folder_of_pictures_is_a_study_of_several(tmp_path: Path) -> None:
    folder = tmp_path / "tiles"
    folder.mkdir()
    for name in ("b", "a"):
        Image.fromarray(RGB).save(folder / f"{name}.png")
    assert [i.name for i in open_study(folder, SLIDE).images] == ["a", "b"]
