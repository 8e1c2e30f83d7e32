"""A checkpoint to the Hub: what would go, then exactly that, as one commit."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import CommitOperationDelete, HfApi
from huggingface_hub.errors import RepositoryNotFoundError

from checkpoints import store
from checkpoints.card import model_card
from checkpoints.errors import CheckpointError
from checkpoints.hub_account import (
    TIMEOUT_SECONDS,
    Step,
    Token,
    address,
    last,
    own,
    parse_repository,
    whoami,
)
from checkpoints.hub_errors import in_one_sentence
from checkpoints.hub_pull import DIRECTIONS, FAVOURITES, FILES, FILMS, TRAINING, check
from checkpoints.hub_upload import Kind, Sent, uploading
from checkpoints.store import Checkpoint

CARD = "README.md"
LARGEST_FILM = 40_000_000
MOST_FAVOURITES = 100
_FILM_STARTS = {".gif": (0, b"GIF8"), ".webp": (8, b"WEBP"), ".mp4": (4, b"ftyp")}


@dataclass(frozen=True)
class Parts:
    """What goes along with the explorable part (config, generator, discriminator, preview, card).

    Attributes:
        training: the state that lets others go on with the training.
        sliders: the directions that are saved with the checkpoint.
        favourites: pictures that somebody liked, each a mapping with a `state`; those of others are left out.
        film: a GIF, WebP or MP4 file, or None for the one that lies in the folder, if any.
        rights: for the card: whose pictures it learned from, and whether they may be shared.
    """

    training: bool = False
    sliders: bool = True
    favourites: Sequence[object] = ()
    film: Path | None = None
    rights: str = ""


@dataclass(frozen=True)
class PushResult:
    """Where a pushed checkpoint is now."""

    repository: str
    url: str
    commit: str


def files_to_push(checkpoint: Checkpoint, parts: Parts = Parts()) -> list[str]:
    """Names of the files that a push uploads, the card first. Raises CheckpointError as `preview_push`."""
    left_out = {
        *(() if parts.training else TRAINING),
        *(() if parts.sliders else (DIRECTIONS,)),
        *(FILMS if parts.film else ()),
    }
    names = [name for name in FILES if checkpoint.has(name) and name not in left_out | {CARD, FAVOURITES}]
    if _favourites_of(checkpoint, parts):
        names.append(FAVOURITES)
    if parts.film:
        names.append(_film_name(parts.film))
    return [CARD, *names]


def preview_push(
    checkpoint: Checkpoint, repository: str, parts: Parts = Parts()
) -> tuple[str, list[tuple[str, int]]]:
    """What a push would publish, without asking the Hub: the model card and (file, bytes), the card first.

    Raises:
        CheckpointError: on a film that is none, or favourites that are none.
    """
    names = files_to_push(checkpoint, parts)
    card = model_card(checkpoint, repository, names, parts.rights)
    made = {CARD: card.encode(), FAVOURITES: _favourites_file(checkpoint, parts, repository)}
    sizes = []
    for name in names:
        path = parts.film if parts.film and name in FILMS else checkpoint.folder / name
        sizes.append((name, len(made[name]) if name in made else path.stat().st_size))
    return card, sizes


def push(
    checkpoint: Checkpoint,
    repository: str,
    *,
    token: Token = None,
    private: bool = True,
    endpoint: str | None = None,
    parts: Parts = Parts(),
) -> PushResult:
    """Upload a checkpoint with its model card as one commit; the repository is made where it is missing.

    Args:
        repository: `owner/name`, or a name among the token's owner's repositories.

    Raises:
        CheckpointError: whatever goes wrong, in one sentence; also when the repository holds something else,
            or is public although `private` was asked for.
    """
    return last(pushing(checkpoint, repository, token=token, private=private, endpoint=endpoint, parts=parts))


def pushing(
    checkpoint: Checkpoint,
    repository: str,
    *,
    token: Token = None,
    private: bool = True,
    endpoint: str | None = None,
    parts: Parts = Parts(),
) -> Generator[Step, None, PushResult]:
    """`push`, telling what it does; the result is the generator's return value.

    Closing the generator stops the push; nothing of it is to be seen on the Hub before its last step.
    """
    yield Step(0.02, "Signing in…")
    repository = parse_repository(repository, whoami(token, endpoint))
    with tempfile.TemporaryDirectory() as staging:
        yield Step(0.05, "Checking every tensor…")
        staged = _stage(checkpoint, repository, Path(staging), parts)
        message = f"{staged.title} from Latent Atelier"
        return (
            yield from sending(
                staged.folder, repository, FILES, message, token=token, private=private, endpoint=endpoint
            )
        )


def _stage(checkpoint: Checkpoint, repository: str, folder: Path, parts: Parts) -> Checkpoint:
    """A checked copy of what is pushed: a training run may replace its checkpoint at any moment."""
    names = files_to_push(checkpoint, parts)
    for name in names:
        if name == FAVOURITES:
            (folder / name).write_bytes(_favourites_file(checkpoint, parts, repository))
        elif parts.film and name in FILMS:
            shutil.copyfile(parts.film, folder / name)
        elif name != CARD:
            shutil.copyfile(checkpoint.path(name), folder / name)
    staged = store.read(folder, checkpoint.reference)
    check(folder, checkpoint.reference)
    (folder / CARD).write_text(model_card(staged, repository, names, parts.rights), encoding="utf-8")
    return staged


def _favourites_of(checkpoint: Checkpoint, parts: Parts) -> list[dict[str, Any]]:
    """Those of this checkpoint, in the order in which they were liked."""
    found: list[dict[str, Any]] = []
    for entry in list(parts.favourites)[:MOST_FAVOURITES]:
        if not isinstance(entry, Mapping):
            continue
        state = entry.get("state")
        if isinstance(state, dict) and state.get("checkpoint") == checkpoint.reference:
            found.append({**entry, "state": state})
    if parts.favourites and not found:
        raise CheckpointError(f"None of these favourites is a picture by {checkpoint.title}; leave them out.")
    return found


def _favourites_file(checkpoint: Checkpoint, parts: Parts, repository: str) -> bytes:
    """JSON that Explore opens once the repository is pulled; there they are pictures of the pulled copy."""
    chosen = [
        {**entry, "state": {**entry["state"], "checkpoint": f"pulled/{repository}"}}
        for entry in _favourites_of(checkpoint, parts)
    ]
    document = {"format": "latent-atelier-favourites", "version": 1, "favourites": chosen}
    content = json.dumps(document).encode()
    if len(content) > store.LARGEST_DOCUMENT:
        raise CheckpointError("These favourites take too much room; share fewer of them.")
    return content


def _film_name(path: Path) -> str:
    """What the film is called in the repository. Raises CheckpointError when the file is no film."""
    suffix = path.suffix.lower()
    if suffix not in _FILM_STARTS or not path.is_file():
        raise CheckpointError("A film is a GIF, a WebP or an MP4; choose one of them.")
    if path.stat().st_size > LARGEST_FILM:
        raise CheckpointError(f"A film has at most {LARGEST_FILM // 10**6} MB here; choose a shorter one.")
    at, start = _FILM_STARTS[suffix]
    with path.open("rb") as stream:
        if stream.read(16)[at : at + len(start)] != start:
            raise CheckpointError("This film is not what its name says; choose a GIF, a WebP or an MP4.")
    return f"film{suffix}"


def sending(
    folder: Path,
    repository: str,
    known: Sequence[str],
    message: str,
    *,
    token: Token,
    private: bool,
    endpoint: str | None,
    kind: Kind = "model",
) -> Generator[Step, None, PushResult]:
    """Upload all files of a folder as one commit; until that commit nothing of them is to be seen.

    Args:
        known: names (`*.png` for all of a kind) that such a repository may hold; a push deletes those of them
            that are left over from an earlier one, and is refused where there are others.

    Raises:
        CheckpointError: whatever goes wrong, in one sentence.
    """
    api = HfApi(endpoint=address(endpoint), token=own(token))
    yield Step(0.1, f"Looking at {repository}…")
    present = _present_files(api, repository, private, known, kind)
    if present is None:
        yield Step(0.12, f"Making {repository}…")
        with in_one_sentence(repository):
            api.create_repo(repository, private=private, exist_ok=True, repo_type=kind)
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    files = [Sent(name, folder / name) for name in names]
    with in_one_sentence(repository):
        for progress in uploading(api, repository, files, kind):
            share = progress.done / max(1, progress.total)
            yield Step(0.15 + 0.75 * share, f"Uploading: {progress.text}…")
    yield Step(0.95, "Making it one commit…")
    left_over = sorted((present or set()) - set(names) - {".gitattributes"})
    with in_one_sentence(repository):
        answer = api.create_commit(
            repository,
            operations=[*files, *(CommitOperationDelete(name) for name in left_over)],
            commit_message=message,
            repo_type=kind,
        )
    page = f"{api.endpoint}/{'datasets/' if kind == 'dataset' else ''}{repository}"
    return PushResult(repository, page, str(answer.oid))


def _present_files(
    api: HfApi, repository: str, private: bool, known: Sequence[str], kind: Kind
) -> set[str] | None:
    """Files of the repository; None where there is none yet.

    Raises:
        CheckpointError: when a push would mix two things, or show what was meant to be private.
    """
    with in_one_sentence(repository):
        try:
            info = api.repo_info(repository, repo_type=kind, timeout=TIMEOUT_SECONDS)
        except RepositoryNotFoundError:
            return None
    present = {file.rfilename for file in getattr(info, "siblings", None) or ()}
    foreign = {name for name in present - {".gitattributes"} if not _is_known(name, known)}
    if foreign:
        raise CheckpointError(
            f"{repository} already holds other files ({min(foreign)[:60]}); choose another name."
        )
    if private and not info.private:
        raise CheckpointError(f"{repository} exists and is public; choose another name, or choose public.")
    return present


def _is_known(name: str, known: Sequence[str]) -> bool:
    suffixes = tuple(pattern[1:] for pattern in known if pattern.startswith("*"))
    return name in known or bool(suffixes and "/" not in name and name.endswith(suffixes))
