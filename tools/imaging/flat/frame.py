"""Frame of a flat image: how many pixels it has and how large a pixel is, where that is known."""

from __future__ import annotations

from functools import cached_property
from math import ceil, isfinite

from pydantic import BaseModel, ConfigDict, field_validator
from scanwright.tools.hashing import sha256_json

Box = tuple[int, int, int, int]


class Frame(BaseModel):
    """Width and height in pixels; x runs to the right, y down, (0, 0) is the upper left pixel.

    um_per_pixel is (x, y) in micrometres, None where the file does not say. Raises ValueError where a size is not
    positive.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    width: int
    height: int
    um_per_pixel: tuple[float, float] | None = None

    @field_validator("width", "height")
    @classmethod
    def _positive(cls, pixels: int) -> int:
        if pixels < 1:
            raise ValueError("an image has at least one pixel")
        return pixels

    @field_validator("um_per_pixel")
    @classmethod
    def _sizes(cls, um: tuple[float, float] | None) -> tuple[float, float] | None:
        if um is not None and not all(isfinite(v) and v > 0 for v in um):
            raise ValueError("a pixel's size is a positive number of micrometres")
        return um

    @cached_property
    def grid(self) -> str:
        """Equal for equal frames."""
        return sha256_json(self.model_dump(mode="json"))[:16]

    @property
    def mm2_per_pixel(self) -> float | None:
        """Area of a pixel in mm²."""
        return None if self.um_per_pixel is None else self.um_per_pixel[0] * self.um_per_pixel[1] * 1e-6

    def smaller(self, downsample: float) -> Frame:
        """The frame of the same image seen with downsample times larger pixels (a part of a pixel counts as one)."""
        if downsample == 1:
            return self
        um = self.um_per_pixel
        return Frame(
            width=ceil(self.width / downsample),
            height=ceil(self.height / downsample),
            um_per_pixel=None if um is None else (um[0] * downsample, um[1] * downsample),
        )
