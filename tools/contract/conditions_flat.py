"""Conditions of use that speak of flat images: the stain, the size of a pixel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from scanwright.tools.contract.condition import Concern, Effect, InFrame, Scene
from scanwright.tools.imaging.flat.frame import Frame


class StainIs(InFrame):
    """The tissue is stained in one of these ways."""

    test: Literal["stain"] = "stain"
    one_of: tuple[str, ...]

    def look(self, scene: Scene, frame: Frame) -> Concern | None:
        have, wanted = scene.image.stain, " or ".join(self.one_of)
        if have in self.one_of:
            return None
        if have is None:
            return Concern(
                "ask", f"The file does not say how it is stained; this needs {wanted}.", "stain", self.one_of
            )
        return Concern("refuse", f"This works on {wanted}, and this image is {have}.")


class DyeIn(InFrame):
    """The dye that is asked for is one of those that this stain is made of."""

    test: Literal["dye"] = "dye"
    name: str = "dye"
    of_stain: Mapping[str, tuple[str, ...]]

    def look(self, scene: Scene, frame: Frame) -> Concern | None:
        dye, stain = scene.params.get(self.name), scene.image.stain
        dyes = self.of_stain.get(stain or "", ())
        if dye is None or not dyes or dye in dyes:
            return None
        return Concern(
            "refuse",
            f"A slide with {stain} is stained with {' and '.join(dyes)}, not with {dye}: ask for one of those.",
        )


class PixelSizeKnown(InFrame):
    """It is known how large a pixel is."""

    test: Literal["pixel_size"] = "pixel_size"
    why: str = "nothing can be given in micrometres or square millimetres"
    otherwise: Effect = "ask"

    def look(self, scene: Scene, frame: Frame) -> Concern | None:
        if frame.um_per_pixel is not None:
            return None
        return Concern(
            self.otherwise,
            f"The file does not say how large a pixel is, so {self.why}.",
            "pixel_size",
            ("--pixel-size 0.5 (µm)",),
        )


class PixelSizeAtMost(InFrame):
    """A pixel is no larger than um micrometres, where its size is known: the validated range of the method."""

    test: Literal["pixel_size_at_most"] = "pixel_size_at_most"
    um: float
    otherwise: Effect = "refuse"

    def look(self, scene: Scene, frame: Frame) -> Concern | None:
        if frame.um_per_pixel is None or max(frame.um_per_pixel) <= self.um:
            return None
        return Concern(
            self.otherwise,
            f"A pixel is {max(frame.um_per_pixel):.2g} µm wide; this needs {self.um:g} µm or finer.",
        )
