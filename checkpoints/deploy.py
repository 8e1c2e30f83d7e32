"""Makes or updates a Space: the app as it stands in this folder, or a page of plain files (`gan export`).

Only what runs is sent: no tests, no pictures of the documentation, nothing hidden. It is one commit, so a
Space is never half old and half new.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError
from huggingface_hub.hf_api import SpaceInfo

from checkpoints import hub
from checkpoints.errors import CheckpointError
from checkpoints.hub_errors import in_one_sentence

ROOT = Path(__file__).resolve().parent.parent
DATA = "data"
NOT_RUN = ("tests",)
FILES = ("README.md", "LICENSE", "requirements.txt")
LEFT_OUT = ("__pycache__",)
LEFT_OUT_SUFFIXES = (".pyc", ".pyi")
# What a Space has that its owner has just made on the Hub's page.
OF_THE_HUB = {".gitattributes", "README.md", ".gitignore"}
COLOURS = ("red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray")
LONGEST_DESCRIPTION = 60
PAYMENT_REQUIRED = 402
CPU_INDEX = "--extra-index-url https://download.pytorch.org/whl/cpu"
# The newest that ZeroGPU knows, after the Hub's documentation of August 2026.
ZERO_TORCH = "torch>=2.8,<2.12"

Sdk = Literal["gradio", "static"]


@dataclass(frozen=True)
class Deployed:
    """Where a Space is now."""

    repository: str
    url: str
    commit: str


def app_files(hardware: str | None = None, root: Path = ROOT) -> dict[str, bytes]:
    """What a Gradio Space of this program holds, by path.

    Args:
        hardware: where it will run. Without a GPU the CPU build of PyTorch is named, which is several GB
            smaller; for ZeroGPU a release that it knows.

    Raises:
        CheckpointError: when the front matter of README.md would not start the Space.
    """
    paths = [*root.glob("*.py"), *(root / name for name in FILES)]
    packages = [path.parent for path in root.glob("*/__init__.py") if path.parent.name not in NOT_RUN]
    paths += [path for folder in (*packages, root / DATA) for path in folder.rglob("*")]
    files = {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(paths)
        if path.is_file() and _is_wanted(path.relative_to(root))
    }
    missing = [name for name in ("app.py", *FILES) if name not in files]
    if missing:
        raise CheckpointError(f"{missing[0]} is missing here; run this in a complete copy of the program.")
    requirements = files["requirements.txt"].decode()
    check_front_matter(files["README.md"].decode(), files, requirements)
    files["README.md"] = _without_pictures(files["README.md"].decode()).encode()
    files["requirements.txt"] = requirements_for(requirements, hardware).encode()
    return files


def _is_wanted(path: Path) -> bool:
    hidden = any(part.startswith(".") or part in LEFT_OUT for part in path.parts)
    return not hidden and path.suffix not in LEFT_OUT_SUFFIXES


def _without_pictures(text: str) -> str:
    """The pictures of the documentation stay behind, so nothing may show them."""
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("![")) or text


def requirements_for(text: str, hardware: str | None) -> str:
    """`requirements.txt` for this hardware; see `app_files`."""
    if hardware is None or hardware.startswith("cpu"):
        return f"{CPU_INDEX}\n{text}"
    if hardware.startswith("zero"):
        return re.sub(r"^torch[><=~!].*$", ZERO_TORCH, text, flags=re.MULTILINE)
    return text


def check_front_matter(text: str, files: Mapping[str, Any], requirements: str) -> dict[str, Any]:
    """The metadata at the top of README.md, after a look at all that keeps a Space from starting.

    Raises:
        CheckpointError: naming the first thing that is wrong.
    """
    found = re.match(r"---\n(.*?)\n---\n", text, re.DOTALL)
    try:
        metadata = yaml.safe_load(found[1]) if found else None
    except yaml.YAMLError:
        metadata = None
    if not isinstance(metadata, dict):
        raise CheckpointError("README.md does not begin with metadata between two lines of ---.")
    for key in ("title", "sdk", "sdk_version", "app_file", "license"):
        if not metadata.get(key):
            raise CheckpointError(f"The metadata of README.md lacks {key}.")
    if metadata["sdk"] != "gradio" or metadata["app_file"] not in files:
        raise CheckpointError("The metadata of README.md must say sdk: gradio and name a file as app_file.")
    if f"=={metadata['sdk_version']}" not in requirements:
        raise CheckpointError("The sdk_version of README.md is another Gradio than requirements.txt has.")
    if not {metadata.get("colorFrom"), metadata.get("colorTo")} <= {None, *COLOURS}:
        raise CheckpointError(f"colorFrom and colorTo of README.md are among {', '.join(COLOURS)}.")
    if len(str(metadata.get("short_description", ""))) > LONGEST_DESCRIPTION:
        raise CheckpointError(f"short_description of README.md has at most {LONGEST_DESCRIPTION} characters.")
    return metadata


def page_files(folder: Path) -> dict[str, bytes]:
    """What a static Space of an exported page holds (see `gan.static_page.write_page`)."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


def hardware_of(repository: str, token: hub.Token = None, endpoint: str | None = None) -> str | None:
    """What a Space that is there runs on, or was asked to run on next; None where nobody knows yet.

    Raises:
        CheckpointError: as `deploying`.
    """
    api, repository = HfApi(endpoint=endpoint, token=token), _full_name(repository, token, endpoint)
    info = _space(api, repository)
    runtime = info.runtime if info else None
    return (runtime.requested_hardware or runtime.hardware) if runtime else None


def _full_name(repository: str, token: hub.Token, endpoint: str | None) -> str:
    """`owner/name` of a Space from that, a bare name or its link."""
    name = re.sub(r"^(https?://[^/]+/)?spaces/", "", repository.strip())
    return hub.parse_repository(name, hub.whoami(token, endpoint))


def _space(api: HfApi, repository: str) -> SpaceInfo | None:
    with in_one_sentence(repository):
        try:
            return api.space_info(repository, timeout=hub.TIMEOUT_SECONDS)
        except RepositoryNotFoundError:
            return None


def deploying(
    files: Mapping[str, bytes],
    repository: str,
    sdk: Sdk,
    *,
    private: bool = True,
    hardware: str | None = None,
    token: hub.Token = None,
    endpoint: str | None = None,
) -> Generator[hub.Step, None, Deployed]:
    """Make the Space, or bring it up to date, in one commit; tells what it does.

    Args:
        files: everything that the Space is to hold; what else is there of an older version is deleted.
        repository: `owner/name`, or a name among the token's owner's Spaces.
        hardware: what a new Space asks for, such as `zero-a10g`; the Hub's default where it is None.

    Raises:
        CheckpointError: whatever goes wrong, in one sentence; also when the Space holds something else, or is
            public although it should be private.
    """
    yield hub.Step(0.05, "Signing in…")
    repository = _full_name(repository, token, endpoint)
    api = HfApi(endpoint=endpoint, token=token)
    yield hub.Step(0.15, f"Looking at {repository}…")
    present = _present_files(api, repository, private, files)
    if present is None:
        yield hub.Step(0.2, f"Making the Space {repository}…")
        _create(api, repository, sdk, private, hardware)
    total = sum(map(len, files.values()))
    yield hub.Step(0.3, f"Uploading {len(files)} files, {total / 1e6:.1f} MB; unchanged ones are not sent…")
    left_over = sorted((present or set()) - set(files) - {".gitattributes"})
    with in_one_sentence(repository):
        answer = api.create_commit(
            repository,
            operations=[
                *(CommitOperationAdd(name, content) for name, content in files.items()),
                *(CommitOperationDelete(name) for name in left_over),
            ],
            commit_message="Latent Atelier",
            repo_type="space",
        )
    yield hub.Step(1.0, "It is there; the Hub builds it now, which takes some minutes.")
    return Deployed(repository, f"{api.endpoint}/spaces/{repository}", str(answer.oid))


def _present_files(api: HfApi, repository: str, private: bool, files: Mapping[str, bytes]) -> set[str] | None:
    """Files of the Space; None where there is none yet."""
    info = _space(api, repository)
    if info is None:
        return None
    present = {file.rfilename for file in info.siblings or ()}
    ours = present & set(files)
    if present - OF_THE_HUB and 2 * len(ours) < len(present):
        raise CheckpointError(f"{repository} already holds something else; choose another name.")
    if private and not info.private:
        raise CheckpointError(f"{repository} exists and is public; choose another name, or say --public.")
    return present


def _create(api: HfApi, repository: str, sdk: Sdk, private: bool, hardware: str | None) -> None:
    options: dict[str, Any] = {} if hardware is None else {"space_hardware": hardware}
    with in_one_sentence(repository):
        try:
            api.create_repo(repository, repo_type="space", space_sdk=sdk, private=private, **options)
        except HfHubHTTPError as error:
            if error.response.status_code != PAYMENT_REQUIRED:
                raise
            needs_plan = True
        else:
            needs_plan = False
    if needs_plan:
        raise CheckpointError(
            "The Hub wants a paid plan for this Space. Free are ZeroGPU (--hardware zero-a10g) and the "
            "static page (python -m gan export NAME FOLDER --space REPO)."
        )
