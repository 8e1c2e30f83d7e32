from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import yaml
from explorer_helpers import cats_in, fashion_in
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from gan.__main__ import main
from gan.direction_sets import all_directions
from gan.directions import directions_of
from gan.explorer import ExplorerState, render
from gan.model import load, load_reference
from gan.pictures import to_images

PIXELS = "document.querySelector('.explore-view canvas').toDataURL()"
READY = """() => document.querySelector('.explore-path')?.dataset.path === 'browser'
  && document.querySelector('.explore-picture').ariaBusy === 'false'"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATELIER_HOME", str(home))
        yield home


@pytest.fixture(scope="module")
def url(home: Path) -> Iterator[str]:
    """A plain file server below whose root the page lies."""
    source = home / fashion_in(home) / "checkpoint"
    assert (
        main(["export", str(source), str(home / "site" / "garments"), "--title", "<Garments> & {{settings}}"])
        == 0
    )
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(home / "site")))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/garments/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    page.set_default_timeout(600_000)
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.on(
        "request", lambda r: None if r.url.startswith((url, "data:", "blob:")) else failures.append(r.url)
    )
    page.goto(url)
    page.wait_for_function(READY)
    yield page
    context.close()
    assert failures == []


def test_a_slider_moves_the_picture_without_any_server(page: Page) -> None:
    before = page.evaluate(PIXELS)
    page.locator("input[data-direction='0']").fill("3")
    page.wait_for_function(f"before => {PIXELS} !== before", arg=before)
    page.locator(".explore-class").select_option(label="bag")
    page.locator(".explore-neighbours button").first.wait_for()
    expect(page.locator(".explore-opinion")).to_contain_text("than")
    expect(page.locator("footer")).to_contain_text("Zalando")
    expect(page.locator("h1")).to_have_text("<Garments> & {{settings}}")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert not page.locator(".explore-walk-make").is_visible()


def test_sliders_of_every_kind_are_in_the_page(page: Page, home: Path) -> None:
    model = load_reference(fashion_in(home))
    for name, method in (("PCA", "pca"), ("Closed form", "closed-form"), ("By name", "supervised")):
        page.locator(".explore-methods").get_by_text(name, exact=True).click()
        further = list(enumerate(all_directions(model)))[len(directions_of(model)) :]
        places = [place for place, direction in further if direction.method == method]
        expect(page.locator("input[data-direction]")).to_have_count(len(places))
        for place in places[:1]:
            before = page.evaluate(PIXELS)
            page.locator(f"input[data-direction='{place}']").fill("2.5")
            page.wait_for_function(f"before => {PIXELS} !== before", arg=before)
    page.wait_for_function(READY)
    expect(page.locator(".explore-path")).to_have_attribute("data-path", "browser")


def test_its_link_and_its_file_are_the_picture(page: Page, url: str, home: Path) -> None:
    page.goto(f"{url}?checkpoint=garments-settings&seed=6&psi=0.8&class=3&edits=1.5")
    page.wait_for_function(READY)
    with page.expect_download() as download:
        page.locator(".explore-download-small").click()
    with Image.open(download.value.path()) as saved:
        drawn = np.asarray(saved.convert("L")).astype(int)
        assert '"seed":6' in saved.text["latent-atelier"]
    model = load(str(home / fashion_in(home) / "checkpoint"))
    state = ExplorerState(model.reference, 6, 0.8, 3, edits=(1.5,))
    assert np.abs(np.asarray(to_images(render(model, state))[0]).astype(int) - drawn).max() <= 2


def test_the_folder_is_a_static_space_and_names_no_path(url: str, home: Path) -> None:
    folder = home / "site" / "garments"
    card = yaml.safe_load((folder / "README.md").read_text("utf-8").split("---")[1])
    assert (card["sdk"], card["license"], card["app_file"]) == ("static", "mit", "index.html")
    assert len(card["short_description"]) <= 60
    texts = "".join(path.read_text("utf-8") for path in folder.glob("*.[hmjc][tdss]*"))
    assert str(home) not in texts
    assert "</script><" not in texts.split('id="explore-settings">')[1].split("</script>")[0]


def test_an_older_page_is_replaced_and_nothing_else_is(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reference = cats_in(home)
    for _ in range(2):
        assert main(["export", reference, str(tmp_path / "page")]) == 0
        assert capsys.readouterr().out.strip().endswith("index.html")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    for wrong in (["export", reference, str(tmp_path / "mine")], ["export", "vgg16", str(tmp_path / "new")]):
        assert main(wrong) == 2
        assert capsys.readouterr().err.startswith("gan: ")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "x"
    assert not (tmp_path / "new").exists()
