"""Switches of the networks in a real browser: set, trained with, and found in the run's settings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect


def open_advanced(page: Page) -> None:
    page.get_by_role("tab", name="Train").click()
    page.locator("#train-start").wait_for(state="visible")
    page.locator("#train-data").get_by_text("Fashion").first.click()
    page.locator("#train-advanced button").first.click()
    page.locator("#train-batch input").wait_for(state="visible")


def choose(page: Page, setting: str, value: str) -> None:
    page.locator(f"#{setting} input").click()
    page.get_by_role("option", name=value, exact=True).click()


def asked_for(home: Path) -> dict[str, Any]:
    """The config of the newest run."""
    newest = max((home / "runs").glob("*/request.json"), key=lambda path: path.stat().st_mtime_ns)
    config: dict[str, Any] = json.loads(newest.read_text())["config"]
    return config


def test_a_network_is_built_as_it_was_switched(any_page: Page, app_home: Path) -> None:
    page = any_page
    open_advanced(page)
    expect(page.locator("#train-loss input")).to_have_value("soft-hinge")
    for name in ("batch-norm", "designed-norm"):
        page.locator(f"#train-{name} input").click()
    choose(page, "train-initialisation", "normal")
    choose(page, "train-upsampling", "transposed")
    choose(page, "train-activation", "relu")
    choose(page, "train-output", "linear")
    page.locator("#train-dropout input").fill("0.3")
    page.locator("#train-steps input").fill("100000")
    page.locator("#train-minutes input[type=number]").fill("10")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator("#train-start").click()
    expect(page.locator("#train-progress")).to_contain_text("pictures seen")
    config = asked_for(app_home)
    network = config["network"]
    assert config["steps"] == 100_000
    assert (network["batch_norm"], network["designed_norm"], network["dropout"]) == (True, False, 0.3)
    parts = [network[name] for name in ("initialisation", "upsampling", "activation", "output")]
    assert parts == ["normal", "transposed", "relu", "linear"]
    choose(page, "lever-penalty", "r1")
    changes = page.locator("#train-curves .changes")
    expect(changes).to_contain_text("1: penalty none → r1 at step")
    page.locator("#lever-seed input").fill("3")
    page.locator("#lever-seed input").blur()
    choose(page, "lever-penalty", "none")
    expect(changes).to_contain_text("2: penalty r1 → none at step")
    page.locator("#lever-begin-anew").click()
    expect(changes).to_contain_text("3: both networks begin anew (seed 3) at step")
    page.locator("#train-stop").click()
    page.locator("#train-continue").wait_for(state="visible")


def test_what_a_network_does_not_use_is_not_offered(any_page: Page) -> None:
    page = any_page
    open_advanced(page)
    expect(page.locator("#train-upsampling")).to_be_visible()
    expect(page.locator("#train-growth")).to_be_hidden()
    page.locator("#train-recipe").get_by_text("The lesson's MLP").click()
    for name in ("width", "spectral", "upsampling", "gamma"):
        expect(page.locator(f"#train-{name}")).to_be_hidden()
    for name in ("batch-norm", "designed-norm", "activation", "output", "dropout"):
        expect(page.locator(f"#train-{name}")).to_be_visible()
    choose(page, "train-penalty", "r1")
    expect(page.locator("#train-gamma")).to_be_visible()
    page.locator("#train-recipe").get_by_text("Growing").click()
    expect(page.locator("#train-growth")).to_be_visible()
    expect(page.locator("#train-output")).to_be_hidden()
