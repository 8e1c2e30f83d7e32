"""Pulling with the real huggingface_hub client from the loopback Hub: what is taken, found and refused."""

from __future__ import annotations

import itertools
import json
import os
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save as to_bytes

from checkpoints import hub, hub_pull, store
from checkpoints.errors import CheckpointError
from tests.checkpoints.hub_helpers import ALICE, Files, requests_with
from tests.hub_server import HubServer

pytestmark = pytest.mark.usefixtures("no_waits")


def test_pulling_the_same_commit_again_downloads_nothing(
    hub_server: HubServer, repository_files: Files
) -> None:
    hub_server.add("alice/cats", repository_files)
    hub.pull("alice/cats")
    hub_server.requests.clear()
    hub.pull("https://huggingface.co/alice/cats/tree/main")
    assert hub_server.requests == ["GET /api/models/alice/cats"]


def test_only_known_files_are_downloaded(hub_server: HubServer, repository_files: Files) -> None:
    more = {
        "evil.py": b"raise SystemExit",
        "big.bin": b"\0" * 1000,
        "sub/config.json": b"{}",
        "source.json": b"{}",
    }
    hub_server.add("alice/cats", {**repository_files, **more})
    pulled = hub.pull("alice/cats")
    assert {path.name for path in pulled.folder.iterdir()} <= {*hub.FILES, "source.json"}
    assert pulled.document("source.json")["repository"] == "alice/cats"
    assert not any(requests_with(hub_server, name) for name in ("evil.py", "big.bin", "sub/", "source.json"))


def test_the_commit_is_pinned(hub_server: HubServer, repository_files: Files) -> None:
    commit = hub_server.add("alice/cats", repository_files)
    hub.pull("alice/cats", revision="main")
    downloads = requests_with(hub_server, "/resolve/")
    assert downloads
    assert all(f"/resolve/{commit}/" in line for line in downloads)


def test_the_library_makes_room_by_age(
    hub_server: HubServer, repository_files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = sum(len(data) for name, data in repository_files.items() if name in hub.FILES)
    monkeypatch.setattr(hub_pull, "LARGEST_LIBRARY", int(2.5 * size))
    for age, name in ((3, "a"), (2, "b"), (1, "c")):
        hub_server.add(f"alice/{name}", repository_files)
        folder = hub.pull(f"alice/{name}").folder
        os.utime(folder, (10**9 - age, 10**9 - age))
    assert store.local_references() == ["pulled/alice/b", "pulled/alice/c", f"runs/{99:032x}"]


def test_find_anywhere_pulls_once(hub_server: HubServer, repository_files: Files) -> None:
    hub_server.add("alice/cats", repository_files)
    assert store.find_anywhere("alice/cats").reference == "pulled/alice/cats"
    hub_server.requests.clear()
    assert store.find_anywhere("alice/cats").reference == "pulled/alice/cats"
    assert hub_server.requests == []


def test_what_is_not_there(hub_server: HubServer, repository_files: Files) -> None:
    hub_server.add("alice/cats", repository_files)
    with pytest.raises(CheckpointError, match="There is no alice/dogs on the Hub"):
        hub.pull("alice/dogs", token=ALICE)
    with pytest.raises(CheckpointError, match="no branch, tag or commit 'v2'"):
        hub.pull("alice/cats", revision="v2")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "cats",
        "a/b/c",
        "../x",
        "a/..",
        "a b/c",
        "a/b--c",
        "a/b.git",
        "https://example.com/a/b",
        "a/b\n/c",
        "/",
    ],
)
def test_names_that_are_none(hub_server: HubServer, name: str) -> None:
    with pytest.raises(CheckpointError, match="owner/name"):
        hub.pull(name)
    assert hub_server.requests == []


@pytest.mark.parametrize(
    "text",
    ["alice/cats", " alice/cats ", "https://huggingface.co/alice/cats", "huggingface.co/alice/cats/",
     "hf.co/alice/cats", "https://huggingface.co/alice/cats/tree/main", "https://huggingface.co/alice/cats/blob/main/config.json",
     "https://huggingface.co/alice/cats?library=x#top"],
)  # fmt: skip
def test_names_and_links_of_one_repository(text: str) -> None:
    assert hub.parse_repository(text) == "alice/cats"


def broken(files: Files, **changes: bytes | None) -> Files:
    named = {name.replace("__", "."): data for name, data in changes.items()}
    return {name: data for name, data in {**files, **named}.items() if data is not None}


def test_repositories_that_cannot_be_opened(
    hub_server: HubServer, repository_files: Files, home: Path
) -> None:
    config = json.loads(repository_files["config.json"])
    not_a_number = to_bytes({"weight": torch.full((2,), float("nan"))})
    cases: list[tuple[str, Files]] = [
        ("pickle in disguise", broken(repository_files, generator__safetensors=pickle.dumps([1.0]))),
        ("holds pickles", {"pytorch_model.bin": pickle.dumps([1.0]), "config.json": b"{}"}),
        ("no DCGAN", broken(repository_files, config__json=None)),
        ("not made with Latent Atelier", broken(repository_files, generator__safetensors=None)),
        ("another format", broken(repository_files, config__json=b"{}")),
        ("not valid JSON", broken(repository_files, config__json=b"{")),
        ("no numbers", broken(repository_files, generator__safetensors=not_a_number)),
        ("no numbers", broken(repository_files, training__safetensors=not_a_number)),
        ("not a safetensors", broken(repository_files, directions__safetensors=b"nothing here")),
        (
            "not a GAN",
            broken(repository_files, config__json=json.dumps({**config, "kind": "encoder"}).encode()),
        ),
    ]
    for number, (says, files) in enumerate(cases):
        hub_server.add(f"alice/case-{number}", files)
        with pytest.raises(CheckpointError, match=says):
            hub.pull(f"alice/case-{number}")
    assert list((home / "pulled").rglob("*")) in ([], [home / "pulled" / "alice"])
    assert [path for path in (home / "downloads").rglob("*") if not path.name.endswith(".lock")] == []


def test_a_broken_update_leaves_the_old_copy(hub_server: HubServer, repository_files: Files) -> None:
    commit = hub_server.add("alice/cats", repository_files)
    hub.pull("alice/cats")
    hub_server.add("alice/cats", broken(repository_files, generator__safetensors=b"nothing here"))
    with pytest.raises(CheckpointError):
        hub.pull("alice/cats")
    assert store.find("pulled/alice/cats").document("source.json")["commit"] == commit


def test_a_preview_that_is_no_picture_is_left_out(hub_server: HubServer, repository_files: Files) -> None:
    hub_server.add("alice/cats", broken(repository_files, preview__png=b"<svg onload=alert(1)>"))
    assert not hub.pull("alice/cats").has("preview.png")


def test_too_large_is_refused_before_the_download(hub_server: HubServer, repository_files: Files) -> None:
    hub_server.add("alice/cats", repository_files, claimed_sizes={"training.safetensors": 400_000_000})
    with pytest.raises(CheckpointError, match="has 400 MB; at most 300 MB"):
        hub.pull("alice/cats")
    assert requests_with(hub_server, "/resolve/") == []


def test_a_link_may_name_the_revision(hub_server: HubServer, repository_files: Files) -> None:
    first = hub_server.add("alice/cats", repository_files)
    hub_server.add("alice/cats", {**repository_files, "preview.png": b""})
    for link in ("tree", "commit"):
        pulled = hub.pull(f"https://huggingface.co/alice/cats/{link}/{first}")
        assert pulled.document("source.json")["commit"] == first
    assert hub.revision_in("https://huggingface.co/alice/cats/tree/refs%2Fpr%2F1") == "refs/pr/1"
    assert hub.revision_in("alice/tree") is None


def foreign_files() -> Files:
    torch.manual_seed(3)
    widths = (16, 32, 16, 8, 3)
    shapes = [(a, b, 4, 4) for a, b in itertools.pairwise(widths)]
    tensors = {f"main.{2 * i}.weight": torch.randn(shape) * 0.1 for i, shape in enumerate(shapes)}
    return {"model.safetensors": to_bytes(tensors), "README.md": b"---\nlicense: mit\n---\n", "x.py": b"x"}


def test_a_dcgan_that_others_made_is_converted(hub_server: HubServer) -> None:
    hub_server.add("bob/dcgan", foreign_files())
    pulled = hub.pull("bob/dcgan")
    assert pulled.config["network"]["architecture"] == "transposed"
    assert pulled.config["data"]["licence"] == "mit"
    assert pulled.document("source.json")["converted"] is True
    assert {path.name for path in pulled.folder.iterdir()} == {
        "config.json", "generator.safetensors", "preview.png", "source.json",
    }  # fmt: skip
    assert not requests_with(hub_server, "x.py")
    hub_server.requests.clear()
    hub.pull("bob/dcgan")
    assert len(hub_server.requests) == 1


def test_their_config_beside_their_generator_is_no_obstacle(hub_server: HubServer) -> None:
    files = foreign_files()
    files["generator.safetensors"] = files.pop("model.safetensors")
    hub_server.add("bob/dcgan", {**files, "config.json": b'{"image_size": 32, "nz": 16}'})
    assert hub.pull("bob/dcgan").document("source.json")["converted"] is True


def test_a_pickle_says_how_its_owner_can_convert_it(hub_server: HubServer, home: Path) -> None:
    hub_server.add("bob/old", {"generator.pth": pickle.dumps([1.0]), "README.md": b"# Hi"})
    with pytest.raises(CheckpointError, match=r"holds pickles \(generator.pth\).*save_file"):
        hub.pull("bob/old")
    assert not requests_with(hub_server, "/resolve/")
