from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import av
import gradio as gr
import pytest
import torch
from explorer_helpers import REFERENCE, cats_in, fashion_in
from gradio_client import Client
from PIL import Image, ImageSequence
from playwright.sync_api import Browser, Page, expect

from checkpoints import store
from gan import tab_explore
from gan.codes import encode_direction, encode_latent
from gan.direction_sets import all_directions
from gan.directions import directions_of
from gan.explorer import ExplorerState, describe
from gan.latent import latents
from gan.model import load_reference
from gan.page_answers import (
    explore_cross,
    explore_directions,
    explore_film,
    explore_keep,
    explore_load,
    explore_save,
    explore_strip,
    explore_walk,
)
from gan.serve import routes
from gan.tab_explore import answers, explore_download, explore_neighbours, explore_render

CATS = "runs/" + "cd" * 16
SHOWN = ".explore-view canvas"
PIXELS = f"document.querySelector('{SHOWN}').toDataURL()"
READY = """() => ['browser', 'server'].includes(document.querySelector('.explore-path')?.dataset.path)
  && document.querySelector('.explore-picture').ariaBusy === 'false'"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATELIER_HOME", str(home))
        patch.setenv("GRADIO_TEMP_DIR", str(home / "gradio"))
        patch.setattr(store, "SHIPPED", home / "shipped")
        fashion_in(home)
        cats_in(home)
        (home / "shipped").mkdir()
        (home / "shipped" / "cats").symlink_to(home / "runs" / ("cd" * 16) / "checkpoint")
        yield home


@pytest.mark.parametrize(
    "question", [None, 5, {}, {"checkpoint": "../x"}, {"checkpoint": "runs/" + "0" * 32}]
)
@pytest.mark.parametrize("function", [explore_render, explore_neighbours, explore_walk, explore_download])
def test_an_untrusted_question_is_answered_with_a_sentence(home: Path, function, question: object) -> None:
    answer = answers(function)(question)
    assert list(answer) == ["error"]
    assert answer["error"].endswith(".")


@pytest.mark.parametrize(
    "more",
    [
        {"seeds": 5},
        {"seeds": "1,5", "frames": 10**9},
        {"seeds": "1", "kind": "exe"},
        {"seeds": "1,5", "side": 9999},
    ],
)
def test_a_walk_that_cannot_be_is_a_sentence(home: Path, more: dict[str, object]) -> None:
    assert "error" in answers(explore_walk)({"checkpoint": CATS, **more})


def test_own_sliders_are_kept_with_a_checkpoint_of_this_machine(home: Path) -> None:
    own = {"name": "wider", "vector": encode_direction(latents([3], 16)[0])}
    kept = answers(explore_keep)({"checkpoint": REFERENCE, "own": [own]})
    assert kept == {"kept": [own]}
    assert describe(load_reference(REFERENCE))["kept"] == [own]
    for wrong in (None, {}, {"checkpoint": REFERENCE, "own": [5]}, {"checkpoint": REFERENCE, "own": []}):
        assert answers(explore_keep)(wrong)["error"].endswith(".")
    assert "trained here" in answers(explore_keep)({"checkpoint": "cats", "own": [own]})["error"]


def test_further_directions_go_on_where_the_first_ten_end(home: Path) -> None:
    model = load_reference(CATS)
    further, part = [], 0
    while part is not None:
        answer = answers(explore_directions)({"checkpoint": CATS, "part": part})
        further, part = further + answer["directions"], answer["next"]
    assert [d["name"] for d in further] == [
        d.name for d in all_directions(model)[len(directions_of(model)) :]
    ]
    assert list(answers(explore_directions)({"checkpoint": "gone"})) == ["error"]


def test_favourites_go_into_a_file_and_come_back_with_their_family(home: Path) -> None:
    first, second = ({"checkpoint": CATS, "seed": seed} for seed in (1, 2))
    crossed = answers(explore_cross)({"checkpoint": CATS, "first": first, "second": second, "turn": 3})
    child = crossed["children"][0]["state"]
    liked = [
        {"key": "0" * 15 + "1", "state": first, "note": "A", "parents": []},
        {"key": "0" * 15 + "2", "state": second, "note": "", "parents": []},
        {"key": "0" * 15 + "3", "state": child, "note": "", "parents": ["0" * 15 + "1", "0" * 15 + "2"]},
    ]
    for kind in ("sheet", "json"):
        saved = answers(explore_save)({"favourites": liked, "kind": kind})
        again = answers(explore_load)({"content": saved["file"].partition(",")[2]})["favourites"]
        assert [each["note"] for each in again] == ["A", "", ""]
        assert again[2]["parents"] == [again[0]["key"], again[1]["key"]]
    picture = answers(explore_download)(first)["picture"].partition(",")[2]
    assert answers(explore_load)({"content": picture})["favourites"][0]["state"]["seed"] == 1


@pytest.mark.parametrize("kind", ["gif", "webp", "mp4"])
def test_a_film_goes_through_favourites(home: Path, kind: str) -> None:
    stops = [{"checkpoint": CATS, "seed": seed} for seed in (1, 2)]
    answer = answers(explore_film)({"checkpoint": CATS, "stops": stops, "kind": kind, "frames": 4})
    assert answer["name"] == f"film.{kind}"
    assert answer["file"].startswith("data:")


@pytest.mark.parametrize(("kind", "side"), [("gif", 128), ("webp", 256), ("mp4", 512)])
def test_a_walk_is_of_the_kind_and_size_asked_for(home: Path, kind: str, side: int) -> None:
    question = {"checkpoint": CATS, "seeds": "1, 5", "frames": 3, "kind": kind, "side": side}
    answer = answers(explore_walk)(question)
    assert answer["name"] == f"walk.{kind}"
    content = b64decode(answer["file"].partition(",")[2])
    if kind == "mp4":
        with av.open(BytesIO(content)) as container:
            frames = [frame.to_image() for frame in container.decode(video=0)]
    else:
        frames = list(ImageSequence.Iterator(Image.open(BytesIO(content))))
    assert len(frames) > 1
    assert {frame.size for frame in frames} == {(side, side)}


def test_a_strip_is_small_pictures_of_its_states(home: Path) -> None:
    states = [{"checkpoint": CATS, "seed": 3, "edits": [place]} for place in (-2, 0, 2)]
    pictures = answers(explore_strip)({"states": states})["pictures"]
    assert pictures[1] == answers(explore_render)(states[1])["picture"]
    assert len(set(pictures)) == 3
    for wrong in (None, [], states * 2, [5], [states[0], {"checkpoint": REFERENCE}]):
        assert answers(explore_strip)({"states": wrong})["error"].endswith(".")


@pytest.mark.parametrize("function", [explore_cross, explore_film, explore_save, explore_load])
@pytest.mark.parametrize("question", [
    None, 5, {}, {"checkpoint": CATS}, {"checkpoint": CATS, "first": 1, "second": 2, "favourites": [1]},
    {"checkpoint": CATS, "stops": 5, "favourites": {}, "content": 5},
    {"checkpoint": CATS, "stops": [{"checkpoint": CATS}] * 2, "kind": "exe", "content": "A" * 20_000_000},
    {"checkpoint": CATS, "stops": [{"checkpoint": CATS}] * 99, "kind": "gif", "content": "????"},
])  # fmt: skip
def test_wrong_questions_about_favourites_are_sentences(home: Path, function, question: object) -> None:
    assert answers(function)(question)["error"].endswith(".")


def test_drawing_leaves_the_thread_count_as_it_was(home: Path) -> None:
    before = torch.get_num_threads()
    assert "picture" in answers(explore_render)({"checkpoint": CATS})
    assert torch.get_num_threads() == before


@pytest.fixture(scope="module", params=["browser", "server"])
def url(home: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The tab in a page with the routes that the browser's own drawing needs, and in one without."""
    with gr.Blocks() as demo:
        library = gr.BrowserState([], storage_key="test-library", secret="test")
        with gr.Tabs():
            with gr.Tab("Explore"):
                wanted = tab_explore.build(library)
            with gr.Tab("Other"):
                keep = gr.Button("Keep", elem_id="keep")
                show = gr.Textbox(elem_id="show")
                show.submit(lambda text: text, inputs=show, outputs=wanted)
                keep.click(lambda: ([REFERENCE], REFERENCE), outputs=[library, wanted])
    own = {"routes": routes()} if request.param == "browser" else {}
    _, local, _ = demo.launch(
        prevent_thread_lock=True, quiet=True, run_history=False, ssr_mode=False, app_kwargs=own
    )
    yield local.rstrip("/")
    demo.close()


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(600_000)
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.goto(url)
    page.wait_for_function(READY)
    page.wait_for_selector("input[data-direction='0']")
    yield page
    context.close()
    assert failures == []


def shown(page: Page) -> str:
    return str(page.evaluate(PIXELS))


def after(page: Page, before: str) -> str:
    """The picture once it is another one and the page asks for nothing more."""
    page.wait_for_function(f"old => {PIXELS} !== old", arg=before)
    page.wait_for_function(READY)
    return shown(page)


def test_slide_undo_link_and_reset(page: Page) -> None:
    first = shown(page)
    assert page.locator("input[data-direction]").count() == 10
    page.locator("input[data-direction='0']").fill("2.5")
    moved = after(page, first)
    page.locator(".explore-truncation").fill("0.6")
    both = after(page, moved)
    page.wait_for_function("location.search.includes('psi=0.6')")
    link = page.input_value(".explore-link")
    assert "edits=2.5" in link
    page.click(".explore-undo")
    assert after(page, both) == moved
    page.keyboard.press("Control+z")
    assert after(page, moved) == first
    page.keyboard.press("Control+y")
    assert after(page, first) == moved
    page.click(".explore-reset")
    assert after(page, moved) == first
    page.goto(link)
    page.wait_for_function(f"both => document.querySelector('{SHOWN}') && {PIXELS} === both", arg=both)
    assert page.input_value("input[data-direction='0']") == "2.5"


def test_a_slider_shows_on_its_strip_what_it_does(page: Page) -> None:
    strip = page.locator(".explore-slider:has(input[data-direction='1']) .explore-strip canvas")
    expect(strip).to_have_count(5)
    before = strip.nth(4).evaluate("canvas => canvas.toDataURL()")
    first = shown(page)
    strip.nth(4).click()
    assert after(page, first) == before
    page.locator(".explore-next").click()
    last = ".explore-slider:has([data-direction='1']) canvas:nth-child(5)"
    page.wait_for_function(f'old => document.querySelector("{last}").toDataURL() !== old', arg=before)


def test_neighbours_raw_coordinates_and_the_walk(page: Page) -> None:
    first = shown(page)
    page.wait_for_selector(".explore-neighbours button")
    page.locator(".explore-neighbours button").nth(2).click()
    near = after(page, first)
    page.locator(".explore-switch").click()
    page.wait_for_selector("input[data-coordinate='11']")
    page.locator("input[data-coordinate='3']").fill("2.5")
    after(page, near)
    page.wait_for_function("location.search.includes('raw=3:2.5')")
    page.locator(".explore-walk summary").click()
    page.fill(".explore-walk-seeds", "1, 2")
    page.click(".explore-walk-make")
    page.wait_for_selector(".explore-walk-image[src^=data]")
    content = b64decode(str(page.get_attribute(".explore-walk-image", "src")).split(",")[1])
    assert Image.open(BytesIO(content)).n_frames > 10
    page.fill(".explore-walk-seeds", "what?")
    page.click(".explore-walk-make")
    page.wait_for_selector(".explore-error:not([hidden])")
    assert "is not a seed" in page.inner_text(".explore-error")


def test_a_kept_checkpoint_appears_and_opens_with_its_classes(page: Page) -> None:
    first = shown(page)
    page.get_by_role("tab", name="Other").click()
    page.click("#keep")
    after(page, first)
    page.get_by_role("tab", name="Explore").click()
    page.wait_for_selector("select.explore-class")
    assert page.input_value(".explore-checkpoint") == REFERENCE
    before = shown(page)
    page.select_option("select.explore-class", label="bag")
    after(page, before)
    assert "Zalando" in page.inner_text(".explore-credit")


def test_an_own_slider_is_kept_with_the_checkpoint(page: Page) -> None:
    first = shown(page)
    # Both kinds of page keep theirs with one checkpoint.
    kept = len(describe(load_reference(REFERENCE))["kept"])
    name = f"longer sleeves {kept}"
    page.get_by_role("tab", name="Other").click()
    page.click("#keep")
    before = after(page, first)
    page.get_by_role("tab", name="Explore").click()
    page.locator(f"input[data-direction='{2 + kept}']").fill("3")
    after(page, before)
    page.locator(".explore-methods").get_by_text("Yours").click()
    page.fill(".explore-own-name", name)
    page.click(".explore-own-moved")
    page.get_by_role("button", name="Keep with the checkpoint").click()
    expect(page.get_by_role("button", name="Keep with the checkpoint")).to_have_count(0)
    assert name in [each["name"] for each in describe(load_reference(REFERENCE))["kept"]]
    # Another browser, which remembers nothing of its own, finds it with the checkpoint.
    page.evaluate("localStorage.clear()")
    page.goto(page.url.split("?")[0] + f"?checkpoint={REFERENCE}")
    page.wait_for_function(READY)
    page.locator(".explore-methods").get_by_text("Yours").click()
    slider = page.locator(".explore-slider", has_text=name)
    expect(slider.first).to_contain_text("kept with the checkpoint")


def test_a_whole_state_can_be_opened_again_and_again_and_read(page: Page) -> None:
    first = shown(page)
    state = {
        "checkpoint": CATS,
        "base": encode_latent(latents([9], 16)[0]),
        "edits": [1.5],
        "truncation": 0.9,
    }
    before = first
    for _ in range(2):
        page.get_by_role("tab", name="Other").click()
        page.fill("#show textarea, #show input", json.dumps(state))
        page.press("#show textarea, #show input", "Enter")
        moved = after(page, before)
        page.get_by_role("tab", name="Explore").click()
        told = page.evaluate("document.querySelector('#explore').atelierState()")
        assert ExplorerState.from_json(told) == ExplorerState.from_json(state)
        page.click(".explore-undo")
        assert after(page, moved) == first
        before = first
        state["edits"] = [-1.5]
    for wrong in ("{", '{"checkpoint": 5}'):
        page.get_by_role("tab", name="Other").click()
        page.fill("#show textarea, #show input", wrong)
        page.press("#show textarea, #show input", "Enter")
        page.wait_for_function("document.querySelector('.explore-error').textContent.endsWith('.')")
        page.get_by_role("tab", name="Explore").click()
        page.click(".explore-next")
        page.wait_for_function("document.querySelector('.explore-error').textContent === ''")


def test_a_link_to_nothing_says_so_and_shows_what_there_is(page: Page, url: str) -> None:
    page.goto(f"{url}/?checkpoint=gone&seed=4&edits=x,NaN")
    page.wait_for_selector("input[data-direction='0']")
    page.wait_for_function(READY)
    assert "gone" in page.inner_text(".explore-error")


def test_the_picture_stays_in_view_on_a_phone(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.locator("input[data-direction='9']").scroll_into_view_if_needed()
    box = page.locator(SHOWN).bounding_box()
    assert box is not None
    assert -1 <= box["y"] <= 40
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_endpoint_draws_for_a_client(url: str, tmp_path: Path) -> None:
    client = Client(url, verbose=False, download_files=str(tmp_path))
    path = client.predict(CATS, 5, 0.8, 0, [0.5], api_name="/sample")
    assert Image.open(path).size == (32, 32)
    with pytest.raises(Exception, match=r"not here|no longer"):
        client.predict("gone", 5, 0.8, 0, [], api_name="/sample")
