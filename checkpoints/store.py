"""Checkpoint folders on disk: read with suspicion, written atomically, found by reference.

A checkpoint is a folder in Hub layout: `config.json`, `generator.safetensors` (or `encoder.safetensors`),
optionally `training.safetensors` with `training.json`, `directions.safetensors`, `preview.png`, `README.md`.
Nothing here knows networks or losses.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import Tensor

from checkpoints.errors import CheckpointError
from checkpoints.folders import replacing
from checkpoints.weights import check, read_tensors

FORMAT = 1
CONFIG = "config.json"
WEIGHTS = ("generator.safetensors", "encoder.safetensors")
KINDS = ("gan", "encoder")
LARGEST_DOCUMENT = 1_000_000
LONGEST_TITLE = 80
SHIPPED = Path(__file__).resolve().parent

_SHIPPED_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_RUN = re.compile(r"runs/([0-9a-f]{32})")
_NAME = r"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?"
_PULLED = re.compile(rf"pulled/({_NAME})/({_NAME})")
_PRIVATE = re.compile(r"private/([0-9a-f]{32})")
_REPOSITORY = re.compile(rf"{_NAME}/{_NAME}")


def home() -> Path:
    """Where what visitors make is kept: `$ATELIER_HOME`, or `~/.latent-atelier`."""
    return Path(os.environ.get("ATELIER_HOME") or Path.home() / ".latent-atelier")


@dataclass(frozen=True)
class Checkpoint:
    """A validated folder: its config is checked, its tensors are checked when they are asked for.

    Attributes:
        reference: how the page and the library name it; see `find`.
        config: what config.json says; anyone may have written it.
    """

    folder: Path
    reference: str
    config: dict[str, Any]

    @property
    def title(self) -> str:
        """What people call it: one line of at most 80 printable characters (not escaped for any markup)."""
        text = str(self.config.get("title") or self.folder.name)
        words = "".join(c if c.isprintable() else " " for c in text).split()
        return " ".join(words)[:LONGEST_TITLE] or "Untitled"

    @property
    def kind(self) -> str:
        """`gan` or `encoder`."""
        return str(self.config["kind"])

    @cached_property
    def _root(self) -> Path:
        return self.folder.resolve()

    def path(self, name: str) -> Path:
        """A file of the folder. Raises CheckpointError when it leads out of the folder."""
        path = self.folder / name
        if Path(name).name != name or path.resolve().parent != self._root:
            raise CheckpointError(f"{name} of {self.title} is a link that leads out of its folder.")
        return path

    def has(self, name: str) -> bool:
        """Whether the folder holds this file."""
        return Path(name).name == name and (self.folder / name).is_file()

    def tensors(self, name: str = WEIGHTS[0]) -> dict[str, Tensor]:
        """All tensors of a safetensors file. Raises CheckpointError as `weights.read_tensors`."""
        return read_tensors(self.path(name), self.title)

    def document(self, name: str) -> dict[str, Any]:
        """A JSON file of the folder. Raises CheckpointError when missing, too large or no JSON object."""
        path = self.path(name)
        if not path.is_file():
            raise CheckpointError(f"{self.title} lacks {name}, so it is not a checkpoint of this app.")
        if path.stat().st_size > LARGEST_DOCUMENT:
            raise CheckpointError(f"{name} of {self.title} is too large to be read.")
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
        except (ValueError, OSError, RecursionError):
            raise CheckpointError(f"{name} of {self.title} is not valid JSON.") from None
        if not isinstance(value, dict):
            raise CheckpointError(f"{name} of {self.title} is not a JSON object.")
        return value


def read(folder: Path | str, reference: str | None = None) -> Checkpoint:
    """The checkpoint in `folder`.

    Raises:
        CheckpointError: when the folder is missing, its config.json is not one of this format, a file is a
            link out of the folder, or the weights are missing or not what they claim (see `weights.check`).
    """
    folder = Path(folder)
    while True:
        before = _identity(folder)
        try:
            checkpoint = _read(folder, reference or str(folder))
        except CheckpointError:
            if _identity(folder) == before:
                raise
        else:
            if _identity(folder) == before:
                return checkpoint


def _identity(folder: Path) -> tuple[int, int, int] | None:
    """Which folder lies here: another one as soon as `save` has put a newer checkpoint in its place.

    What was read across such a change is of two checkpoints, or of one that is being cleared away.
    """
    try:
        found = folder.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns  # the number alone may soon be another folder's


def copy(checkpoint: Checkpoint, folder: Path, names: Iterable[str]) -> None:
    """Copy those of the files `names` that a checkpoint has into a new folder, all of one moment.

    Raises:
        CheckpointError: when the checkpoint is no longer there, or a file leads out of its folder.
    """
    names = tuple(names)
    while True:
        before = _identity(checkpoint.folder)
        if before is None:
            raise CheckpointError(f"{checkpoint.title} is no longer here; choose another checkpoint.")
        folder.mkdir(parents=True)
        try:
            for name in filter(checkpoint.has, names):
                shutil.copyfile(checkpoint.path(name), folder / name)
        except OSError:
            if _identity(checkpoint.folder) == before:
                raise
        else:
            if _identity(checkpoint.folder) == before:
                return
        shutil.rmtree(folder)


def _read(folder: Path, reference: str) -> Checkpoint:
    if not folder.is_dir():
        raise CheckpointError(f"There is no checkpoint {folder.name[:80]!r}; check its name.")
    probe = Checkpoint(folder, reference, {})
    config = probe.document(CONFIG)
    if config.get("format") != FORMAT or config.get("kind") not in KINDS:
        raise CheckpointError(f"{probe.title} was not made for this app: its config.json has another format.")
    checkpoint = Checkpoint(folder, probe.reference, config)
    names = [path.name for path in folder.iterdir()]
    weights = [name for name in WEIGHTS if name in names]
    if not weights:
        raise CheckpointError(f"{checkpoint.title} holds no {WEIGHTS[0]}, so it cannot be opened.")
    for name in names:
        checkpoint.path(name)
    for name in weights:
        check(checkpoint.path(name), checkpoint.title)
    return checkpoint


def save(
    folder: Path | str,
    config: Mapping[str, Any],
    tensors: Mapping[str, Mapping[str, Tensor]],
    documents: Mapping[str, Mapping[str, Any] | str | bytes] | None = None,
) -> Checkpoint:
    """Write a checkpoint whole or not at all; an older one at this place is replaced in one step.

    Args:
        tensors: safetensors files by name, each a mapping of contiguous CPU tensors.
        documents: further files by name: mappings become JSON, text and bytes are written as they are.

    Raises:
        CheckpointError: when what is given could not be read back.
    """
    folder = Path(folder)
    with replacing(folder) as fresh:
        fill(fresh, config, tensors, documents or {})
        checkpoint = read(fresh)
    return Checkpoint(folder, reference_of(folder), checkpoint.config)


def fill(
    folder: Path,
    config: Mapping[str, Any],
    tensors: Mapping[str, Mapping[str, Tensor]],
    documents: Mapping[str, Mapping[str, Any] | str | bytes],
) -> None:
    """Write a checkpoint's files into a fresh folder, as `save`. Raises CheckpointError on a bad name."""
    for name, values in tensors.items():
        save_file(dict(values), _inside(folder, name), metadata={"format": "pt"})
    for name, value in {**documents, CONFIG: config}.items():
        text = json.dumps(value, indent=2) + "\n" if isinstance(value, Mapping) else value
        _inside(folder, name).write_bytes(text.encode() if isinstance(text, str) else text)


def is_commit(text: object) -> bool:
    """Whether this is a commit's full hash."""
    return isinstance(text, str) and re.fullmatch(r"[0-9a-f]{40}", text) is not None


def _inside(folder: Path, name: str) -> Path:
    if Path(name).name != name:
        raise CheckpointError(f"{name!r} is no file name for a checkpoint.")
    return folder / name


def shipped() -> list[Checkpoint]:
    """The GANs that come with the project, by name."""
    references = sorted(path.parent.name for path in SHIPPED.glob(f"*/{CONFIG}"))
    return [checkpoint for checkpoint in _readable(references) if checkpoint.kind == "gan"]


def list_checkpoints(references: Iterable[str] = ()) -> list[Checkpoint]:
    """The shipped ones, then those of `references` that can be read, none of them twice."""
    found = shipped()
    known = {checkpoint.reference for checkpoint in found}
    return found + [checkpoint for checkpoint in _readable(references) if checkpoint.reference not in known]


def _readable(references: Iterable[str]) -> list[Checkpoint]:
    found = []
    for reference in dict.fromkeys(r for r in references if isinstance(r, str)):
        try:
            found.append(find(reference))
        except CheckpointError:
            continue
    return found


def local_references() -> list[str]:
    """All runs and pulled checkpoints on this machine; for the command line, never for the page."""
    places = (f"runs/*/checkpoint/{CONFIG}", f"pulled/*/*/{CONFIG}", f"private/*/{CONFIG}")
    found = sorted(path for place in places for path in home().glob(place))
    references = [reference_of(path.parent) for path in found]
    return [r for r in references if any(known.fullmatch(r) for known in (_RUN, _PULLED, _PRIVATE))]


def reference_of(folder: Path) -> str:
    """The reference that `find` takes for this folder; its path where it lies anywhere else."""
    folder = folder.absolute()
    if folder.parent == SHIPPED:
        return folder.name
    with_name = folder.parent if folder.name == "checkpoint" else folder
    try:
        return with_name.relative_to(home().absolute()).as_posix()
    except ValueError:
        return str(folder)


def folder_of(reference: str) -> Path:
    """The folder of an untrusted reference: shipped name, `runs/<32 hex>`, `pulled/<owner>/<name>` or
    `private/<32 hex>` (see `checkpoints.private`).

    Raises:
        CheckpointError: on anything else.
    """
    if isinstance(reference, str):
        if match := _RUN.fullmatch(reference):
            return home() / "runs" / match[1] / "checkpoint"
        if match := _PULLED.fullmatch(reference):
            return home() / "pulled" / match[1] / match[2]
        if match := _PRIVATE.fullmatch(reference):
            return home() / "private" / match[1]
        if _SHIPPED_NAME.fullmatch(reference):
            return SHIPPED / reference
    raise CheckpointError("This is not the name of a checkpoint.")


def find(reference: str) -> Checkpoint:
    """The checkpoint of an untrusted reference. Raises CheckpointError as `folder_of` and `read`."""
    folder = folder_of(reference)
    if not folder.is_dir():
        raise CheckpointError(f"The checkpoint {reference!r} is not here; choose another one.")
    return read(folder, reference)


def find_anywhere(name: str) -> Checkpoint:
    """A checkpoint for a trusted caller: a reference, a folder, or `owner/name` on the Hub (pulled once).

    Raises:
        CheckpointError: when none of these is there.
    """
    if _is_there(name):
        return find(name)
    if Path(name).is_dir():
        return read(name)
    if not _REPOSITORY.fullmatch(name):
        return find(name)
    if _is_there(f"pulled/{name}"):
        return find(f"pulled/{name}")
    from checkpoints import private  # which looks here for its place

    if _is_there(mine := private.reference_for(name, private.THIS_MACHINE)):
        return find(mine)
    from checkpoints import hub  # the Hub's client is slow to import and often not needed

    return hub.pull(name)


def _is_there(reference: str) -> bool:
    try:
        return folder_of(reference).is_dir()
    except CheckpointError:
        return False
