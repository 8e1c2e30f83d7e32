"""Pushing with the real huggingface_hub client to the loopback Hub: what arrives, whole or not at all."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save as to_bytes

from checkpoints import hub
from checkpoints.errors import CheckpointError
from tests.checkpoints.conftest import Make
from tests.checkpoints.hub_helpers import ALICE, BOB, TRAINING, requests_with
from tests.hub_server import HubServer

pytestmark = pytest.mark.usefixtures("no_waits")


@pytest.mark.parametrize("size", [4, 1200])
def test_push_then_pull_is_bit_equal(hub_server: HubServer, make: Make, size: int) -> None:
    original = make(size=size)
    result = hub.push(original, "alice/small-cats", token=ALICE, parts=TRAINING)
    assert result.repository == "alice/small-cats"
    assert result.url == f"{hub_server.url}/alice/small-cats"
    assert len(result.commit) == 40
    assert hub_server.repositories["alice/small-cats"].private

    pulled = hub.pull("alice/small-cats", token=ALICE)
    assert re.fullmatch("private/[0-9a-f]{32}", pulled.reference)
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
    assert [path.name for path in pulled.folder.parent.glob("[!.]*")] == [pulled.folder.name]


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


def test_a_push_never_mixes_with_something_else(hub_server: HubServer, make: Make) -> None:
    hub_server.add("alice/language-model", {"tokenizer.json": b"{}", "config.json": b"{}"}, private=True)
    with pytest.raises(CheckpointError, match=r"already holds other files \(tokenizer\.json\)"):
        hub.push(make(), "alice/language-model", token=ALICE)
    assert set(hub_server.files("alice/language-model")) == {"tokenizer.json", "config.json"}


def test_what_should_be_private_is_not_put_where_all_can_see(hub_server: HubServer, make: Make) -> None:
    hub.push(make(), "cats", token=ALICE, private=False)
    with pytest.raises(CheckpointError, match="exists and is public"):
        hub.push(make(), "cats", token=ALICE, private=True)


def test_a_diverged_run_is_not_pushed(hub_server: HubServer, make: Make) -> None:
    checkpoint = make()
    content = to_bytes({"weight": torch.tensor([float("inf")])})
    (checkpoint.folder / "generator.safetensors").write_bytes(content)
    with pytest.raises(CheckpointError, match="no numbers"):
        hub.push(checkpoint, "cats", token=ALICE)
    assert hub_server.repositories == {}


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
    assert told[0].text.startswith("Uploading: 0.0 of 1.")
    assert [step.share for step in steps] == sorted(step.share for step in steps)
    assert told[-1].text.startswith("Uploading: 1.")


def test_an_upload_that_is_cut_off_is_sent_again(hub_server: HubServer, make: Make) -> None:
    checkpoint = make(size=300)
    hub_server.cut("PUT /lfs/", after=100_000)
    hub.push(checkpoint, "cats", token=ALICE)
    assert hub_server.files("alice/cats")["generator.safetensors"] == (
        checkpoint.path("generator.safetensors").read_bytes()
    )


def test_an_upload_that_is_always_cut_off_leaves_nothing_and_says_what_to_do(
    hub_server: HubServer, make: Make
) -> None:
    hub_server.cut("PUT /lfs/", after=100_000, times=99)
    with pytest.raises(CheckpointError, match="broke off; try again"):
        hub.push(make(size=300), "cats", token=ALICE)
    assert set(hub_server.files("alice/cats")) == {".gitattributes"}


def test_a_slow_upload_tells_its_bytes_inside_a_file_and_can_be_stopped(
    hub_server: HubServer, make: Make
) -> None:
    checkpoint = make(size=1200, training=False)
    size = checkpoint.path("generator.safetensors").stat().st_size
    hub_server.slow("PUT /lfs/", 0.02)
    steps = hub.pushing(checkpoint, "cats", token=ALICE)
    inside = re.compile(r"Uploading: (\d+\.\d) of \d+\.\d MB")
    for step in steps:
        found = inside.match(step.text)
        if found and 0.5 < float(found[1]) < size / 1e6 - 0.5:
            break
    else:
        pytest.fail("nothing was told while the large file went")
    steps.close()
    assert set(hub_server.files("alice/cats")) == {".gitattributes"}
    assert not requests_with(hub_server, "/commit/main")
    hub_server.reset_faults()
    hub.push(checkpoint, "cats", token=ALICE)
    assert len(hub_server.files("alice/cats")["generator.safetensors"]) == size


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
