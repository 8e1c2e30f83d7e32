"""A training that was kept, and one from the Hub, go on in a real browser as a visitor's own runs."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from playwright.sync_api import Page, expect

from checkpoints import store
from gan.checkpoint import save_run
from gan.config import NetworkConfig, TrainConfig
from gan.datasets import Dataset, open_dataset
from gan.own_pictures import as_dataset
from gan.state import new_state
from gan.training import train
from tests.hub_server import HubServer

CONFIG = TrainConfig(
    network=NetworkConfig("mlp", 28, 1, z_dim=8, classes=10), seconds=0, steps=4, batch=16, generator_lr=7e-4
)
TITLE = "#train-name input, #train-name textarea"
LEVER = "#lever-generator-lr input"
STEP = re.compile(r"step ([\d,]+)")


def unfinished(folder: Path, config: TrainConfig, dataset: Dataset, title: str) -> dict[str, bytes]:
    """A checkpoint of four steps with its training state, as files."""
    state = new_state(config, torch.device("cpu"))
    list(train(config, dataset, state))
    saved = save_run(folder, config, state, dataset, title).folder
    return {path.name: path.read_bytes() for path in saved.iterdir()}


@pytest.fixture(scope="module")
def shared(hub: HubServer, tmp_path_factory: pytest.TempPathFactory) -> None:
    """On the Hub: one that learned from garments, and one from somebody's own pictures."""
    folder = tmp_path_factory.mktemp("shared")
    garments = open_dataset("fashion", limit=64)
    hub.add("eve/garments", unfinished(folder / "garments", CONFIG, garments, "Eve's garments"))
    own = replace(CONFIG, network=NetworkConfig("mlp", 32, 3, z_dim=8), told=False)
    pictures = as_dataset(torch.zeros(16, 3, 32, 32, dtype=torch.uint8), "Mine")
    hub.add("eve/private", unfinished(folder / "private", own, pictures, "Eve's own"))


def open_train(page: Page) -> None:
    page.get_by_role("tab", name="Train").click()
    page.locator("#train-start").wait_for(state="visible")


def choose_checkpoint(page: Page, title: str) -> None:
    page.locator("#train-recipe").get_by_text("From a checkpoint").click()
    page.locator("#train-beginning input").click()
    page.get_by_role("option", name=title).click()


def pull(page: Page, repository: str) -> None:
    page.get_by_role("tab", name="Share").click()
    page.locator("#share-pull-repo input, #share-pull-repo textarea").first.fill(repository)
    page.locator("#share-pull").click()
    expect(page.locator("#share-pull-result")).to_contain_text("Its training state came along")


def step_of(page: Page) -> int:
    found = STEP.search(page.locator("#train-progress").inner_text())
    return int(found[1].replace(",", "")) if found else 0


def stop(page: Page) -> None:
    page.locator("#train-stop").click()
    page.locator("#train-continue").wait_for(state="visible")


def test_a_kept_training_goes_on_after_its_visitor_has_trained_something_else(page: Page) -> None:
    open_train(page)
    page.locator("#train-data").get_by_text("Fashion").first.click()
    page.locator("#train-recipe").get_by_text("The lesson's MLP").first.click()
    expect(page.locator("#train-recipe-note")).to_contain_text("fully connected")
    page.locator("#train-start").click()
    page.locator("#train-keep").wait_for(state="visible")
    stop(page)
    kept_at = step_of(page)
    page.locator(TITLE).first.fill("My garments")
    page.locator("#train-keep").click()
    expect(page.locator("#train-kept")).to_contain_text("Kept")

    page.evaluate("localStorage.removeItem('atelier-run')")
    page.reload()
    open_train(page)
    page.locator("#train-recipe").get_by_text("From a checkpoint").click()
    expect(page.locator("#train-recipe-note")).to_contain_text("came without its training state")
    expect(page.locator("#train-go-on")).to_be_hidden()
    choose_checkpoint(page, "My garments")
    expect(page.locator("#train-recipe-note")).to_contain_text("goes on where it stopped, after")
    page.locator("#train-go-on").click()
    expect(page.locator(LEVER)).to_have_value("0.0002")
    page.wait_for_function(
        "least => Number((document.querySelector('#train-progress').innerText.match(/step ([\\d,]+)/) "
        "|| [0, '0'])[1].replace(',', '')) > least",
        arg=kept_at,
    )
    expect(page.locator("#train-go-on")).to_be_disabled()
    stop(page)
    expect(page.locator(TITLE).first).to_have_value("My garments, continued")
    page.locator("#train-keep").click()
    expect(page.locator("#train-kept")).to_contain_text("Kept")
    page.locator("#train-beginning input").click()
    expect(page.get_by_role("option", name="My garments")).to_have_count(2)


def test_a_pulled_training_goes_on_and_one_from_private_pictures_asks_for_them(
    any_page: Page, shared: None, app_home: Path
) -> None:
    page = any_page
    pull(page, "eve/garments")
    theirs = app_home / "pulled" / "eve" / "garments"
    before = {path.name: path.read_bytes() for path in theirs.iterdir()}
    open_train(page)
    choose_checkpoint(page, "Eve's garments")
    expect(page.locator("#train-recipe-note")).to_contain_text("goes on where it stopped, after")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator("#train-go-on").click()
    expect(page.locator(LEVER)).to_have_value("0.0007")
    expect(page.locator("#train-progress")).to_contain_text("pictures seen")
    assert step_of(page) > 4
    stop(page)
    assert store.read(theirs).title == "Eve's garments"
    assert {path.name: path.read_bytes() for path in theirs.iterdir()} == before

    pull(page, "eve/private")
    open_train(page)
    choose_checkpoint(page, "Eve's own")
    expect(page.locator("#train-recipe-note")).to_contain_text("which are not here: choose “My own pictures”")
    page.locator("#train-go-on").click()
    expect(page.locator("#train-message")).to_contain_text("which are not here")
