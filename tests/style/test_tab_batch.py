"""Several photos with one recipe: each is painted, one that fails does not stop the rest, Stop keeps them."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from style import shipped, tab_batch
from style.jobs import JobBook
from style.output import RECIPE_KEY
from style.recipe import Recipe

PAINTING = str(shipped.paintings()[0].path)
PHOTO = shipped.photos()[0].path
VALUES = (128, 1.0, 0.25, 60, 1.0, 30.0, 10.0, 0.3, "instant", "notebook", 0, "painting", "painting", 1.0)
QUEUES = ("quick", "slow")


@pytest.fixture(autouse=True)
def temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "gradio"))


@pytest.fixture
def photos(tmp_path: Path) -> list[str]:
    """Two of the same name in folders of their own, as the page keeps uploads."""
    paths = []
    for number in range(2):
        path = tmp_path / str(number) / "photo.jpg"
        path.parent.mkdir()
        with Image.open(PHOTO) as image:
            image.resize((120, 80)).rotate(180 * number).save(path)
        paths.append(str(path))
    return paths


def paint_all(
    files: list[str], preset: str = "instant", painting: str | None = PAINTING, book: JobBook | None = None
) -> Any:
    pictures = (None, painting, None, None, None, 1.0, 1.0, 1.0, 1.0, None)
    return tab_batch.paint_all(book or JobBook(), "ticket", files, *pictures, preset, *VALUES)


def test_every_photo_is_painted_and_a_bad_file_is_told(photos: list[str], tmp_path: Path) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_text("no picture")
    *_, last = paint_all([photos[0], str(bad), photos[1]])
    message, progress, gallery, download = last
    assert "bad.jpg: " in message
    assert "2 of 3 painted" in progress
    with zipfile.ZipFile(download.value["path"]) as archive:
        assert archive.namelist() == ["photo.png", "photo-2.png"]
        for name in archive.namelist():
            with archive.open(name) as file, Image.open(file) as image:
                assert image.size == (128, 85)
                assert Recipe.from_json(image.info[RECIPE_KEY]).mode == "instant"
    assert len(gallery.value) == 2


def test_stop_keeps_what_is_painted(photos: list[str]) -> None:
    book = JobBook()
    steps = paint_all(photos, book=book)
    while (values := next(steps))[2] == tab_batch._AS_BEFORE[2]:
        pass
    assert "1 of 2 painted" in values[1]
    book.stop("ticket")
    *_, last = steps
    assert "1 of 2 painted" in last[1]
    with zipfile.ZipFile(last[3].value["path"]) as archive:
        assert archive.namelist() == ["photo.png"]
    assert not book.knows("ticket")


def test_a_closed_page_leaves_no_work_running(photos: list[str]) -> None:
    book = JobBook()
    steps = paint_all(photos, preset="studio", book=book)
    next(steps)
    assert book.knows("ticket")
    job = book._jobs["ticket"]
    steps.close()
    assert not book.knows("ticket")
    assert job.wait(60)


@pytest.mark.parametrize(
    ("count", "preset", "painting", "sentence"),
    [
        (1, "instant", None, "choose a painting"),
        (21, "instant", PAINTING, "At most 20 photos"),
        (16, "studio", PAINTING, "at most 15 photos"),
        (1, "c", PAINTING, "The lesson takes minutes"),
    ],
)
def test_what_cannot_be_painted_gets_a_sentence(
    count: int, preset: str, painting: str | None, sentence: str
) -> None:
    (only,) = paint_all([str(PHOTO)] * count, preset, painting)
    assert sentence in only[0]


def test_without_photos_there_is_no_ticket() -> None:
    ticket, message, *_ = tab_batch._prepare(QUEUES, None, "studio")
    assert ticket == ""
    assert "drop some photos" in message
    assert tab_batch._prepare(QUEUES, ["a"], "instant")[0].startswith("quick ")
    assert tab_batch._prepare(QUEUES, ["a"], "studio")[0].startswith("slow ")
