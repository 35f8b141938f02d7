"""Importing: files become a study in the home folder, without identities; originals are never modified."""

from __future__ import annotations

import tempfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from scanwright.agent.plan.studies import StudyView
from scanwright.memory.home import Home
from scanwright.memory.records import SeriesRecord, StudyRecord
from scanwright.tools.artifacts import Mask, Volume
from scanwright.tools.contract.quantity import Point
from scanwright.tools.contract.types import ArtifactType
from scanwright.tools.errors import UserInputError
from scanwright.tools.hashing import pixel_hash, sha256_json
from scanwright.tools.imaging.flat.frame import Frame
from scanwright.tools.imaging.geometry import Geometry
from scanwright.tools.imaging.loaded import GivenFacts, Loaded, LoadedImage, LoadedStudy
from scanwright.tools.imaging.sandbox import open_study_safely, read_mask_safely
from scanwright.tools.imaging.sidecar import sidecar_path
from scanwright.tools.pixels import MASK_TYPE, write_mask
from scanwright.tools.runtime.context import touched_edges
from scanwright.tools.runtime.kept import content_hash, keep_image


def resolve_study(home: Home, target: str, given: GivenFacts, *, patient: str | None = None) -> StudyRecord:
    """The study that target names: a file or folder (imported where it is new), or an imported study's id or name.

    patient joins studies of one patient whose files do not say so. Raises UserInputError or NeedsInput.
    """
    path = Path(target).expanduser()
    if not path.exists():
        if any(s in target for s in ("/", ".nii", ".zip", ".dcm")):
            raise UserInputError(f"There is no file or folder {target}: check the path.")
        return home.studies.get(target)
    size, mtime = _fingerprint_of(path)
    facts = {"given": given.model_dump(), "patient": patient, "sidecar": _sidecar_of(path)}
    known = home.studies.by_source(path, size, mtime, facts)
    if known is not None:
        return known
    home.staging.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.staging) as staging:
        loaded = open_study_safely(path, given, Path(staging))
        record = _keep(home, path, loaded, patient)
    home.studies.remember_source(record.study_id, path, size, mtime, facts)
    return record


def study_view(
    home: Home, record: StudyRecord, alias: str, *, mask: str | None = None, at: Point | None = None
) -> StudyView:
    """What a plan can take from the study; mask is FILE or FILE:LABEL on the grid of one of its series."""
    images = {s.name: s.image for s in record.series}
    given = None if mask is None else _given_mask(home, record, mask)
    warnings = tuple(w for s in record.series for w in s.warnings)
    return StudyView(alias, record.study_id, record.name, images, given, at, warnings, record.relative_day)


def _keep(home: Home, path: Path, loaded: LoadedStudy, patient: str | None) -> StudyRecord:
    hashes = [content_hash(i) for i in loaded.images]
    facts = [i.image.model_dump(mode="json") | _grid(i).model_dump(mode="json") for i in loaded.images]
    fingerprint = sha256_json([hashes, facts, patient])
    known = home.studies.by_fingerprint(fingerprint)
    if known is not None:
        return known
    study_id = f"S-{fingerprint[:12]}"
    identity = loaded.images[0].identity
    subject = home.identities.pseudonym(patient or identity.get("PatientID"), fingerprint)
    series = []
    for image, content, name in zip(loaded.images, hashes, _names(loaded), strict=True):
        kept_image = keep_image(home.blobs, image, content, name=name, subject=subject, time=study_id)
        safe: dict[str, Any] = dict(image.safe)
        series.append(SeriesRecord(name=name, image=kept_image, warnings=image.warnings, safe=safe))
    first = series[0].safe
    day = _date(identity.get("StudyDate"))
    record = StudyRecord(
        study_id=study_id,
        name=_name_of(path),
        subject=subject,
        relative_day=None if day is None else home.identities.relative_day(subject, day),
        age_band=_text(first.get("age_band")),
        sex=_text(first.get("PatientSex", first.get("sex"))),
        scanner=_text(first.get("model", first.get("scanner"))),
        source_format=loaded.source_format,
        series=tuple(series),
        created_utc=datetime.now(UTC),
        fingerprint=fingerprint,
    )
    kept = home.studies.add(record)
    if any(i.identity for i in loaded.images):
        sealed = {name: image.identity for name, image in zip(_names(loaded), loaded.images, strict=True)}
        home.identities.seal(kept.study_id, kept.subject, sealed)
    return kept


_ENDINGS = (
    ".gz", ".nii", ".zip", ".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".ome", ".svs", ".ndpi", ".scn", ".dcm",
)  # fmt: skip


def _name_of(path: Path) -> str:
    """The file's name without the endings that say its format."""
    name = path.name
    while ending := next((e for e in _ENDINGS if name.lower().endswith(e) and len(name) > len(e)), None):
        name = name[: -len(ending)]
    return name


def _grid(image: Loaded) -> Geometry | Frame:
    return image.geometry if isinstance(image, LoadedImage) else image.frame


def _given_mask(home: Home, record: StudyRecord, text: str) -> Mask:
    path, label = _file_and_label(text)
    if not path.exists():
        raise UserInputError(f"There is no mask file {path}: check the path after --mask.")
    problems: list[UserInputError] = []
    for series in record.series:
        volume = series.image
        if not isinstance(volume, Volume):
            problems.append(UserInputError(f"{record.name} is a flat image, and --mask takes a mask of a 3D scan."))
            continue
        home.staging.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home.staging) as staging:
            try:
                voxels = read_mask_safely(path, label, volume.geometry, Path(staging))
            except UserInputError as error:
                problems.append(error)
                continue
            file = Path(staging) / "packed"
            write_mask(voxels, file)
            blob = home.blobs.put(file, MASK_TYPE)
            return Mask(
                type=ArtifactType(kind="Mask", structure="given_region", side="whole", modality=volume.type.modality,
                                  grid=volume.geometry.grid, time=volume.type.time, subject=volume.type.subject),
                name="given region", geometry=volume.geometry, image=volume.image, blob=blob,
                pixel_hash=pixel_hash(voxels.view("uint8"), volume.geometry.matrix), voxels=int(voxels.sum()),
                touches=touched_edges(voxels, volume.geometry),
            )  # fmt: skip
    raise problems[0]


def _file_and_label(text: str) -> tuple[Path, int | None]:
    if Path(text).exists():
        return Path(text), None
    file, colon, label = text.rpartition(":")
    if not colon:
        return Path(text), None
    if not label.lstrip("-").isdigit():
        raise UserInputError(f"The label {label!r} after --mask FILE:LABEL is no whole number.")
    return Path(file), int(label)


def _fingerprint_of(path: Path) -> tuple[int, int]:
    """Size and newest change: of the file, or of all files in the folder."""
    files = [path] if path.is_file() else [f for f in path.rglob("*") if f.is_file()]
    stats = [f.stat() for f in files]
    return sum(s.st_size for s in stats) + len(stats), max((s.st_mtime_ns for s in stats), default=0)


def _sidecar_of(path: Path) -> list[int] | None:
    sidecar = sidecar_path(path)
    if path.is_dir() or not sidecar.is_file():
        return None
    stat = sidecar.stat()
    return [stat.st_size, stat.st_mtime_ns]


def _names(loaded: LoadedStudy) -> list[str]:
    """The series' names, made different where they are equal."""
    names: list[str] = []
    for image in loaded.images:
        name, n = image.name, 2
        while name in names:
            name, n = f"{image.name} ({n})", n + 1
        names.append(name)
    return names


def _date(text: str | None) -> date | None:
    try:
        return None if not text else datetime.strptime(text[:8], "%Y%m%d").date()
    except ValueError:
        return None


def _text(value: Any) -> str | None:
    return None if value in (None, "") else str(value)
