"""The real huggingface_hub client against the loopback Hub: round trips, and the ways in which they fail."""

from __future__ import annotations

import itertools
import json
import logging
import os
import pickle
import socket
from pathlib import Path
from typing import Any

import httpx2
import pytest
import torch
from huggingface_hub import errors
from safetensors.torch import save as to_bytes

from checkpoints import hub, hub_download, hub_pull, store
from checkpoints.errors import CheckpointError
from checkpoints.hub_errors import sentence
from tests.checkpoints.conftest import Make
from tests.hub_server import HubServer

ALICE, BOB = "hf_alice", "hf_bob"
TRAINING = hub.Parts(training=True)
Files = dict[str, bytes]


def requests_with(server: HubServer, text: str) -> list[str]:
    return [line for line in server.requests if text in line]


@pytest.mark.parametrize("size", [4, 1200])
def test_push_then_pull_is_bit_equal(hub_server: HubServer, make: Make, size: int) -> None:
    original = make(size=size)
    result = hub.push(original, "alice/small-cats", token=ALICE, parts=TRAINING)
    assert result.repository == "alice/small-cats"
    assert result.url == f"{hub_server.url}/alice/small-cats"
    assert len(result.commit) == 40
    assert hub_server.repositories["alice/small-cats"].private

    pulled = hub.pull("alice/small-cats", token=ALICE)
    assert pulled.reference == "pulled/alice/small-cats"
    assert pulled.config == original.config
    assert pulled.document("source.json") == {"repository": "alice/small-cats", "commit": result.commit}
    for name in ("generator.safetensors", "training.safetensors", "training.json", "preview.png"):
        assert (pulled.folder / name).read_bytes() == (original.folder / name).read_bytes()
    for name, value in original.tensors().items():
        assert torch.equal(pulled.tensors()[name], value)
    assert {path.name for path in pulled.folder.iterdir()} == {
        "config.json", "generator.safetensors", "discriminator.safetensors", "training.safetensors",
        "training.json", "preview.png", "README.md", "source.json",
    }  # fmt: skip
    assert [path.name for path in pulled.folder.parent.iterdir()] == ["small-cats"]


def test_the_card_and_files_are_those_that_were_shown(hub_server: HubServer, make: Make) -> None:
    checkpoint = make()
    card, files = hub.preview_push(checkpoint, "alice/small-cats")
    assert hub_server.requests == []
    assert files[0][0] == "README.md"
    assert not {"training.safetensors", "training.json"} & {name for name, _ in files}
    hub.push(checkpoint, "alice/small-cats", token=ALICE)
    sent = hub_server.files("alice/small-cats")
    del sent[".gitattributes"]
    assert sent["README.md"].decode() == card
    assert {name: len(data) for name, data in sent.items()} == dict(files)


def test_a_bare_name_is_the_tokens_own(hub_server: HubServer, make: Make) -> None:
    assert hub.push(make(), "small-cats", token=BOB, private=False).repository == "bob/small-cats"
    assert not hub_server.repositories["bob/small-cats"].private
    assert hub.full_name("small-cats", ALICE) == "alice/small-cats"
    assert hub.whoami(ALICE) == "alice"


def test_pushing_again_replaces_and_removes_what_is_left_over(hub_server: HubServer, make: Make) -> None:
    first = hub.push(make(1), "cats", token=ALICE, parts=TRAINING)
    second = hub.push(make(2, training=False), "cats", token=ALICE)
    assert first.commit != second.commit
    assert "training.safetensors" not in hub_server.files("alice/cats")
    pulled = hub.pull("alice/cats", token=ALICE)
    assert torch.equal(pulled.tensors()["weight"], make(2).tensors()["weight"])
    assert hub.pull("alice/cats", token=ALICE, revision=first.commit).has("training.json")


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


# Who may do what


def test_private_repositories_need_their_owners_token(hub_server: HubServer, repository_files: Files) -> None:
    hub_server.add("alice/secret", repository_files, private=True)
    for token in (False, BOB):
        with pytest.raises(CheckpointError, match="There is no alice/secret on the Hub, or it is private"):
            hub.pull("alice/secret", token=token)
    assert hub.pull("alice/secret", token=ALICE).reference == "pulled/alice/secret"


def test_gated_repositories_say_so(hub_server: HubServer, repository_files: Files, home: Path) -> None:
    hub_server.add("alice/gated", repository_files, gated=True)
    with pytest.raises(CheckpointError, match="gated: ask for access"):
        hub.pull("alice/gated", token=BOB)
    assert not (home / "pulled" / "alice" / "gated").exists()


def test_nobody_writes_to_others_repositories(
    hub_server: HubServer, make: Make, repository_files: Files
) -> None:
    hub_server.add("alice/cats", repository_files)
    with pytest.raises(CheckpointError, match="may not write to alice/cats"):
        hub.push(make(), "alice/cats", token=BOB, private=False)
    with pytest.raises(CheckpointError, match="may not write to alice/new"):
        hub.push(make(), "alice/new", token=BOB)
    assert hub_server.files("alice/cats") == repository_files


def test_without_a_token_nothing_is_pushed(hub_server: HubServer, make: Make) -> None:
    for token in (None, False, ""):
        with pytest.raises(CheckpointError, match="sign in"):
            hub.push(make(), "alice/cats", token=token)  # type: ignore[arg-type]
    assert hub_server.repositories == {}


def test_locally_the_machines_own_login_is_used(
    hub_server: HubServer, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", ALICE)
    assert hub.push(make(), "cats").repository == "alice/cats"
    assert hub.pull("alice/cats").reference == "pulled/alice/cats"


@pytest.mark.parametrize("variable", [{"SPACE_ID": "owner/space"}, {"SYSTEM": "spaces"}])
def test_on_a_space_the_owners_token_is_never_used(
    hub_server: HubServer, make: Make, monkeypatch: pytest.MonkeyPatch, variable: dict[str, str]
) -> None:
    monkeypatch.setenv("HF_TOKEN", ALICE)
    hub.push(make(), "cats")
    for name, value in variable.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(CheckpointError, match="sign in"):
        hub.push(make(), "cats")
    with pytest.raises(CheckpointError, match="or it is private"):
        hub.pull("alice/cats")
    assert hub.pull("alice/cats", token=ALICE)


def test_a_push_never_mixes_with_something_else(hub_server: HubServer, make: Make) -> None:
    hub_server.add("alice/language-model", {"tokenizer.json": b"{}", "config.json": b"{}"}, private=True)
    with pytest.raises(CheckpointError, match=r"already holds other files \(tokenizer\.json\)"):
        hub.push(make(), "alice/language-model", token=ALICE)
    assert set(hub_server.files("alice/language-model")) == {"tokenizer.json", "config.json"}


def test_what_should_be_private_is_not_put_where_all_can_see(hub_server: HubServer, make: Make) -> None:
    hub.push(make(), "cats", token=ALICE, private=False)
    with pytest.raises(CheckpointError, match="exists and is public"):
        hub.push(make(), "cats", token=ALICE, private=True)


# What can be wrong with a repository


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


def test_a_diverged_run_is_not_pushed(hub_server: HubServer, make: Make) -> None:
    checkpoint = make()
    content = to_bytes({"weight": torch.tensor([float("inf")])})
    (checkpoint.folder / "generator.safetensors").write_bytes(content)
    with pytest.raises(CheckpointError, match="no numbers"):
        hub.push(checkpoint, "cats", token=ALICE)
    assert hub_server.repositories == {}


# What can be wrong with the Hub


def test_without_a_network(make: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    nowhere = f"http://127.0.0.1:{port}"
    for attempt in (
        lambda: hub.pull("alice/cats", endpoint=nowhere),
        lambda: hub.push(make(), "alice/cats", token=ALICE, endpoint=nowhere),
        lambda: hub.whoami(ALICE, nowhere),
    ):
        with pytest.raises(CheckpointError, match="Hub cannot be reached"):
            attempt()


@pytest.mark.parametrize(
    ("pattern", "status", "says"),
    [
        ("GET /api/models", 503, "has trouble"),
        ("GET /api/models", 429, "too many requests"),
        ("GET /api/models", 418, "refused"),
        ("GET /api/models", 504, "in time"),
    ],
)  # fmt: skip
def test_trouble_at_the_hub_while_pulling(
    hub_server: HubServer, repository_files: Files, pattern: str, status: int, says: str
) -> None:
    hub_server.add("alice/cats", repository_files)
    hub_server.fail(pattern, status, times=100)
    with pytest.raises(CheckpointError, match=says):
        hub.pull("alice/cats")


@pytest.mark.parametrize(
    ("pattern", "status", "says"),
    [
        ("whoami", 500, "has trouble"),
        ("repos/create", 500, "has trouble"),
        ("repos/create", 403, "may not write"),
        ("/commit/", 412, "changed by somebody else"),
        ("/commit/", 413, "too large"),
    ],
)
def test_trouble_at_the_hub_while_pushing(
    hub_server: HubServer, make: Make, pattern: str, status: int, says: str
) -> None:
    hub_server.fail(pattern, status, times=100)
    with pytest.raises(CheckpointError, match=says):
        hub.push(make(), "cats", token=ALICE)


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real client waits seconds between its attempts."""
    monkeypatch.setattr(hub_download, "WAITS", (0.0, 0.0))
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda seconds: None)
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda seconds: None)


def test_one_hiccup_while_downloading_is_survived(hub_server: HubServer, repository_files: Files) -> None:
    hub_server.add("alice/cats", repository_files)
    hub_server.fail("GET .*/resolve/", 503)
    assert hub.pull("alice/cats").reference == "pulled/alice/cats"


def test_a_download_that_breaks_off_leaves_nothing_and_goes_on_later(
    hub_server: HubServer, repository_files: Files, home: Path
) -> None:
    hub_server.add("alice/cats", repository_files)
    hub_server.fail("GET .*/resolve/.*/generator", 503, times=9)
    with pytest.raises(CheckpointError, match="has trouble"):
        hub.pull("alice/cats")
    assert not (home / "pulled").exists()
    hub_server.reset_faults()
    hub_server.requests.clear()
    assert hub.pull("alice/cats").reference == "pulled/alice/cats"
    assert requests_with(hub_server, "/config.json") == [], "what had arrived is not downloaded again"


def test_a_download_that_is_cut_off_goes_on_from_there(hub_server: HubServer, make: Make, home: Path) -> None:
    """The client's own attempts, and then the next pull's, ask only for what is missing."""
    folder = make(size=300).folder
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    hub_server.add("alice/cats", files)
    hub_server.cut("GET .*/generator", 100_000, times=1)
    assert hub.pull("alice/cats").path("generator.safetensors").read_bytes() == files["generator.safetensors"]
    hub_server.add("alice/dogs", files)
    hub_server.cut("GET .*dogs.*/generator", 10_000, times=99)
    hub_server.fail("GET .*dogs.*/training", 503, times=99)
    with pytest.raises(CheckpointError, match="has trouble"):
        hub.pull("alice/dogs")
    assert not (home / "pulled" / "alice" / "dogs").exists()
    hub_server.reset_faults()
    assert hub.pull("alice/dogs").path("training.safetensors").read_bytes() == files["training.safetensors"]


def test_an_interrupted_pull_is_resumed_where_it_was(hub_server: HubServer, make: Make, home: Path) -> None:
    folder = make(size=300).folder
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    commit = hub_server.add("alice/cats", files)
    part = home / "downloads" / f"alice--cats--{commit}" / "generator.safetensors.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(files["generator.safetensors"][:200_000])
    ranges: list[str] = []
    hub_server.on_range = ranges.append
    texts = [step.text for step in hub.pulling("alice/cats")]
    assert ranges == ["bytes=200000-"]
    assert any(" of " in text and "MB" in text for text in texts)
    assert not part.parent.exists()


def test_a_part_that_is_of_something_else_is_thrown_away(
    hub_server: HubServer, repository_files: Files, home: Path
) -> None:
    commit = hub_server.add("alice/cats", repository_files)
    part = home / "downloads" / f"alice--cats--{commit}" / "generator.safetensors.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x" * 64)
    with pytest.raises(CheckpointError, match="not what the Hub says"):
        hub.pull("alice/cats")
    assert not (home / "pulled").exists()
    assert hub.pull("alice/cats").reference == "pulled/alice/cats"


def test_content_that_was_changed_on_the_way_is_noticed(
    hub_server: HubServer, repository_files: Files, home: Path
) -> None:
    hub_server.add("alice/cats", repository_files)
    files = hub_server.repositories["alice/cats"].resolve("main")[1]
    for name in ("config.json", "generator.safetensors"):
        honest = files[name]
        files[name] = Liar(honest)
        with pytest.raises(CheckpointError, match=f"{name} is not what the Hub says it is"):
            hub.pull("alice/cats")
        files[name] = honest
    assert not (home / "pulled").exists()


class Liar:
    """A file whose content differs from its hash in one byte."""

    def __init__(self, honest: Any) -> None:
        self.lfs, self.size, self.sha256, self.oid = honest.lfs, honest.size, honest.sha256, honest.oid
        self.data = bytes([honest.data[0] ^ 1]) + honest.data[1:]


def test_a_slow_download_tells_bytes_and_time_and_can_be_stopped(
    hub_server: HubServer, make: Make, home: Path
) -> None:
    folder = make(size=600).folder
    hub_server.add("alice/cats", {path.name: path.read_bytes() for path in folder.iterdir()})
    hub_server.slow("GET .*/resolve/.*/generator", 0.3)
    texts, steps = [], hub.pulling("alice/cats")
    for step in steps:
        texts.append(step.text)
        if " left" in step.text:
            break
    steps.close()
    assert any("s left" in text for text in texts)
    assert not (home / "pulled").exists()
    parts = list((home / "downloads").glob("*/*.part"))
    assert [path.name for path in parts] == ["generator.safetensors.part"]
    assert parts[0].stat().st_size > 0


def test_two_pulls_of_the_same_do_not_meet(hub_server: HubServer, repository_files: Files) -> None:
    hub_server.add("alice/cats", repository_files)
    first = hub.pulling("alice/cats")
    while not next(first).text.startswith("Downloading"):
        pass
    with pytest.raises(CheckpointError, match="being downloaded already"):
        hub.pull("alice/cats")
    for _ in first:
        pass
    assert hub.pull("alice/cats").reference == "pulled/alice/cats"


def test_what_was_pulled_opens_without_a_network(
    hub_server: HubServer, repository_files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub_server.add("alice/cats", repository_files)
    hub.pull("alice/cats")
    nowhere = "http://127.0.0.1:9"
    steps = list(hub.pulling("alice/cats", endpoint=nowhere))
    assert "copy from before" in steps[-1].text
    assert store.find_anywhere("alice/cats").reference == "pulled/alice/cats"
    for refused in ({"token": False}, {"revision": "v2"}):
        with pytest.raises(CheckpointError, match="cannot be reached"):
            hub.pull("alice/cats", endpoint=nowhere, **refused)  # type: ignore[arg-type]


def test_a_link_may_name_the_revision(hub_server: HubServer, repository_files: Files) -> None:
    first = hub_server.add("alice/cats", repository_files)
    hub_server.add("alice/cats", {**repository_files, "preview.png": b""})
    for link in ("tree", "commit"):
        pulled = hub.pull(f"https://huggingface.co/alice/cats/{link}/{first}")
        assert pulled.document("source.json")["commit"] == first
    assert hub.revision_in("https://huggingface.co/alice/cats/tree/refs%2Fpr%2F1") == "refs/pr/1"
    assert hub.revision_in("alice/tree") is None


def test_gated_repositories_open_for_those_who_have_access(
    hub_server: HubServer, repository_files: Files
) -> None:
    hub_server.add("alice/gated", repository_files, gated=True)
    for token in (BOB, False):
        with pytest.raises(CheckpointError, match="gated: ask for access"):
            hub.pull("alice/gated", token=token)  # type: ignore[arg-type]
    assert hub.pull("alice/gated", token=ALICE).reference == "pulled/alice/gated"


def test_a_revoked_token_says_so(hub_server: HubServer, repository_files: Files, make: Make) -> None:
    token = hub_server.add_user("carol")
    hub.push(make(), "cats", token=token)
    del hub_server.tokens[token]
    for attempt in (lambda: hub.pull("carol/cats", token=token), lambda: hub.push(make(), "x", token=token)):
        with pytest.raises(CheckpointError, match="does not accept this token; make a new one"):
            attempt()


def test_the_hub_says_how_long_to_wait(hub_server: HubServer, repository_files: Files, make: Make) -> None:
    hub_server.add("alice/cats", repository_files)
    hub_server.retry_after = "90"
    hub_server.fail("GET /api/models", 429, times=9)
    with pytest.raises(CheckpointError, match="wait 90 seconds and try again"):
        hub.pull("alice/cats")
    hub_server.reset_faults()
    hub_server.retry_after = "600"
    hub_server.fail("repos/create", 429, times=99)
    with pytest.raises(CheckpointError, match="wait 10 minutes"):
        hub.push(make(), "dogs", token=ALICE)


def test_an_upload_that_breaks_off_shows_nothing_and_goes_on_later(hub_server: HubServer, make: Make) -> None:
    checkpoint = make(size=300)
    hub_server.fail("PUT /lfs/", 403, times=99)
    with pytest.raises(CheckpointError):
        hub.push(checkpoint, "cats", token=ALICE)
    assert set(hub_server.files("alice/cats")) == {".gitattributes"}, "an empty repository, no half one"
    hub_server.reset_faults()
    hub_server.fail("/commit/", 500, times=99)
    with pytest.raises(CheckpointError, match="has trouble"):
        hub.push(checkpoint, "cats", token=ALICE)
    assert set(hub_server.files("alice/cats")) == {".gitattributes"}
    hub_server.reset_faults()
    hub_server.requests.clear()
    hub.push(checkpoint, "cats", token=ALICE)
    assert requests_with(hub_server, "PUT /lfs/") == [], "what was sent is not sent again"
    assert hub_server.files("alice/cats")["generator.safetensors"] == (
        checkpoint.path("generator.safetensors").read_bytes()
    )
    assert len(hub_server.repositories["alice/cats"].commits) == 2


def test_a_push_tells_its_bytes(hub_server: HubServer, make: Make) -> None:
    steps = list(hub.pushing(make(size=600), "cats", token=ALICE))
    told = [step for step in steps if step.text.startswith("Uploading:")]
    assert len(told) >= 3
    assert [step.share for step in steps] == sorted(step.share for step in steps)
    assert told[-1].text.startswith("Uploading: 1.")


# What goes along


def liked(reference: str, seed: int = 1) -> dict[str, Any]:
    return {"key": "0" * 16, "state": {"checkpoint": reference, "seed": seed}, "note": "", "parents": []}


def test_what_goes_along_is_what_was_chosen(hub_server: HubServer, make: Make, tmp_path: Path) -> None:
    checkpoint = make()
    vectors = to_bytes({"vectors": torch.eye(2, 8)})
    (checkpoint.folder / "directions.safetensors").write_bytes(vectors)
    (checkpoint.folder / "film.gif").write_bytes(b"GIF89a" + b"\0" * 20)
    film = tmp_path / "mine.mp4"
    film.write_bytes(b"\0\0\0\x18ftypmp42" + b"\0" * 20)
    favourites = [liked(checkpoint.reference), liked("cats"), "nonsense", {"state": 3}]
    parts = hub.Parts(sliders=False, favourites=favourites, film=film)
    card, files = hub.preview_push(checkpoint, "alice/cats", parts)
    hub.push(checkpoint, "cats", token=ALICE, parts=parts)
    sent = hub_server.files("alice/cats")
    assert {name: len(sent[name]) for name in sent if name != ".gitattributes"} == dict(files)
    assert sent["README.md"].decode() == card
    assert "film.mp4" in sent
    assert not {"film.gif", "directions.safetensors", "training.safetensors"} & set(sent)
    kept = json.loads(sent["favourites.json"])["favourites"]
    assert [entry["state"] for entry in kept] == [{"checkpoint": "pulled/alice/cats", "seed": 1}]
    assert "favourites.json" in card
    assert "film.mp4" in card

    with pytest.raises(CheckpointError, match="None of these favourites"):
        hub.preview_push(checkpoint, "alice/cats", hub.Parts(favourites=[liked("cats")]))

    hub.push(checkpoint, "cats", token=ALICE)
    sent = hub_server.files("alice/cats")
    assert {"film.gif", "directions.safetensors"} <= set(sent)
    assert not {"film.mp4", "favourites.json"} & set(sent), "what an earlier push left is deleted"
    assert hub.pull("alice/cats", token=ALICE).has("film.gif")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("film.txt", b"GIF89a"),
        ("film.gif", b"<svg onload=alert(1)>"),
        ("film.mp4", b""),
        ("film.webp", b"RIFF"),
    ],
)
def test_a_film_that_is_none_is_refused(make: Make, tmp_path: Path, name: str, content: bytes) -> None:
    film = tmp_path / name
    film.write_bytes(content)
    with pytest.raises(CheckpointError, match="film"):
        hub.preview_push(make(), "alice/cats", hub.Parts(film=film))


# What others made


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


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (httpx2.ConnectTimeout("x"), "in time"),
        (TimeoutError(), "in time"),
        (httpx2.ConnectError("x"), "cannot be reached"),
        (ConnectionResetError(), "cannot be reached"),
        (errors.OfflineModeIsEnabled(), "HF_HUB_OFFLINE"),
        (errors.LocalTokenNotFoundError(), "sign in"),
        (errors.FileMetadataError(), "did not arrive whole"),
        (OSError(28, "No space left on device"), "No space left"),
        (ValueError("hf_secret"), "broke off"),
    ],
)
def test_other_failures_have_a_sentence(error: Exception, says: str) -> None:
    text = sentence(error, "alice/cats")
    assert says in text
    assert "hf_secret" not in text


# Tokens


def test_a_token_is_never_told(
    hub_server: HubServer, make: Make, repository_files: Files, caplog: pytest.LogCaptureFixture, capsys: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "hf_verysecretverysecret"
    hub_server.add("alice/cats", repository_files)
    nowhere = "http://127.0.0.1:9"
    for attempt in (
        lambda: hub.pull("alice/cats", token=secret),
        lambda: hub.pull("alice/cats", token=secret, endpoint=nowhere),
        lambda: hub.push(make(), "cats", token=secret),
        lambda: hub.push(make(), "cats", token=secret, endpoint=nowhere),
        lambda: hub.whoami(secret + " \n x"),
    ):
        with pytest.raises(CheckpointError) as caught:
            attempt()
        error: BaseException | None = caught.value
        assert error.__context__ is None
        assert error.__cause__ is None
        assert secret not in repr(error) + str(error)
    hub_server.tokens[secret] = "carol"
    result = hub.push(make(), "cats", token=secret)
    assert secret not in repr(result)
    printed = capsys.readouterr()
    assert secret not in caplog.text + printed.out + printed.err


@pytest.mark.parametrize("token", ["hf a", "hf_\u00e9", "hf_a\nb", "x" * 3000])
def test_what_is_no_token_is_not_sent(hub_server: HubServer, token: str) -> None:
    with pytest.raises(CheckpointError, match="not a token"):
        hub.pull("alice/cats", token=token)
    assert hub_server.requests == []
