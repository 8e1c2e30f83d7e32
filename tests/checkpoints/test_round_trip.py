"""From one person's hands into another's: the card's own snippet, a run that goes on, a network of others."""

from __future__ import annotations

import itertools
import json
import logging
import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save as to_bytes

from checkpoints import conversion, hub, hub_pull, pictures, store
from checkpoints.errors import CheckpointError
from gan.checkpoint import load_run, save_run
from gan.config import NetworkConfig, TrainConfig
from gan.datasets import open_dataset
from gan.direction_sets import all_directions
from gan.explorer import ExplorerState, describe, render
from gan.export import part_bytes
from gan.model import load, load_reference
from gan.state import new_state
from gan.training import train
from tests.checkpoints.conftest import preview_png
from tests.hub_server import HubServer

ALICE = "hf_alice"


def test_the_snippet_of_the_card_draws_the_pushed_networks_pictures(hub_server: HubServer) -> None:
    hub.push(store.find("fashion"), "garments", token=ALICE, private=False)
    card = hub_server.files("alice/garments")["README.md"].decode()
    (snippet,) = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    assert 'load("alice/garments").sample(seeds=[1, 2, 3])' in snippet
    names: dict[str, Any] = {}
    exec(snippet, names)
    assert np.array_equal(names["pictures"], load("fashion").sample(seeds=[1, 2, 3]))


def test_somebodys_pushed_run_goes_on_where_it_was(hub_server: HubServer, home: Path) -> None:
    garments = open_dataset("fashion", limit=200)
    network = NetworkConfig("compact", 28, 1, z_dim=8, width=8, classes=10, spectral=True)
    config = TrainConfig(network=network, seconds=0, steps=5, batch=8)
    state = new_state(config, torch.device("cpu"))
    run = train(config, garments, state, every=0.0)
    while state.step < 2:
        next(run)
    folder = store.folder_of(f"runs/{7:032x}")
    save_run(folder, config, state, garments, "Garments")
    hub.push(store.find(f"runs/{7:032x}"), "run", token=ALICE, parts=hub.Parts(training=True))
    pulled = hub.pull("alice/run", token=ALICE)
    theirs_config, theirs = load_run(pulled)
    assert (theirs_config, theirs.step) == (config, 2)
    list(train(config, garments, state))
    list(train(theirs_config, garments, theirs))
    assert theirs.step == 5
    for name, value in state.average.state_dict().items():
        assert torch.equal(theirs.average.state_dict()[name], value), name


def foreign(seed: int = 3) -> dict[str, bytes]:
    torch.manual_seed(seed)
    shapes = [(a, b, 4, 4) for a, b in itertools.pairwise((16, 32, 16, 8, 3))]
    tensors = {f"main.{2 * i}.weight": torch.randn(shape) * 0.1 for i, shape in enumerate(shapes)}
    return {"model.safetensors": to_bytes(tensors), "README.md": b"---\nlicense: mit\n---\n"}


def test_a_network_of_others_is_explored_and_pushed_like_ones_own(hub_server: HubServer) -> None:
    hub_server.add("dora/dcgan", foreign())
    assert load("dora/dcgan").sample(seeds=[1, 2]).shape == (2, 32, 32, 3)
    model = load_reference("pulled/dora/dcgan")
    state = ExplorerState("pulled/dora/dcgan", seed=1)
    assert render(model, state).shape == (1, 3, 32, 32)
    assert any(direction.method == "closed-form" for direction in all_directions(model))
    assert json.dumps(describe(model))
    assert len(part_bytes("pulled/dora/dcgan", "generator")) > 1000
    hub.push(store.find("pulled/dora/dcgan"), "again", token=ALICE, private=False)
    card = hub_server.files("alice/again")["README.md"].decode()
    assert "dora/dcgan" in card
    assert "is assumed" in card
    again = hub.pull("alice/again")
    assert torch.equal(load(str(again.folder)).draw(torch.ones(1, 16)), model.draw(torch.ones(1, 16)))


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (
            lambda config, tensors: tensors.pop(next(iter(tensors))),
            "lacks .*; it was made for another network",
        ),
        (lambda config, tensors: tensors.update(more=torch.zeros(2)), "has more, which the network does not"),
        (
            lambda config, tensors: tensors.update({n: torch.zeros(3, 5) for n in list(tensors)[:1]}),
            r"as \[3, 5\] where the network has",
        ),
        (lambda config, tensors: config["network"].update(width=16), "where the network has"),
        (lambda config, tensors: config["network"].update(architecture="other"), "architecture"),
        (lambda config, tensors: config.pop("network"), "where the network has"),
    ],
)
def test_weights_that_are_not_those_of_their_config_are_not_kept(
    hub_server: HubServer, home: Path, monkeypatch: pytest.MonkeyPatch, damage: Any, says: str
) -> None:
    monkeypatch.setattr(hub_pull, "check_networks", conversion.check_networks)
    garments = store.find("fashion")
    config, tensors = deepcopy(garments.config), garments.tensors()
    damage(config, tensors)
    files = {"config.json": json.dumps(config).encode(), "generator.safetensors": to_bytes(tensors)}
    hub_server.add("eve/garments", files)
    with pytest.raises(CheckpointError, match=f"^Fashion.* cannot be opened, so it was not kept.*{says}"):
        hub.pull("eve/garments")
    assert not list((home / "pulled").rglob("*.safetensors"))
    sound = {name: garments.path(name).read_bytes() for name in files}
    hub_server.add("eve/garments", sound)
    assert hub.pull("eve/garments").title == garments.title


def test_tokens_are_in_no_file_log_or_message(
    hub_server: HubServer, tmp_path: Path, home: Path, caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    token = hub_server.add_user("carol")
    picture = tmp_path / "boat.png"
    picture.write_bytes(preview_png())
    about = pictures.Collection("Boats")
    said: list[str] = []
    said += [step.text for step in hub.pushing(store.find("fashion"), "garments", token=token)]
    said += [step.text for step in hub.pulling("carol/garments", token=token)]
    said += [step.text for step in pictures.pushing([picture], about, "boats", token=token)]
    hub_server.fail("GET .*/resolve/", 418, times=99)
    hub_server.fail("PUT /lfs/", 418, times=99)
    hub_server.add("carol/other", hub_server.files("carol/garments"), private=True)
    for attempt in (
        lambda: hub.pull("carol/other", token=token),
        lambda: hub.push(store.find("cats"), "cats", token=token),
        lambda: pictures.push([picture], about, "more", token="hf_revoked" + token),
    ):
        with pytest.raises(CheckpointError) as caught:
            attempt()
        said.append(repr(caught.value))
    assert len(said) > 10
    printed = capfd.readouterr()
    assert token not in "".join(said) + caplog.text + printed.out + printed.err
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 5
    assert not [path for path in files if token.encode() in path.read_bytes()]
