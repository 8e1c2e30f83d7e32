"""A checkpoint from the Hub: looked at, downloaded, checked, converted where others made it, and kept."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import HfApi
from huggingface_hub.hf_api import ModelInfo
from PIL import Image, UnidentifiedImageError

from checkpoints import private, store
from checkpoints.conversion import PICKLES, candidates, check_networks, convert
from checkpoints.errors import CheckpointError
from checkpoints.folders import replacing
from checkpoints.hub_account import (
    TIMEOUT_SECONDS,
    Step,
    Token,
    address,
    last,
    own,
    parse_repository,
    revision_in,
    whoami,
)
from checkpoints.hub_download import Wanted, claimed, downloading, forget_abandoned
from checkpoints.hub_errors import GATED, UnreachableError, in_one_sentence
from checkpoints.store import Checkpoint

GENERATOR = "generator.safetensors"
TRAINING = ("training.safetensors", "training.json")
DISCRIMINATOR = "discriminator.safetensors"
DIRECTIONS = "directions.safetensors"
FAVOURITES = "favourites.json"
FILMS = ("film.gif", "film.webp", "film.mp4")
FILES = (
    store.CONFIG, GENERATOR, DISCRIMINATOR, *TRAINING, DIRECTIONS, FAVOURITES, *FILMS, "preview.png",
    "README.md",
)  # fmt: skip
SOURCE = "source.json"
LARGEST_REPOSITORY = 300_000_000
LARGEST_LIBRARY = 5_000_000_000
LARGEST_PREVIEW = 4096


@dataclass(frozen=True)
class Found:
    """What is worth downloading of a repository at one commit."""

    repository: str
    commit: str
    files: tuple[Wanted, ...]
    foreign: bool
    licence: str | None
    public: bool

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


def pull(
    repository: str, *, revision: str | None = None, token: Token = None, endpoint: str | None = None
) -> Checkpoint:
    """Download a checkpoint, check it and keep it as `pulled/<owner>/<name>`; an older copy is replaced.

    One that is private or gated is kept for its reader alone (see `checkpoints.private`).

    Args:
        repository: `owner/name` or a link, which may name a revision.
        revision: branch, tag or commit; the newest commit by default. What is downloaded is one commit.

    Raises:
        CheckpointError: whatever goes wrong, in one sentence.
    """
    return last(pulling(repository, revision=revision, token=token, endpoint=endpoint))


def pulling(
    repository: str, *, revision: str | None = None, token: Token = None, endpoint: str | None = None
) -> Generator[Step, None, Checkpoint]:
    """`pull`, telling what it does; the checkpoint is the generator's return value.

    Closing the generator stops the download; the next pull of the same commit goes on from there.
    """
    revision = (revision or "").strip() or revision_in(repository)
    repository, endpoint, token = parse_repository(repository), address(endpoint), own(token)
    yield Step(0.02, f"Asking the Hub for {repository}…")
    try:
        found = _look(repository, revision, token, endpoint)
    except UnreachableError:
        here = [each for each in _places(repository, token) if _is_pulled(each, revision)]
        if not here:
            raise
        yield Step(1.0, "The Hub cannot be reached; this is the copy from before.")
        return store.find(here[0])
    reference = _place(found, token, endpoint)
    if _is_pulled(reference, found.commit):
        if not found.public:
            os.utime(store.folder_of(reference))  # its time begins anew
        return store.find(reference)
    _make_room(found.size)
    downloads = store.home() / "downloads"
    forget_abandoned(downloads)
    # What has arrived of a private one is its reader's alone, too.
    folder = downloads / f"{reference.split('/', 1)[1].replace('/', '--')}--{found.commit}"
    with claimed(folder) as ours:
        if not ours:
            raise CheckpointError(f"{repository} is being downloaded already; try again in a minute.")
        yield Step(0.1, f"Downloading {found.size / 1e6:.1f} MB…")
        with in_one_sentence(repository, revision):
            for progress in downloading(
                repository, found.commit, found.files, folder, token=token, endpoint=endpoint
            ):
                share = progress.done / max(1, progress.total)
                yield Step(0.1 + 0.75 * share, f"Downloading: {progress.text}…")
        yield Step(0.9, "Checking every tensor…")
        try:
            _keep(found, folder, reference)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return store.find(reference)


def _place(found: Found, token: Token, endpoint: str) -> str:
    """The reference to keep it under. Raises CheckpointError where its reader must be known, and is not."""
    if found.public:
        return f"pulled/{found.repository}"
    if token is False:
        raise CheckpointError(GATED.format(what=found.repository))
    return private.reference_for(
        found.repository, private.THIS_MACHINE if token is None else whoami(token, endpoint)
    )


def _places(repository: str, token: Token) -> list[str]:
    """Where a copy may lie that this token's owner may open while the Hub cannot say so."""
    if token is False:  # a visitor without a login may not be who was allowed to read it then
        return []
    own_place = [private.reference_for(repository, private.THIS_MACHINE)] if token is None else []
    return [*own_place, f"pulled/{repository}"]


def _look(repository: str, revision: str | None, token: Token, endpoint: str) -> Found:
    """What the Hub says about a repository. Raises CheckpointError where there is nothing to get."""
    with in_one_sentence(repository, revision):
        api = HfApi(endpoint=endpoint, token=token)
        info = api.model_info(repository, revision=revision, files_metadata=True, timeout=TIMEOUT_SECONDS)
    siblings = {file.rfilename: file for file in info.siblings or ()}
    foreign = store.CONFIG not in siblings or GENERATOR not in siblings
    names = [name for name in FILES if name in siblings]
    if foreign:
        likely = candidates(list(siblings))
        if not likely:
            raise CheckpointError(_why_not(repository, list(siblings)))
        names = [*likely[:1], *(name for name in (store.CONFIG,) if name in siblings)]
    if not store.is_commit(info.sha):
        raise CheckpointError(f"The Hub does not tell which version of {repository} this is; try later.")
    files = tuple(Wanted.of(siblings[name]) for name in names)
    public = not (info.private or info.gated)
    found = Found(repository, str(info.sha), files, foreign, _licence(info), public)
    if found.size > LARGEST_REPOSITORY:
        limit = LARGEST_REPOSITORY // 10**6
        raise CheckpointError(
            f"{repository} has {found.size / 1e6:.0f} MB; at most {limit} MB are downloaded."
        )
    return found


def _licence(info: ModelInfo) -> str | None:
    card = info.card_data
    licence = card.get("license") if card is not None else None
    return licence[:60] if isinstance(licence, str) else None


def _why_not(repository: str, names: list[str]) -> str:
    """The sentence for a repository in which nothing can be opened."""
    pickles = [name for name in names if name.endswith(PICKLES)]
    if not pickles:
        return (
            f"{repository} was not made with Latent Atelier: it holds no {store.CONFIG} with a {GENERATOR}, "
            "nor another generator as safetensors or ONNX."
        )
    return (
        f"{repository} holds pickles ({pickles[0][:60]}), which could run code here; only safetensors are "
        "read. Its owner can convert it with safetensors.torch.save_file(generator.state_dict(), "
        f"'{GENERATOR}') and upload that file."
    )


def _keep(found: Found, folder: Path, reference: str) -> None:
    """Put what has arrived where pulled checkpoints are, after a look at every number and at its fit."""
    target = store.folder_of(reference)
    source = {"repository": found.repository, "commit": found.commit}
    ours = not found.foreign and _has_our_format(folder)
    with replacing(target) as fresh:
        if ours:
            for file in found.files:
                shutil.copyfile(folder / file.name, fresh / file.name)
        else:
            made = convert(folder, found.repository, found.licence)
            store.fill(fresh, made.config, made.tensors, made.documents)
        (fresh / SOURCE).write_text(json.dumps(source if ours else {**source, "converted": True}))
        check(fresh, reference)
        check_networks(store.read(fresh, reference))


def _has_our_format(folder: Path) -> bool:
    """False only where config.json is somebody else's: what is broken in ours has its own sentence."""
    try:
        config = json.loads((folder / store.CONFIG).read_bytes())
    except (ValueError, OSError, RecursionError):
        return True
    return not isinstance(config, dict) or "format" in config or not config


def _is_pulled(reference: str, commit: str | None) -> bool:
    """Whether this commit, or with None any, is here."""
    try:
        here = store.find(reference).document(SOURCE).get("commit")
    except CheckpointError:
        return False
    return commit is None or here == commit


def _make_room(incoming: int) -> None:
    """Delete the checkpoints that were pulled longest ago when the library would grow over its limit."""
    # A name that begins with a dot is somebody's download going on.
    found = [*(store.home() / "pulled").glob("*/[!.]*"), *private.folder().glob("[!.]*")]
    folders = [path for path in found if path.is_dir()]
    sizes = {path: sum(file.stat().st_size for file in path.iterdir()) for path in folders}
    total = sum(sizes.values()) + incoming
    for folder in sorted(folders, key=lambda path: path.stat().st_mtime):
        if total <= LARGEST_LIBRARY:
            break
        total -= sizes[folder]
        shutil.rmtree(folder, ignore_errors=True)


def check(folder: Path, reference: str) -> None:
    """Read everything once, so that what is kept can be opened. A preview that is no picture is left out.

    Raises:
        CheckpointError: on a file that is not what it claims to be.
    """
    checkpoint = store.read(folder, reference)
    if checkpoint.kind != "gan":
        raise CheckpointError(f"{checkpoint.title} is not a GAN, so there is nothing to explore in it.")
    for name in FILES:
        if checkpoint.has(name) and name.endswith(".safetensors"):
            checkpoint.tensors(name)
        elif checkpoint.has(name) and name.endswith(".json"):
            checkpoint.document(name)
    preview = folder / "preview.png"
    if preview.is_file() and not _is_picture(preview):
        preview.unlink()


def _is_picture(path: Path) -> bool:
    try:
        with Image.open(path, formats=["PNG"]) as picture:
            if max(picture.size) > LARGEST_PREVIEW:
                return False
            picture.load()
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError):
        return False
    return True
