"""Pictures of one's own in a real browser: a folder of photos, a data set on the Hub, and a training afar."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.hub_server import HubServer

ROOT = Path(__file__).resolve().parents[2]
PHOTOS = sorted((ROOT / "data" / "pictures" / "photos").glob("*.jpg"))
IMAGE = "document.querySelector('#train-live img.samples')?.src"
CHANGED = f"before => {{ const now = {IMAGE}; return now && now !== before; }}"
FITS = "document.documentElement.scrollWidth <= innerWidth"


def open_tab(page: Page, data: str) -> None:
    page.get_by_role("tab", name="Train").click()
    page.locator("#train-start").wait_for(state="visible")
    page.locator("#train-data").get_by_text(data).click()


def pieces() -> list[Image.Image]:
    """Four pieces of each photo."""
    found = []
    for path in PHOTOS:
        photo = Image.open(path).convert("RGB")
        width, height = photo.width // 2, photo.height // 2
        for left, top in ((0, 0), (width, 0), (0, height), (width, height)):
            found.append(photo.crop((left, top, left + width, top + height)).resize((96, 80)))
    return found


def encoded(picture: Image.Image, kind: str = "JPEG") -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind)
    return stream.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two dozen good pictures, half of them one folder deeper, and what lies about in a folder otherwise."""
    folder = tmp_path / "holidays"
    (folder / "more").mkdir(parents=True)
    for number, piece in enumerate(pieces()):
        (folder / ("more" if number % 2 else "") / f"{number}.jpg").write_bytes(encoded(piece))
    (folder / "cut.jpg").write_bytes(encoded(pieces()[0])[:1500])
    (folder / "tiny.png").write_bytes(encoded(pieces()[0].resize((20, 20)), "PNG"))
    (folder / "notes.txt").write_text("Thursday: rain")
    return folder


def test_a_folder_of_photos_is_understood_learned_and_kept(any_page: Page, folder: Path) -> None:
    page = any_page
    open_tab(page, "My own pictures")
    with page.expect_file_chooser() as chooser:
        page.locator("#train-folder").click()
    chooser.value.set_files(folder)
    strip = page.locator("#train-strip")
    expect(strip).to_contain_text("24 of 26 pictures used")
    expect(strip).to_contain_text("1 was not readable, 1 was too small")
    expect(strip).to_contain_text("cut.jpg: This picture is damaged")
    expect(strip).to_contain_text("24 pictures are very few")
    expect(page.locator("#train-recipe").get_by_label("From a checkpoint")).to_be_checked()
    expect(page.locator("#train-resolution").get_by_label("64 px")).to_be_checked()
    expect(page.locator("#train-recipe-note")).to_contain_text("draws colour pictures of 64 px")
    assert page.evaluate(FITS)

    page.locator("#train-mirror").get_by_text("Learn them in grey").click()
    expect(page.locator("#train-recipe").get_by_label("In five minutes")).to_be_checked()
    page.locator("#train-resolution").get_by_text("32 px").click()
    page.locator("#train-recipe").get_by_text("The lesson's MLP").click()
    expect(page.locator("#train-recipe-note")).to_contain_text("fully connected")
    page.locator("#train-start").click()
    page.wait_for_function(CHANGED, arg="")
    first = page.evaluate(f"() => {IMAGE}")
    page.wait_for_function(CHANGED, arg=first)
    expect(page.locator("#train-message")).to_have_text("")
    page.locator("#train-stop").click()
    page.locator("#train-keep").wait_for(state="visible")
    page.locator("#train-name input, #train-name textarea").first.fill("Holidays")
    page.locator("#train-keep").click()
    expect(page.locator("#train-kept")).to_contain_text("Kept")
    assert page.evaluate(FITS)


def things() -> dict[str, bytes]:
    """A labelled data set as the `datasets` library writes one of CIFAR-10."""
    names = ["left half", "right half"]
    rows = [{"bytes": encoded(piece.resize((32, 32)), "PNG"), "path": None} for piece in pieces() * 2]
    told = {"info": {"features": {"label": {"names": names, "_type": "ClassLabel"}}}}
    labels = pa.array([number % 2 for number in range(len(rows))])
    table = pa.table({"img": pa.array(rows), "label": labels})
    stream = io.BytesIO()
    metadata = {"huggingface": json.dumps(told)}
    pq.write_table(table.replace_schema_metadata(metadata), stream, row_group_size=30)
    return {"plain_text/train-0.parquet": stream.getvalue(), "README.md": b"---\nlicense: cc0-1.0\n---\n"}


def test_a_data_set_on_the_hub_is_learned_by_name_whole_or_one_kind_of_it(
    any_page: Page, hub: HubServer
) -> None:
    page = any_page
    hub.add("datasets/ann/things", things())
    open_tab(page, "A data set on the Hub")
    expect(page.locator("#train-hub").first).to_contain_text("uoft-cs/cifar10")
    expect(page.locator("#train-hub-kind")).to_be_hidden()
    page.locator("#train-hub-name input, #train-hub-name textarea").first.fill("ann/things")
    page.locator("#train-hub-fetch").click()
    strip = page.locator("#train-strip")
    expect(strip).to_contain_text("48 of 48 pictures used")
    expect(strip).to_contain_text("cc0-1.0")
    expect(strip).to_contain_text("2 kinds, and the networks are told which: left half, right half.")
    expect(page.locator("#train-recipe-note")).to_contain_text("told which of 2 classes")
    page.locator("#train-start").click()
    page.wait_for_function(CHANGED, arg="")
    page.locator("#train-stop").click()
    page.locator("#train-continue").wait_for(state="visible")

    page.locator("#train-hub-kind input").click()
    page.get_by_role("option", name="right half").click()
    expect(strip).to_contain_text("24 of 24 pictures used")
    expect(page.locator("#train-recipe").get_by_label("From a checkpoint")).to_be_checked()
    assert page.evaluate(FITS)


def test_a_training_on_another_machine_is_watched(any_page: Page, hub: HubServer) -> None:
    page = any_page
    files = {path.name: path.read_bytes() for path in (ROOT / "checkpoints" / "cats").iterdir()}
    config = json.loads(files["config.json"])

    def push(step: int) -> None:
        config["training"]["step"] = step
        hub.add("ann/afar", files | {"config.json": json.dumps(config).encode()})

    push(1234)
    page.get_by_role("tab", name="Train").click()
    page.locator("#train-afar").get_by_role("button", name="Watch a training on another machine").click()
    name = page.locator("#train-afar-name input, #train-afar-name textarea").first
    name.fill("ann/nobody")
    page.locator("#train-afar-watch").click()
    shown = page.locator("#train-afar-shown")
    expect(shown).to_contain_text("⚠️")
    name.fill("ann/afar")
    page.locator("#train-afar-watch").click()
    expect(shown).to_contain_text("1,234 steps")
    picture = shown.locator("img")
    assert picture.evaluate("image => image.complete && image.naturalWidth > 100")
    stop = page.locator("#train-afar").get_by_role("button", name="Stop watching")
    stop.click()
    expect(stop).to_be_hidden()
    push(5678)
    page.locator("#train-afar-watch").click()
    expect(shown).to_contain_text("5,678 steps")
    assert page.evaluate(FITS)
    stop.click()
