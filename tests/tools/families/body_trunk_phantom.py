"""A trunk in HU with known truth, asymmetric in every axis: lungs that touch, airways, gas, bone, contrast, a table."""

from __future__ import annotations

import numpy as np

SPACING = (2.5, 2.6, 3.0)
SHAPE = (150, 104, 104)
AFFINE = np.array([[2.5, 0, 0, -190.0], [0, 2.6, 0, -150.0], [0, 0, 3.0, 40.0], [0, 0, 0, 1.0]])
FACTS = {"modality": "CT", "body_part": "chest", "unit": "[hnsf'U]"}


def trunk(*, contrast: bool = True, left_lung: bool = True, noise: float = 0.0):
    """HU (x, y, z), affine, and the truth by name (bool arrays)."""
    x, y, z = np.meshgrid(*(AFFINE[a, 3] + SPACING[a] * np.arange(SHAPE[a]) for a in range(3)), indexing="ij")

    def ellipse(cx, cy, rx, ry):
        return ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 <= 1

    def ball(cx, cy, cz, rx, ry, rz):
        return ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 + ((z - cz) / rz) ** 2 <= 1

    body = ellipse(4, -8, 160, 108)
    skin = body & ~ellipse(4, -8, 157.5, 105.4)
    inner = ellipse(4, -10, 138, 84)
    cavity = ellipse(4, -10, 122, 68)
    # A gap of 8 mm in the wall in front, as the linea alba.
    gap = inner & ~cavity & (np.abs(x - 6) < 4) & (y > 0)
    right = ball(62, -10, 225, 57, 66, 100)
    left = ball(-46, -6, 245, 52, 58, 78) & ~right
    left &= left_lung
    trachea = ellipse(6, -38, 9, 9) & (z > 240)
    bronchi, outer = ball(30, -38, 238, 30, 7, 8), ball(30, -38, 238, 34, 11, 12)
    if left_lung:
        bronchi, outer = bronchi | ball(-18, -38, 236, 30, 7, 8), outer | ball(-18, -38, 236, 34, 11, 12)
    airway = trachea | bronchi
    gas = ball(-52, 18, 90, 34, 20, 26)
    spine = ellipse(6, -84, 22, 20)
    marrow = ellipse(6, -84, 18.5, 16.5)
    aorta = ellipse(-8, -49, 12, 12) & (z < 215) & contrast
    kidney = ball(-74, -52, 92, 24, 22, 36) & contrast
    organ = ball(58, 4, 92, 50, 44, 36)
    table = (np.abs(y + 128) < 2.6) & (np.abs(x) < 180)
    lead = (np.abs(y - 106) < 1.5) & (np.abs(x - 40) < 60) & (np.abs(z - 150) < 2)

    hu = np.full(SHAPE, -1000.0)
    hu[body] = -100
    hu[skin] = 20
    hu[inner & ~cavity] = 50
    hu[gap] = -100
    hu[organ & cavity] = 60
    hu[spine] = 500
    hu[marrow] = 120
    hu[kidney] = 180
    hu[right | left] = -850
    emphysema = right & (z > 260) & (y > 0)
    hu[emphysema] = -970
    wall = (ellipse(6, -38, 12, 12) & (z > 240)) | outer
    hu[wall & ~airway] = 30
    hu[airway] = -990
    hu[gas] = -985
    hu[aorta] = 260
    hu[table | lead] = 300
    if noise:
        hu += np.random.default_rng(3).normal(0, noise, SHAPE)
    lungs = (right | left) & ~airway & ~wall
    fat = body & (hu >= -190) & (hu <= -30)
    truth = {
        "body": body,
        "right": right & lungs,
        "left": left & lungs,
        "lungs": lungs,
        "airway": airway & body,
        "emphysema": emphysema & lungs,
        "gas": gas,
        "bone": spine & ~marrow & ~aorta & ~kidney,
        "aorta": aorta,
        "kidney": kidney,
        "fat": fat,
        "subcutaneous": fat & ~inner,
        "deep": fat & inner,
        "lean": body & (hu >= -29) & (hu <= 150),
        "soft_tissue": body & (hu >= -190) & (hu < 200),
    }
    return np.round(hu).astype(np.int16), AFFINE, truth
