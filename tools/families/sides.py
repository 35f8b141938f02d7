"""Left and right: the midsagittal plane, one side of a structure, and how unlike the two sides are."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from scanwright.tools import measuring
from scanwright.tools.artifacts import Mask, Measurement, Plane, Volume
from scanwright.tools.contract.card import MeasuredError, Needs
from scanwright.tools.contract.conditions import BodyPartIs, NotCut, NotEmpty, Plausible, SidesKnown
from scanwright.tools.contract.context import ToolContext
from scanwright.tools.contract.decorator import tool
from scanwright.tools.contract.types import ArtifactType, Of
from scanwright.tools.contract.uncertainty import Uncertainty
from scanwright.tools.errors import ToolFailed
from scanwright.tools.imaging import axes, orient
from scanwright.tools.imaging.geometry import Geometry
from scanwright.tools.measuring import measured

# Coarse enough to be quick, fine enough for the falx: the offset is found to a fraction of it.
STEP_MM = 3.0
# A head is held to within this; beyond it the search would find other symmetries.
TILT_DEGREES = 25.0
# Below this the two halves have too little in common to speak of a plane of symmetry.
CORRELATION_AT_LEAST = 0.5
PLANE_MM_AT_LEAST = 1.0


@tool(
    examples=(
        "Where is the midline?",
        "Find the midsagittal plane.",
        "Which plane divides left from right?",
        "Locate the plane of symmetry of the head.",
        "Is the head tilted, and where is its middle?",
        "Determine the median plane of the brain scan.",
    ),
    near_misses=(
        "Is there a midline shift? (midline_shift: this plane is that of the whole head, not of the septum)",
        "Is the brain symmetric? (asymmetry_index)",
    ),
    when=(SidesKnown(), BodyPartIs(one_of=("head", "brain", "skull"))),
    needs=Needs(memory_gb=1.1, seconds=9.0),
    reference="Symmetry by correlation with the mirror image: Ardekani et al., IEEE Trans Med Imaging 1997;16:947–952.",
    error=(MeasuredError(text="turned and shifted phantoms: offset within 0.5 mm, angles within 0.5°; Colin 27 in MNI "
                              "space: within 1 mm of x = 0"),),
    uses=(axes, orient),
)  # fmt: skip
def midsagittal_plane(ctx: ToolContext, volume: Volume) -> Annotated[Plane, Of("midsagittal_plane")]:
    """The plane about which an image is most like its mirror image, for scans of the head.

    Maximises the correlation of the image with its reflection over offset, roll and yaw (up to 25°), on voxels of
    3 mm. The normal points to the patient's right. The range, in mm along the normal, is how far the best offset
    moves when the anterior, posterior, upper or lower half is taken alone. Raises ToolFailed where no plane of
    symmetry is found.
    """
    view, turned, _ = orient.canonical(ctx.voxels(volume), volume.geometry)
    search = _Symmetry(*_coarse(view, turned))
    start = search.best_offset(0.0, 0.0)
    ctx.progress(0.3, "turning the plane")
    offset, roll, yaw = search.refined(start)
    score = search.correlation(offset, roll, yaw, search.everywhere)
    if score < CORRELATION_AT_LEAST:
        raise ToolFailed(
            f"No plane of symmetry was found in the {volume.name} (correlation of its halves {score:.2f}): "
            "is it a head?"
        )
    ctx.progress(0.8, "checking halves")
    shifts = [search.best_near(offset, roll, yaw, part) - offset for part in search.halves]
    normal = _normal(roll, yaw)
    point = search.centre + offset * normal
    return Plane(
        type=ArtifactType(kind="Plane", structure="midsagittal_plane"),
        name="midsagittal plane",
        point_mm=(float(point[0]), float(point[1]), float(point[2])),
        normal=(float(normal[0]), float(normal[1]), float(normal[2])),
        uncertainty=Uncertainty(
            kind="range",
            low=min(0.0, *shifts),
            high=max(0.0, *shifts),
            method="offset in mm from the anterior, posterior, upper and lower half alone",
            n=len(shifts),
        ),
    )


@tool(
    examples=(
        "Outline the left half of the brain.",
        "How large is the right half of the skull?",
        "Show the right side of the brain.",
        "Volume of the left hemisphere?",
        "Only the left part of the marked region, please.",
        "Segment the right half of the head.",
    ),
    near_misses=(
        "Which side is larger? (asymmetry_index)",
        "Where is the midline? (midsagittal_plane)",
    ),
    when=(SidesKnown(),),
    then=(NotEmpty(), NotCut()),
    needs=Needs(memory_gb=0.9, seconds=3.0),
    reference="Side of a plane by the sign of the distance; RAS+ coordinates as in NIfTI-1.",
    error=(MeasuredError(text="asymmetric phantoms, 48 axis orders: exact side of every voxel", relative_error=0.0),),
    uses=(axes,),
)
def one_side(
    ctx: ToolContext,
    mask: Annotated[Mask, Of("?s", side="whole")],
    plane: Annotated[Plane, Of("midsagittal_plane")],
    side: Literal["left", "right"],
) -> Annotated[Mask, Of("?s", side="?side")]:
    """The patient's left or right half of a structure, divided by the midsagittal plane.

    A voxel belongs to the side that its centre lies on; one whose centre lies on the plane belongs to neither.
    """
    distance = _distance_mm(mask.geometry, plane)
    half = distance > 1e-6 if side == "right" else distance < -1e-6
    structure = mask.type.structure or "given_region"
    result = ctx.mask(ctx.voxels(mask) & half, mask, structure, side=side, name=f"{side} half of the {mask.name}")
    return result.model_copy(update={"flags": tuple(f for f in mask.flags if not f.startswith("cut by"))})


@tool(
    examples=(
        "Is the brain symmetric?",
        "Which side of the skull is larger?",
        "What is the left–right asymmetry of the brain?",
        "How much larger is the left hemisphere than the right?",
        "Compare the left and the right half of the head.",
        "Asymmetry index of the marked region",
    ),
    near_misses=(
        "How large is the left half? (one_side, mask_volume)",
        "Is there a midline shift? (midline_shift)",
    ),
    when=(SidesKnown(),),
    then=(
        Plausible(
            quantity="asymmetry_index",
            low=-150.0,
            high=150.0,
            unit="%",
            source="the structure lies almost wholly on one side, so that the sides cannot be compared",
        ),
    ),
    needs=Needs(memory_gb=0.8, seconds=1.0),
    reference="AI = 100·(L−R)/((L+R)/2); e.g. Kurth et al., Nat Protoc 2015;10:293–304.",
    error=(MeasuredError(text="asymmetric phantoms, 48 axis orders: sign right, value within 0.5 percentage points"),),
    uses=(measuring, axes),
)
def asymmetry_index(
    ctx: ToolContext,
    mask: Annotated[Mask, Of("?s", side="whole")],
    plane: Annotated[Plane, Of("midsagittal_plane")],
) -> Annotated[Measurement, Of("?s", quantity="asymmetry_index")]:
    """How much larger the left half of a structure is than the right, in percent of their mean; negative: right larger.

    Voxels that the plane passes through count to both sides by their share. The range is what moving the plane by
    its own range, and at least by 1 mm, makes.
    """
    if not mask.voxels:
        return measured("asymmetry_index", None, "%", mask, method="100·(L−R)/((L+R)/2)", size=False)
    voxels = ctx.voxels(mask)
    distance = _distance_mm(mask.geometry, plane)[voxels]
    width = float(np.abs(np.array(plane.normal) @ mask.geometry.matrix[:3, :3]).max())
    found = plane.uncertainty
    low = min(-PLANE_MM_AT_LEAST, found.low if found and found.low is not None else 0.0)
    high = max(PLANE_MM_AT_LEAST, found.high if found and found.high is not None else 0.0)
    value, one, other = (_index(distance - shift, width) for shift in (0.0, low, high))
    flags = ["cut by the edge of the field of view: the two sides may be cut unequally"] if mask.touches else []
    return measured(
        "asymmetry_index",
        value,
        "%",
        mask,
        method="100·(L−R)/((L+R)/2) of the volumes on the two sides of the midsagittal plane; positive: left larger",
        uncertainty=Uncertainty(
            kind="range",
            low=min(value, one, other),
            high=max(value, one, other),
            method=f"plane moved by {low:.1f} and {high:.1f} mm",
            n=2,
        ),
        flags=flags,
        size=False,
    )


class _Symmetry:
    """A coarse image, sampled around its middle, and its correlation with its reflection in planes."""

    def __init__(self, voxels: NDArray[np.float32], affine: NDArray[np.float64]) -> None:
        self._voxels = voxels
        self._inverse = np.linalg.inv(affine)
        grid = np.stack(np.meshgrid(*(np.arange(n) for n in voxels.shape), indexing="ij"), axis=-1).reshape(-1, 3)
        values = voxels.ravel()
        weight = values - values.min()
        # Background holds no symmetry, only the shape of the field of view.
        keep = values > values.min() + 0.1 * (values.max() - values.min())
        if keep.sum() < 100:
            raise ToolFailed("The scan has too little content to find a plane of symmetry in it.")
        self.points = axes.to_mm(grid[keep], affine)
        self._values = values[keep].astype(np.float64)
        self.centre = np.average(self.points, axis=0, weights=weight[keep])
        self.everywhere = np.ones(len(self.points), np.bool_)
        y, z = self.points[:, 1] - self.centre[1], self.points[:, 2] - self.centre[2]
        self.halves = (y > 0, y < 0, z > 0, z < 0)

    def correlation(self, offset: float, roll: float, yaw: float, part: NDArray[np.bool_]) -> float:
        """Of the values at points (of a part) and at their reflections; −1 where too few stay inside the image."""
        from scipy.ndimage import map_coordinates

        normal = _normal(roll, yaw)
        points = self.points[part]
        distance = (points - self.centre) @ normal - offset
        mirrored = points - 2 * distance[:, None] * normal
        index = mirrored @ self._inverse[:3, :3].T + self._inverse[:3, 3]
        inside = ((index >= 0) & (index <= np.array(self._voxels.shape) - 1)).all(axis=1)
        if inside.sum() < len(points) / 3:
            return -1.0
        there = map_coordinates(self._voxels, index[inside].T, order=1, output=np.float64)
        here = self._values[part][inside]
        spread = here.std() * there.std()
        return float(((here - here.mean()) * (there - there.mean())).mean() / spread) if spread > 0 else -1.0

    def best_offset(self, roll: float, yaw: float) -> float:
        """The best of offsets 6 mm apart, up to 60 mm to either side."""
        offsets = np.arange(-60.0, 61.0, 6.0)
        return float(max(offsets, key=lambda o: self.correlation(float(o), roll, yaw, self.everywhere)))

    def best_near(self, offset: float, roll: float, yaw: float, part: NDArray[np.bool_]) -> float:
        """The best offset within 8 mm for a part of the image, with the angles held."""
        from scipy.optimize import minimize_scalar

        if part.sum() < 100:
            return offset
        found = minimize_scalar(
            lambda o: -self.correlation(float(o), roll, yaw, part),
            bounds=(offset - 8, offset + 8),
            method="bounded",
            options={"xatol": 0.05},
        )
        return float(found.x)

    def refined(self, offset: float) -> tuple[float, float, float]:
        """Offset in mm, roll and yaw in radians, by Nelder–Mead from the best of nine directions."""
        from scipy.optimize import minimize

        limit = np.radians(TILT_DEGREES)

        def cost(x: NDArray[np.float64]) -> float:
            if max(abs(x[1]), abs(x[2])) > limit:
                return 1.0
            return -self.correlation(float(x[0]), float(x[1]), float(x[2]), self.everywhere)

        turns = np.radians((-10.0, 0.0, 10.0))
        starts = [np.array([offset, roll, yaw]) for roll in turns for yaw in turns]
        start = min(starts, key=cost)
        simplex = start + np.array([[0, 0, 0], [4, 0, 0], [0, 0.08, 0], [0, 0, 0.08]])
        options = {"initial_simplex": simplex, "xatol": 1e-3, "fatol": 1e-6, "maxiter": 200}
        x = minimize(cost, start, method="Nelder-Mead", options=options).x
        return float(x[0]), float(x[1]), float(x[2])


def _normal(roll: float, yaw: float) -> NDArray[np.float64]:
    """The unit normal of a plane turned by roll (about anterior–posterior) and yaw (about superior–inferior)."""
    return np.array([np.cos(roll) * np.cos(yaw), np.cos(roll) * np.sin(yaw), np.sin(roll)])


def _coarse(view: NDArray[Any], geometry: Geometry) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """The image in blocks of about STEP_MM, each the mean of its voxels, clipped to the 1st to 99th percentile."""
    blocks = [
        max(1, min(n // 4, round(STEP_MM / step))) for n, step in zip(view.shape, geometry.spacing_mm, strict=True)
    ]
    if min(view.shape) < 8:
        raise ToolFailed("The scan has fewer than 8 slices in one direction, too few to find a plane of symmetry.")
    counts = [n // b for n, b in zip(view.shape, blocks, strict=True)]
    cut = view[tuple(slice(0, c * b) for c, b in zip(counts, blocks, strict=True))]
    shape = [v for pair in zip(counts, blocks, strict=True) for v in pair]
    mean = np.nan_to_num(cut.astype(np.float32)).reshape(shape).mean(axis=(1, 3, 5))
    low, high = np.percentile(mean, (1, 99))
    matrix = geometry.matrix.copy()
    matrix[:3, 3] += matrix[:3, :3] @ [(b - 1) / 2 for b in blocks]
    matrix[:3, :3] *= np.array(blocks)
    return np.clip(mean, low, high), matrix


def _distance_mm(geometry: Geometry, plane: Plane) -> NDArray[np.float64]:
    """Signed distance (i, j, k) of voxel centres from a plane, in mm; positive on the patient's right."""
    normal = np.array(plane.normal)
    steps = normal @ geometry.matrix[:3, :3]
    start = float(normal @ (geometry.matrix[:3, 3] - np.array(plane.point_mm)))
    i, j, k = (np.arange(n) * step for n, step in zip(geometry.shape, steps, strict=True))
    return np.asarray(start + i[:, None, None] + j[None, :, None] + k[None, None, :], dtype=np.float64)


def _index(distance: NDArray[np.float64], width_mm: float) -> float:
    right = float(np.clip(0.5 + distance / width_mm, 0.0, 1.0).sum())
    left = float(distance.size) - right
    return 200.0 * (left - right) / (left + right)
