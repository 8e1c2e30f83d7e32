"""The real huggingface_hub client against the loopback Hub: round trips, and the ways in which they fail."""

from __future__ import annotations

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

from checkpoints import hub, store
from checkpoints.errors import CheckpointError
from checkpoints.hub_errors import sentence
from tests.checkpoints.conftest import Make
from tests.hub_server import HubServer

ALICE, BOB = "hf_alice", "hf_bob"
Files = dict[str, bytes]


def requests_with(server: HubServer, text: str) -> list[str]:
    return [line for line in server.requests if text in line]


@pytest.mark.parametrize("size", [4, 1200])
def test_push_then_pull_is_bit_equal(hub_server: HubServer, make: Make, size: int) -> None:
    original = make(size=size)
    result = hub.push(original, "alice/small-cats", token=ALICE, include_training=True)
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
    assert {path.name for path in pulled.folder.iterdir()} == {*hub.FILES, "source.json"} - {
        "directions.safetensors"
    }
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
    first = hub.push(make(1), "cats", token=ALICE, include_training=True)
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
    monkeypatch.setattr(hub, "LARGEST_LIBRARY", int(2.5 * size))
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
        ("not made with Latent Atelier", broken(repository_files, config__json=None)),
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


def test_one_hiccup_while_downloading_is_survived(hub_server: HubServer, repository_files: Files) -> None:
    hub_server.add("alice/cats", repository_files)
    hub_server.fail("HEAD .*/resolve/", 503)
    assert hub.pull("alice/cats").reference == "pulled/alice/cats"


def test_a_download_that_breaks_off_leaves_nothing(
    hub_server: HubServer, repository_files: Files, home: Path
) -> None:
    hub_server.add("alice/cats", repository_files)
    hub_server.fail("GET .*/resolve/.*/generator", 503)
    with pytest.raises(CheckpointError, match="has trouble"):
        hub.pull("alice/cats")
    assert list((home / "pulled" / "alice").iterdir()) == []
    assert hub.pull("alice/cats").reference == "pulled/alice/cats"


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
