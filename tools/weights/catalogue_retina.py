"""Weights for the retina: the vessel U-Net of orobix."""

from __future__ import annotations

from scanwright.tools.weights.entries import Folder, Repository, WeightsEntry, WeightsFile

RETINA_WEIGHTS: tuple[WeightsEntry, ...] = (
    WeightsEntry(
        name="retina-vessel-unet",
        licence="MIT (the repository's; trained on DRIVE)",
        source="Cortinovis, Orobix: retina blood vessel segmentation with a convolution neural network (U-Net), 2016; "
        "https://github.com/orobix/retina-unet",
        files=(
            WeightsFile(
                role="model",
                file="test_best_weights.h5",
                sha256="5f8bf0eeba463eb7a62da9d98d1841eae08e56cf85808babb054a0ef21ae862d",
                size=1918968,
            ),
        ),
        places=(
            Repository(repo="orobix/retina-unet", commit="f6ff63bb39409942fd3aaf6907dbce74ca143207", path="test"),
            Folder(path="retina-vessel-unet"),
        ),
    ),
)
