"""Checkpoints to and from the Hugging Face Hub, with the token of whoever asks and nobody else's.

A token is a text (the visitor's own), None (the login of this machine: `hf auth login` or HF_TOKEN) or False
(nobody's). On a Space the machine's login belongs to the Space's owner, so there None means False.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, constants, snapshot_download
from huggingface_hub.errors import RepositoryNotFoundError
from huggingface_hub.hf_api import ModelInfo
from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status
from PIL import Image, UnidentifiedImageError

from checkpoints import store
from checkpoints.card import model_card
from checkpoints.errors import CheckpointError
from checkpoints.folders import replacing
from checkpoints.hub_errors import in_one_sentence
from checkpoints.store import Checkpoint

GENERATOR = "generator.safetensors"
TRAINING = ("training.safetensors", "training.json")
DISCRIMINATOR = "discriminator.safetensors"
FILES = (
    store.CONFIG, GENERATOR, DISCRIMINATOR, *TRAINING, "directions.safetensors", "preview.png", "README.md",
)  # fmt: skip
PICKLES = (".pt", ".pth", ".bin", ".pkl", ".pickle", ".ckpt")
LARGEST_REPOSITORY = 300_000_000
LARGEST_LIBRARY = 5_000_000_000
LARGEST_PREVIEW = 4096
TIMEOUT_SECONDS = 10.0

Token = str | Literal[False] | None
Result = TypeVar("Result")

_NAME = r"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?"
_LINK = re.compile(r"(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co)/(?:models/)?")
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Step:
    """What a pull or push is doing: share of the way, 0..1, and a sentence about it."""

    share: float
    text: str


@dataclass(frozen=True)
class PushResult:
    """Where a pushed checkpoint is now."""

    repository: str
    url: str
    commit: str


def parse_repository(text: str, owner: str | None = None) -> str:
    """`owner/name` from what someone typed: that, its page's link, or a bare name for `owner`.

    Raises:
        CheckpointError: when it cannot be the name of a repository.
    """
    name = _LINK.sub("", str(text).strip(), count=1).split("?")[0].split("#")[0].strip("/")
    parts = name.split("/")
    if len(parts) > 2 and parts[2] in ("tree", "blob", "resolve"):
        parts = parts[:2]
    if len(parts) == 1 and owner:
        parts = [owner, *parts]
    valid = len(parts) == 2 and all(re.fullmatch(_NAME, part) for part in parts)
    if not valid or ".." in name or "--" in name or name.endswith(".git"):
        raise CheckpointError('A repository is named "owner/name", such as "alice/cats"; please check it.')
    return "/".join(parts)


def pull(
    repository: str, *, revision: str | None = None, token: Token = None, endpoint: str | None = None
) -> Checkpoint:
    """Download a checkpoint, check it and keep it as `pulled/<owner>/<name>`; an older copy is replaced.

    Args:
        revision: branch, tag or commit; the newest commit by default. What is downloaded is one commit.

    Raises:
        CheckpointError: whatever goes wrong, in one sentence.
    """
    return _last(pulling(repository, revision=revision, token=token, endpoint=endpoint))


def pulling(
    repository: str, *, revision: str | None = None, token: Token = None, endpoint: str | None = None
) -> Generator[Step, None, Checkpoint]:
    """`pull`, telling what it does; the checkpoint is the generator's return value."""
    repository = parse_repository(repository)
    revision, endpoint, token = (revision or "").strip() or None, _endpoint(endpoint), _own(token)
    yield Step(0.05, f"Asking the Hub for {repository}…")
    with in_one_sentence(repository, revision):
        api = HfApi(endpoint=endpoint, token=token)
        info = api.model_info(repository, revision=revision, files_metadata=True, timeout=TIMEOUT_SECONDS)
    sizes, commit = _wanted_files(repository, info), str(info.sha)
    if _is_pulled(repository, commit):
        return store.find(f"pulled/{repository}")
    total = sum(sizes.values())
    yield Step(0.2, f"Downloading {total / 1e6:.1f} MB…")
    _make_room(total)
    with replacing(store.home() / "pulled" / repository) as fresh:
        with in_one_sentence(repository, revision):
            snapshot_download(
                repository,
                revision=commit,
                allow_patterns=list(sizes),
                local_dir=fresh,
                cache_dir=fresh / ".cache",  # else the client may answer with an older download of its own
                token=token,
                endpoint=endpoint,
                max_workers=4,
            )
        yield Step(0.8, "Checking every tensor…")
        shutil.rmtree(fresh / ".cache", ignore_errors=True)
        (fresh / "source.json").write_text(json.dumps({"repository": repository, "commit": commit}))
        _check(fresh, f"pulled/{repository}")
    return store.find(f"pulled/{repository}")


def _last(steps: Generator[Any, None, Result]) -> Result:
    """A generator's return value."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: Result = end.value
            return result


def _own(token: Token) -> Token:
    """The token to use: cleaned, and never the login of a Space's owner."""
    if token is None or token == "":
        return False if os.getenv("SPACE_ID") or os.getenv("SYSTEM") == "spaces" else None
    if token is not False and not re.fullmatch(r"[\x21-\x7e]{1,2000}", token.strip()):
        raise CheckpointError("This is not a token; copy it again from huggingface.co/settings/tokens.")
    return token.strip() if token else False


def _endpoint(endpoint: str | None) -> str | None:
    return endpoint or os.getenv("HF_ENDPOINT") or None


# For those who fetch other things than checkpoints by the same rules.
own_token, endpoint_of = _own, _endpoint


def _wanted_files(repository: str, info: ModelInfo) -> dict[str, int]:
    """Sizes of the files to download, by name; nothing else of the repository is looked at."""
    found = {file.rfilename: file.size for file in info.siblings or ()}
    sizes = {name: found[name] for name in FILES if name in found}
    if store.CONFIG not in sizes or GENERATOR not in sizes:
        if any(name.endswith(PICKLES) for name in found):
            raise CheckpointError(
                f"{repository} holds pickles, which could run code here; only safetensors are read."
            )
        raise CheckpointError(
            f"{repository} was not made with Latent Atelier: it holds no {store.CONFIG} with a {GENERATOR}."
        )
    if not _COMMIT.fullmatch(str(info.sha)) or not all(isinstance(size, int) for size in sizes.values()):
        raise CheckpointError(f"The Hub does not tell how large {repository} is; try again later.")
    known = {name: int(size or 0) for name, size in sizes.items()}
    if sum(known.values()) > LARGEST_REPOSITORY:
        megabytes = sum(known.values()) / 1e6
        limit = LARGEST_REPOSITORY // 10**6
        raise CheckpointError(f"{repository} has {megabytes:.0f} MB; at most {limit} MB are downloaded.")
    return known


def _is_pulled(repository: str, commit: str) -> bool:
    try:
        return store.find(f"pulled/{repository}").document("source.json").get("commit") == commit
    except CheckpointError:
        return False


def _make_room(incoming: int) -> None:
    """Delete the checkpoints that were pulled longest ago when the library would grow over its limit."""
    # A name that begins with a dot is somebody's download going on.
    folders = [path for path in (store.home() / "pulled").glob("*/[!.]*") if path.is_dir()]
    sizes = {path: sum(file.stat().st_size for file in path.iterdir()) for path in folders}
    total = sum(sizes.values()) + incoming
    for folder in sorted(folders, key=lambda path: path.stat().st_mtime):
        if total <= LARGEST_LIBRARY:
            break
        total -= sizes[folder]
        shutil.rmtree(folder, ignore_errors=True)


def _check(folder: Path, reference: str) -> None:
    """Read everything once, so that what is kept can be opened. A preview that is no picture is left out."""
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


def whoami(token: Token = None, endpoint: str | None = None) -> str:
    """The user name that a token belongs to.

    Raises:
        CheckpointError: when there is no token, the Hub does not accept it or cannot be reached.
    """
    token = _own(token)
    if token is False:
        raise CheckpointError("Please sign in to the Hugging Face Hub first.")
    with in_one_sentence("your account"):
        # HfApi.whoami waits for ever where the network swallows packets.
        url = f"{_endpoint(endpoint) or constants.ENDPOINT}/api/whoami-v2"
        headers = build_hf_headers(token=token or True)
        answer = get_session().get(url, headers=headers, timeout=TIMEOUT_SECONDS)
        hf_raise_for_status(answer)
        return str(answer.json()["name"])


def full_name(repository: str, token: Token = None, endpoint: str | None = None) -> str:
    """`owner/name` for a push: a bare name is put under the token's own account.

    Raises:
        CheckpointError: when it cannot be a repository's name, and as `whoami` where the account is needed.
    """
    if "/" in repository.strip():
        return parse_repository(repository)
    parse_repository(repository, "someone")
    return parse_repository(repository, whoami(token, endpoint))


def files_to_push(checkpoint: Checkpoint, include_training: bool = False) -> list[str]:
    """Names of the files that a push uploads, the card first."""
    left_out = () if include_training else TRAINING
    names = [name for name in FILES if checkpoint.has(name) and name not in left_out]
    return ["README.md", *(name for name in names if name != "README.md")]


def preview_push(
    checkpoint: Checkpoint, repository: str, include_training: bool = False
) -> tuple[str, list[tuple[str, int]]]:
    """What a push would publish, without asking the Hub: the model card and (file, bytes), the card first."""
    card = model_card(checkpoint, repository, include_training)
    sizes = [
        (name, len(card.encode()) if name == "README.md" else checkpoint.path(name).stat().st_size)
        for name in files_to_push(checkpoint, include_training)
    ]
    return card, sizes


def push(
    checkpoint: Checkpoint,
    repository: str,
    *,
    token: Token = None,
    private: bool = True,
    endpoint: str | None = None,
    include_training: bool = False,
) -> PushResult:
    """Upload a checkpoint with its model card as one commit; the repository is made where it is missing.

    Args:
        repository: `owner/name`, or a name among the token's owner's repositories.
        include_training: also the state that lets others go on with the training.

    Raises:
        CheckpointError: whatever goes wrong, in one sentence; also when the repository holds something else,
            or is public although `private` was asked for.
    """
    return _last(
        pushing(
            checkpoint,
            repository,
            token=token,
            private=private,
            endpoint=endpoint,
            include_training=include_training,
        )
    )


def pushing(
    checkpoint: Checkpoint,
    repository: str,
    *,
    token: Token = None,
    private: bool = True,
    endpoint: str | None = None,
    include_training: bool = False,
) -> Generator[Step, None, PushResult]:
    """`push`, telling what it does; the result is the generator's return value."""
    yield Step(0.05, "Signing in…")
    owner = whoami(token, endpoint)
    repository = parse_repository(repository, owner)
    api = HfApi(endpoint=_endpoint(endpoint), token=_own(token))
    with tempfile.TemporaryDirectory() as staging:
        yield Step(0.15, "Checking every tensor…")
        staged = _stage(checkpoint, repository, Path(staging), include_training)
        present = _present_files(api, repository, private)
        yield Step(0.3, f"Preparing {repository}…")
        if present is None:
            with in_one_sentence(repository):
                api.create_repo(repository, private=private, exist_ok=True)
        total = sum(path.stat().st_size for path in staged.folder.iterdir())
        yield Step(0.4, f"Uploading {total / 1e6:.1f} MB…")
        commit = _commit(api, repository, staged, present or set())
    return PushResult(repository, f"{api.endpoint}/{repository}", commit)


def _stage(checkpoint: Checkpoint, repository: str, folder: Path, include_training: bool) -> Checkpoint:
    """A checked copy of what is pushed: a training run may replace its checkpoint at any moment."""
    for name in files_to_push(checkpoint, include_training):
        if name != "README.md":
            shutil.copyfile(checkpoint.path(name), folder / name)
    staged = store.read(folder, checkpoint.reference)
    _check(folder, checkpoint.reference)
    (folder / "README.md").write_text(model_card(staged, repository, include_training), encoding="utf-8")
    return staged


def _present_files(api: HfApi, repository: str, private: bool) -> set[str] | None:
    """Files of the repository; None where there is none yet.

    Raises:
        CheckpointError: when a push would mix two things, or show what was meant to be private.
    """
    with in_one_sentence(repository):
        try:
            info = api.model_info(repository, timeout=TIMEOUT_SECONDS)
        except RepositoryNotFoundError:
            return None
    present = {file.rfilename for file in info.siblings or ()}
    foreign = present - {*FILES, ".gitattributes"}
    if foreign:
        raise CheckpointError(
            f"{repository} already holds other files ({min(foreign)[:60]}); choose another name."
        )
    if private and not info.private:
        raise CheckpointError(f"{repository} exists and is public; choose another name, or choose public.")
    return present


def _commit(api: HfApi, repository: str, staged: Checkpoint, present: set[str]) -> str:
    """Upload the staged files and delete what an earlier push left; returns the commit's hash."""
    names = sorted(path.name for path in staged.folder.iterdir())
    left_over = present & set(FILES) - set(names)
    with in_one_sentence(repository):
        answer = api.create_commit(
            repository,
            operations=[
                *(CommitOperationAdd(name, staged.folder / name) for name in names),
                *(CommitOperationDelete(name) for name in sorted(left_over)),
            ],
            commit_message=f"{staged.title} from Latent Atelier",
        )
    return str(answer.oid)
