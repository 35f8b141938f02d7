"""An entry of the catalogue of weights: name, licence, files with their pinned hashes, where they can be had."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field
from scanwright.tools.hashing import sha256_json


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class WeightsFile(_Frozen):
    """One file of an entry. role is how a tool asks for it; sha256 and size are pinned."""

    role: str
    file: str
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    size: Annotated[int, Field(gt=0)]


class Folder(_Frozen):
    """A folder inside the local folder of weights (`weights_dir` in the settings)."""

    kind: Literal["folder"] = "folder"
    path: str


class Packaged(_Frozen):
    """A folder that an installed distribution brings; path is relative to site-packages."""

    kind: Literal["packaged"] = "packaged"
    distribution: str
    path: str


class Hub(_Frozen):
    """A folder of a model repository on a hub, at one revision. Only described here, never fetched silently."""

    kind: Literal["hub"] = "hub"
    repo: str
    revision: str
    path: str = ""


class Repository(_Frozen):
    """A folder of a public source repository, at one commit."""

    kind: Literal["repository"] = "repository"
    repo: str
    commit: Annotated[str, Field(pattern="^[0-9a-f]{40}$")]
    path: str = ""


class Models(_Frozen):
    """Folders of published models below the local folder of weights, by name ("*" stands for anything).

    Their files have no pinned hash: they are read as data, never run, and known by the hash that they have.
    """

    kind: Literal["models"] = "models"
    path: str
    folders: tuple[str, ...] = ("*",)


class Spread(_Frozen):
    """Files that several installed distributions bring, one each: in the order of the entry's files (distribution,
    path relative to site-packages).
    """

    kind: Literal["spread"] = "spread"
    parts: tuple[tuple[str, str], ...]


Place: TypeAlias = Annotated[Folder | Packaged | Hub | Repository | Models | Spread, Field(discriminator="kind")]


class WeightsEntry(_Frozen):
    """Named weights. source says where they were published; places are tried in order, all files from one place.

    commercial is False where the licence forbids commercial use: a person accepts it before they are fetched.
    program says that the files are a program (TorchScript) of which no hash is known: a person accepts that it runs.
    files is empty where the only places are folders of models.
    """

    name: str
    licence: str
    source: str
    commercial: bool = True
    program: bool = False
    files: tuple[WeightsFile, ...]
    places: tuple[Place, ...]

    @property
    def hash(self) -> str:
        """Hash of the content of all files, for the key of a step; the place does not matter."""
        return sha256_json({f.role: f.sha256 for f in self.files})


def by_name(entries: Iterable[WeightsEntry]) -> dict[str, WeightsEntry]:
    """Entries by name. Raises ValueError where two have one name."""
    result: dict[str, WeightsEntry] = {}
    for entry in entries:
        if entry.name in result:
            raise ValueError(f"two weights are called {entry.name!r}")
        result[entry.name] = entry
    return result
