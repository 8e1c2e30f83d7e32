"""The app is killed and started again under an open page, which comes back by itself with what was kept."""

from __future__ import annotations

from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, expect

from tests.app.conftest import collect_a_picture, free_port, start_app, wait_until_served
from tests.hub_server import HubServer

LIKE = "#explore .explore-like"
TILES = "#explore .explore-liked-list .explore-tile"
DRAWN = "document.querySelector('#explore .explore-view canvas')?.dataset.frame > 0"


def test_an_open_page_says_that_it_waits_and_comes_back_with_what_was_kept(
    browser: Browser, hub: HubServer, tmp_path: Path
) -> None:
    url, log = f"http://127.0.0.1:{free_port()}", tmp_path / "app.log"
    folders = tmp_path, tmp_path / "gradio", tmp_path / "huggingface"
    app = start_app(url, hub, *folders)
    context = browser.new_context()
    try:
        wait_until_served(url, app, log)
        page = context.new_page()
        page.set_default_timeout(600_000)
        page.goto(url)
        page.wait_for_function(DRAWN)
        page.locator(LIKE).click()
        expect(page.locator(f"{TILES} canvas")).to_have_count(1)
        collect_a_picture(page)
        page.evaluate("window.before = true")

        app.kill()
        app.wait()
        expect(page.get_by_text("Connection to the server was lost")).to_be_visible()
        app = start_app(url, hub, *folders)
        page.wait_for_function("window.before === undefined")
        page.wait_for_function(DRAWN)
        expect(page.locator(f"{TILES} canvas")).to_have_count(1)
        page.get_by_role("tab", name="Share").click()
        expect(page.locator("#share-collected li")).to_have_count(1)
        (kept,) = tmp_path.glob("collected/*/*.png")
        with Image.open(kept) as picture:
            assert "latent-atelier-recipe" in picture.info
    finally:
        context.close()
        app.terminate()
        app.wait()
