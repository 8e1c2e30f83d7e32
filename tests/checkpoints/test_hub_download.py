"""Downloads that break off, lie, are slow or meet: nothing half is left, the next goes on from there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checkpoints import hub
from checkpoints.errors import CheckpointError
from tests.checkpoints.conftest import Make
from tests.checkpoints.hub_helpers import Files, requests_with
from tests.hub_server import HubServer

pytestmark = pytest.mark.usefixtures("no_waits")


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
    assert any(" s left" in text or " min left" in text for text in texts)
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
