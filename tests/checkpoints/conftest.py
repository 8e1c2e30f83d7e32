"""A fresh home, a fresh Hub cache and a Hub on the loopback address for every test that asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from checkpoints import hub_download, store
from tests.hub_server import HubServer

CONFIG: dict[str, Any] = {
    "format": 1,
    "kind": "gan",
    "title": "Small cats",
    "network": {"architecture": "compact", "resolution": 64, "channels": 3, "z_dim": 64, "classes": 2},
    "data": {
        "name": "cats",
        "title": "Cats by David Revoy",
        "licence": "cc-by-4.0",
        "attribution": "Cat artwork by David Revoy (www.davidrevoy.com), CC-BY 4.0, via RoboHash 2.0.",
        "classes": ["tabby", "plain"],
        "pictures": 8000,
    },
    "training": {
        "preset": "compact",
        "loss": "relativistic",
        "penalty": "r1+r2",
        "batch": 64,
        "images_seen": 1_234_567,
        "trained_seconds": 600.0,
    },
}

Make = Callable[..., store.Checkpoint]


@pytest.fixture(autouse=True)
def own_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the real machine: no login, no library, no way to the real Hub, not a Space."""
    for name in ("HF_TOKEN", "HF_HUB_OFFLINE", "SPACE_ID", "SYSTEM", "OAUTH_CLIENT_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ATELIER_HOME", str(tmp_path / "atelier"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "no-token"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub-cache"))


@pytest.fixture(autouse=True)
def any_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most tests here stand in for networks by a few tensors that no network has."""
    monkeypatch.setattr("checkpoints.hub_pull.check_networks", lambda checkpoint: None)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where this test's visitors keep their things."""
    return tmp_path / "atelier"


@pytest.fixture
def config() -> dict[str, Any]:
    """A config.json like those that training writes."""
    return deepcopy(CONFIG)


@pytest.fixture(scope="session")
def running_hub() -> Iterator[HubServer]:
    with HubServer() as server:
        yield server


@pytest.fixture
def hub_server(running_hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> HubServer:
    """An empty Hub, which `HF_ENDPOINT` names."""
    running_hub.reset()
    monkeypatch.setenv("HF_ENDPOINT", running_hub.url)
    return running_hub


def preview_png() -> bytes:
    stream = BytesIO()
    Image.linear_gradient("L").convert("RGB").resize((64, 64)).save(stream, "PNG")
    return stream.getvalue()


def weights(seed: int = 0, size: int = 16) -> dict[str, torch.Tensor]:
    """Small tensors of several types."""
    random = torch.Generator().manual_seed(seed)
    return {
        "weight": torch.randn(size, size, generator=random),
        "steps": torch.tensor(7),
        "half": torch.randn(3, 5, generator=random).half(),
    }


@pytest.fixture
def make(home: Path, config: dict[str, Any]) -> Make:
    """Save the visitor's run with a number (its reference ends in it); keywords change its config."""

    def save(number: int = 1, training: bool = True, size: int = 16, **changes: Any) -> store.Checkpoint:
        reference = f"runs/{number:032x}"
        tensors = {
            "generator.safetensors": weights(number, size),
            "discriminator.safetensors": weights(number + 1000),
        }
        documents: dict[str, Any] = {"preview.png": preview_png()}
        if training:
            tensors["training.safetensors"] = weights(number + 2000, size)
            documents["training.json"] = {"step": 7}
        store.save(store.folder_of(reference), {**config, **changes}, tensors, documents)
        return store.find(reference)

    return save


@pytest.fixture
def repository_files(make: Make) -> dict[str, bytes]:
    """The files of a good repository."""
    folder = make(99).folder
    return {path.name: path.read_bytes() for path in folder.iterdir()} | {".gitattributes": b"* text\n"}


@pytest.fixture
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real client waits seconds between its attempts."""
    monkeypatch.setattr(hub_download, "WAITS", (0.0, 0.0))
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda seconds: None)
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda seconds: None)
