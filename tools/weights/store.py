"""WeightsStore: finds named weights in a local folder or an installed package, and checks their hashes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from scanwright.tools.errors import ToolFailed
from scanwright.tools.weights.acceptance import accepted, not_accepted
from scanwright.tools.weights.catalogue import (
    CATALOGUE,
    Folder,
    Hub,
    Models,
    Packaged,
    Place,
    Repository,
    Spread,
    WeightsEntry,
    by_name,
)
from scanwright.tools.weights.verified import digest, verify


class WeightsStore:
    """Named weights on this machine.

    folder is the local folder of weights (`<folder>/<name>/<file>`, before any package), cache a folder where
    verified hashes are remembered across processes, catalogue what is known.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        cache: Path | None = None,
        catalogue: Iterable[WeightsEntry] = CATALOGUE,
    ) -> None:
        self._folder = folder
        self._cache = cache
        self._entries = by_name(catalogue)

    def entries(self) -> tuple[WeightsEntry, ...]:
        """All weights that are known, here or not."""
        return tuple(self._entries.values())

    def entry(self, name: str) -> WeightsEntry:
        """The entry of that name. Raises ToolFailed where there is none."""
        if name not in self._entries:
            raise ToolFailed(f"No weights are called {name!r}; the catalogue has: {', '.join(self._entries)}.")
        return self._entries[name]

    def locate(self, name: str) -> dict[str, Path] | None:
        """The files of an entry by role, not verified; None where they are not here."""
        return self._locate(self.entry(name))

    def resolve(self, name: str) -> dict[str, Path]:
        """The verified files of an entry by role.

        Raises ToolFailed where they are missing (with where they can be had) or a file is not the pinned one.
        """
        entry = self.entry(name)
        found = self._locate(entry)
        if found is None:
            raise ToolFailed(self._missing(entry))
        if not accepted(entry, self._folder):
            raise ToolFailed(not_accepted(entry))
        for file in entry.files:
            path = found[file.role]
            if path.stat().st_size != file.size or not verify(path, file.sha256, self._cache):
                raise ToolFailed(
                    f"The weights file {path} is not the one that was published for {name!r} (its SHA-256 differs): "
                    "delete it or install it again."
                )
        for path in found.values() if not entry.files else ():
            digest(path, self._cache)
        return found

    def digests(self, name: str) -> list[str]:
        """The hashes of an entry's files, for the key of a step: the pinned ones, else those of what lies here."""
        entry = self.entry(name)
        if entry.files:
            return [f.sha256 for f in entry.files]
        found = self._locate(entry) or {}
        return [f"{role} {digest(path, self._cache)}" for role, path in sorted(found.items())]

    def available(self, name: str) -> bool:
        """True where all files lie here with the right size; nothing is hashed."""
        return self.why_not(name) is None

    def why_not(self, name: str) -> str | None:
        """Why the weights cannot be used, as a sentence; None where they can."""
        if name not in self._entries:
            return f"No weights are called {name!r}."
        entry = self._entries[name]
        found = self._locate(entry)
        if found is None:
            return self._missing(entry)
        if not accepted(entry, self._folder):
            return not_accepted(entry)
        for file in entry.files:
            size = found[file.role].stat().st_size
            if size != file.size:
                return f"The weights file {found[file.role]} has {size} bytes and should have {file.size}: replace it."
        return None

    def _locate(self, entry: WeightsEntry) -> dict[str, Path] | None:
        """The files in the first place that has all of them."""
        for place in entry.places:
            found = self._files_in(place, entry)
            if found is not None and all(path.is_file() for path in found.values()):
                return found
        return None

    def _files_in(self, place: Place, entry: WeightsEntry) -> dict[str, Path] | None:
        if isinstance(place, Folder) and self._folder is not None:
            folder = self._folder / place.path
            return {f.role: folder / f.file for f in entry.files}
        if isinstance(place, Packaged):
            listed = _packaged_files(place.distribution)
            found = {f.role: listed.get(f"{place.path}/{f.file}") for f in entry.files}
            here = {role: path for role, path in found.items() if path is not None}
            return here if len(here) == len(found) else None
        if isinstance(place, Spread):
            return _spread_files(place, entry)
        if isinstance(place, Models) and self._folder is not None:
            return _models_in(self._folder / place.path, place.folders)
        return None

    def _missing(self, entry: WeightsEntry) -> str:
        ways = [way for way in (self._way(place, entry) for place in entry.places) if way]
        return f"The weights {entry.name!r} ({entry.licence}) are not on this machine: {', or '.join(ways)}."

    def _way(self, place: Place, entry: WeightsEntry) -> str:
        names = " and ".join(f.file for f in entry.files)
        if isinstance(place, Packaged):
            return f"install the package {place.distribution}"
        if isinstance(place, Spread):
            return f"install the packages {', '.join(distribution for distribution, _ in place.parts)}"
        if isinstance(place, Hub):
            return f"fetch {place.repo} at {place.revision} from its hub"
        if isinstance(place, Models):
            which = "the folder of a model" if place.folders == ("*",) else " and ".join(place.folders)
            where = "the weights folder" if self._folder is None else self._folder
            return f"put {which} into {where / place.path if isinstance(where, Path) else where}"
        if isinstance(place, Repository):
            return f"fetch them with `scanwright weights fetch {entry.name}`"
        if self._folder is None:
            return f"put {names} into a folder {place.path} and name the folder above it as weights_dir in the settings"
        return f"put {names} into {self._folder / place.path}"


def _models_in(folder: Path, names: tuple[str, ...]) -> dict[str, Path] | None:
    """The files of model folders by their path below folder; None where one of names is missing or has no weights."""
    found: dict[str, Path] = {}
    for name in names:
        files = [f for each in sorted(folder.glob(name)) if each.is_dir() for f in sorted(each.rglob("*"))]
        files = [f for f in files if f.suffix in _DESCRIBING + _WEIGHING and f.is_file()]
        if not any(f.suffix in _WEIGHING for f in files):
            return None
        found |= {f.relative_to(folder).as_posix(): f for f in files}
    return found


def _spread_files(place: Spread, entry: WeightsEntry) -> dict[str, Path] | None:
    found = {
        file.role: path
        for file, (distribution, name) in zip(entry.files, place.parts, strict=True)
        if (path := _packaged_files(distribution).get(name)) is not None
    }
    return found if len(found) == len(entry.files) else None


def _packaged_files(name: str) -> dict[str, Path]:
    """The files of an installed distribution by their path relative to site-packages.

    The list of the distribution decides: another package's folder of the same name does not count.
    """
    if name not in _listed:
        from importlib.metadata import PackageNotFoundError, files

        try:
            _listed[name] = {file.as_posix(): Path(str(file.locate())) for file in files(name) or ()}
        except PackageNotFoundError:
            return {}
    return _listed[name]


_listed: dict[str, dict[str, Path]] = {}
_DESCRIBING = (".json", ".yaml", ".yml")
_WEIGHING = (".pth", ".pt", ".safetensors")
