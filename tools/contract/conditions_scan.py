"""Conditions on how a scan was made: by the ECG, and with what SUV can be reckoned from."""

from __future__ import annotations

from typing import Literal

from scanwright.tools.contract.condition import Before, Concern, Scene

SUV_UNIT = "{SUVbw}g/mL"


class Gated(Before):
    """The scan was synchronised with the heartbeat (ECG-gated or triggered)."""

    test: Literal["gated"] = "gated"

    def check(self, scene: Scene) -> Concern | None:
        if scene.image.gated:
            return None
        if scene.image.gated is None:
            return Concern(
                "ask",
                "The file does not say whether this scan was synchronised with the heartbeat (ECG-gated), and this "
                "needs one that was: say --gated yes where it was.",
                "gated",
                ("--gated yes", "--gated no"),
            )
        return Concern("refuse", "This needs a scan that was synchronised with the heartbeat, and this one was not.")


class SuvKnown(Before):
    """The voxels are SUV by body weight, or Bq/mL with all that this is reckoned from."""

    test: Literal["suv_known"] = "suv_known"

    def check(self, scene: Scene) -> Concern | None:
        image = scene.image
        if image.unit == SUV_UNIT:
            return None
        if image.pet is None:
            return Concern(
                "refuse",
                "SUV needs the injected dose, its time and the body weight, which only a PET's DICOM files hold: "
                "import those, or a scan whose voxels are SUV already.",
            )
        return None if image.pet.why_not is None else Concern("refuse", image.pet.why_not)
