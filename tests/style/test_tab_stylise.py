"""The Stylise tab's functions: what they take from a page, what they show, and that nothing good is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from style import brush, shipped, tab, tab_finish, tab_pictures, tab_settings
from style.jobs import JobBook
from style.output import RECIPE_KEY
from style.recipe import Recipe

AS_PAINTED = ("painting", "painting", 1.0)
VALUES = (128, 1.0, 0.5, 5, 1.0, 30.0, 20.0, 0.3, "photo", "notebook", 0, *AS_PAINTED)
EVERYWHERE = (1.0, 1.0, 1.0, 1.0)
PHOTO, PAINTING = (str(item.path) for item in shipped.pairs()[0])
MESSAGE, COMPARE, DOWNLOAD, KEPT = 5, 3, 4, 6


@pytest.fixture(autouse=True)
def temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "gradio"))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two steps a scale instead of five seconds."""
    read = tab_settings.read
    monkeypatch.setattr(tab_settings, "read", lambda *asked: Recipe(**{**vars(read(*asked)), "steps": 2}))


def asked(
    photo: str | None, *paintings: str | None, mix: tuple[float, ...] = EVERYWHERE, brushed: Any = None
) -> tuple[Any, ...]:
    """The values of the picture fields as a page sends them."""
    empty = (None,) * (4 - len(paintings))
    return photo, *paintings, *empty, *mix, brushed


def paint(
    book: JobBook, preset: str, values: tuple[Any, ...], pictures: tuple[Any, ...] | None = None
) -> Any:
    return tab._paint(book, "ticket", *(pictures or asked(PHOTO, PAINTING)), preset, *values)


def test_what_is_missing_is_said_and_nothing_begins() -> None:
    for photo, painting, missing in ((None, PAINTING, "photo"), (PHOTO, None, "painting")):
        ticket, message, progress, button = tab._prepare("studio", *asked(photo, painting))
        assert ticket == ""
        assert f"choose a {missing}" in message
        assert progress == button == gr.skip()


def test_every_visitor_gets_a_ticket_of_his_own() -> None:
    tickets = {tab._prepare("studio", *asked(PHOTO, PAINTING))[0] for _ in range(10)}
    assert len(tickets) == 10
    assert all(ticket.startswith(tab._SLOW) for ticket in tickets)
    assert tab._prepare("instant", *asked(PHOTO, PAINTING))[0].startswith(tab._INSTANT)


def test_a_bad_file_brings_the_picture_before_it_back(tmp_path: Path) -> None:
    fake = tmp_path / "photo.jpg"
    fake.write_text("no picture")
    shown, kept, message = tab_pictures.accept(str(fake), PHOTO)
    assert (shown, kept) == (PHOTO, PHOTO)
    assert "not a picture" in message
    assert tab_pictures.accept(None, PHOTO) == (gr.skip(), None, gr.skip())


def test_an_upload_is_shown_upright_with_its_transparency(tmp_path: Path) -> None:
    turned = tmp_path / "turned.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (80, 40), "red").save(turned, exif=exif)
    shown, kept, message = tab_pictures.accept(str(turned), None)
    assert (shown, message) == (kept, "")
    assert Image.open(shown).size == (40, 80)

    clear = tmp_path / "clear.png"
    Image.new("RGBA", (60, 30), (10, 20, 30, 0)).save(clear)
    assert Image.open(tab_pictures.accept(str(clear), None)[0]).getchannel("A").getextrema() == (0, 0)


def test_of_an_animation_the_visitor_hears_what_is_used(tmp_path: Path) -> None:
    film = tmp_path / "film.gif"
    frames = [Image.new("RGB", (40, 40), colour) for colour in ("red", "blue", "green")]
    frames[0].save(film, save_all=True, append_images=frames[1:])
    assert "first of several frames" in tab_pictures.accept(str(film), None)[2]


def test_large_uploads_are_kept_small(tmp_path: Path) -> None:
    large = tmp_path / "large.png"
    Image.new("L", (4000, 1000), 90).save(large)
    assert Image.open(tab_pictures.accept(str(large), None)[0]).size == (2048, 512)


def test_the_page_s_numbers_become_a_recipe() -> None:
    values = (256.0, 1.5, 0.2, 30, 2, 40, 10, 0.5, "noise", "quick", 7.0, "photo", "painting", 0.5)
    recipe = tab_settings.read("studio", (0.5, 1.0), values)
    assert recipe == Recipe(
        size=256,
        style_scale=1.5,
        strokes=0.2,
        weights=(0.5, 1.0),
        seconds=30,
        content_weight=2,
        style_weight=40,
        variation_weight=10,
        edge_weight=0.5,
        lesson_pace="quick",
        start="noise",
        seed=7,
        colours="photo",
        strength=0.5,
    )
    lesson = tab_settings.read("b", (), VALUES)
    assert (lesson.mode, lesson.lesson_run, lesson.seed) == ("lesson", "b", 0)
    assert lesson.lesson_pace == "notebook"


def test_a_picture_is_painted_shown_and_kept(quick: None) -> None:
    book = JobBook()
    shown = list(paint(book, "studio", VALUES))
    assert all(len(values) == 10 for values in shown)
    assert "data:image/jpeg" in shown[0][0]
    *_, last, scored = shown
    assert "Done." in last[1]
    assert "% of the painting" in scored[1]
    before, after = last[COMPARE].value
    with Image.open(_path(before)) as photo, Image.open(_path(after)) as painted:
        assert photo.size == painted.size
        assert max(painted.size) == 128
        assert Recipe.from_json(painted.info[RECIPE_KEY]).size == 128
        difference = np.abs(np.asarray(photo, np.float32) - np.asarray(painted.convert("RGB"), np.float32))
    assert difference.mean() > 0.5
    assert "cat_x_great_wave" in str(last[DOWNLOAD].value)
    assert [Path(_path(film.value)).suffix for film in scored[-2:]] == [".gif", ".mp4"]


def _path(value: Any) -> str:
    return str(value["path"] if isinstance(value, dict) else getattr(value, "path", value))


def test_stopped_while_it_waits_it_never_begins() -> None:
    book = JobBook()
    book.stop("ticket")
    (only,) = paint(book, "studio", VALUES)
    assert "before it began" in only[MESSAGE]


def test_stopped_while_it_paints_it_keeps_what_it_has() -> None:
    book = JobBook()
    painting = paint(book, "studio", (*VALUES[:3], 900, *VALUES[4:]))
    next(painting)
    book.stop("ticket")
    *_, last, _ = painting
    assert "kept" in last[1]
    assert Path(_path(last[COMPARE].value[1])).is_file()


@pytest.mark.parametrize("values", [(*VALUES[:4], 99.0, *VALUES[5:]), (None, *VALUES[1:])])
def test_settings_that_no_slider_can_send_get_a_sentence(values: tuple[Any, ...]) -> None:
    (only,) = paint(JobBook(), "studio", values)
    assert "setting" in only[MESSAGE]


def test_a_picture_that_has_gone_gets_a_sentence() -> None:
    (only,) = paint(JobBook(), "studio", VALUES, asked("/gone.png", PAINTING))
    assert "cannot be opened" in only[MESSAGE]


def test_all_nine_paintings_and_every_pair_are_there() -> None:
    assert len(shipped.paintings()) == 9
    for item in (*shipped.paintings(), *shipped.photos()):
        assert item.path.is_file()
        assert item.title


def test_what_is_finished_in_another_way_is_not_painted_again(
    quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    *_, last, _ = paint(JobBook(), "studio", VALUES)
    kept = last[KEPT]
    as_painted = _pixels(last[COMPARE].value[1])

    def fail(*_: object) -> None:
        raise AssertionError("nothing may be painted again")

    monkeypatch.setattr(tab, "stylise", fail)
    pictures = {}
    for choice in (("photo", "painting", 1.0), ("palette", "painting", 1.0), ("painting", "photo", 1.0)):
        shown, download, message = tab_finish.finish_again(kept, *choice)
        assert message == ""
        with Image.open(_path(download.value)) as picture:
            recipe = Recipe.from_json(picture.info[RECIPE_KEY])
        assert (recipe.colours, recipe.brightness, recipe.strength) == choice
        pictures[choice] = _pixels(shown.value[1])
        assert np.abs(pictures[choice] - as_painted).mean() > 0.3
    undone = tab_finish.finish_again(kept, *AS_PAINTED)[0]
    assert np.abs(_pixels(undone.value[1]) - as_painted).max() == 0
    nothing_left = tab_finish.finish_again(kept, "painting", "painting", 0.0)[0]
    assert np.abs(_pixels(nothing_left.value[1]) - _pixels(kept.before)).max() <= 1


def test_the_first_picture_has_the_finishing_that_is_set(quick: None) -> None:
    values = (*VALUES[: -len(AS_PAINTED)], "photo", "painting", 0.0)
    *_, last, _ = paint(JobBook(), "studio", values)
    before, after = last[COMPARE].value
    assert np.abs(_pixels(after) - _pixels(before)).max() <= 1


def test_without_a_picture_there_is_nothing_to_finish() -> None:
    assert tab_finish.finish_again(None, "photo", "photo", 0.5) == (gr.skip(),) * 3


def test_a_value_that_no_page_sends_gets_a_sentence(quick: None) -> None:
    *_, last, _ = paint(JobBook(), "studio", VALUES)
    for choice in (("rainbow", "photo", 1.0), ("photo", "photo", 9.0), ("photo", "photo", None)):
        assert "must be" in tab_finish.finish_again(last[KEPT], *choice)[2]  # type: ignore[arg-type]


def test_a_painted_picture_sets_every_control_and_another_file_gets_a_sentence(quick: None) -> None:
    values = (256, 0.5, 0.1, 5, 2.0, 40.0, 10.0, 0.2, "noise", "notebook", 9, "palette", "photo", 0.5)
    *_, last, _ = paint(JobBook(), "studio", values)
    preset, *controls, message, slot = tab_settings.restore(_path(last[DOWNLOAD].value))
    assert (preset, tuple(controls), slot) == ("studio", (*values, *EVERYWHERE), None)
    assert "recipe" in message
    *kept, message, slot = tab_settings.restore(PHOTO)
    assert kept == [gr.skip()] * (5 + len(values))
    assert "recipe" in message
    assert tab_settings.restore(None) == (gr.skip(),) * (7 + len(values))


def test_an_instant_picture_needs_no_curves_and_paints_itself_again() -> None:
    shown = list(paint(JobBook(), "instant", VALUES))
    assert "data:image/jpeg" in shown[0][0]
    assert shown[0][2] == ""
    assert "% of the painting" in shown[-1][1]
    with Image.open(_path(shown[-2][COMPARE].value[1])) as picture:
        assert Recipe.from_json(picture.info[RECIPE_KEY]).mode == "instant"
    book = JobBook()
    assert tab._prepare_again(book, "ticket", "instant", *asked(PHOTO, PAINTING))[0]
    for preset, pictures in (("studio", asked(PHOTO, PAINTING)), ("instant", asked(PHOTO, None))):
        ticket, *others = tab._prepare_again(book, "ticket", preset, *pictures)
        assert (ticket, others) == ("", [gr.skip()] * 3)


def test_a_change_does_not_paint_over_a_job_that_runs() -> None:
    book = JobBook()
    painting = paint(book, "studio", (*VALUES[:3], 900, *VALUES[4:]))
    next(painting)
    assert tab._prepare_again(book, "ticket", "instant", *asked(PHOTO, PAINTING))[0] == ""
    book.stop("ticket")
    list(painting)
    assert tab._prepare_again(book, "ticket", "instant", *asked(PHOTO, PAINTING))[0]


def test_paintings_are_mixed_by_their_sliders_and_empty_slots_do_not_count() -> None:
    other = str(shipped.pairs()[1][1].path)
    chosen = tab_pictures.read(asked(PHOTO, None, PAINTING, None, other, mix=(0.1, 0.2, 0.3, 0.4)))
    assert (chosen.paintings, chosen.weights) == ((PAINTING, other), (0.2, 0.4))
    assert tab_pictures.read(asked(PHOTO, PAINTING, mix=(0.0, 1.0, 1.0, 1.0))).weights == ()
    pictures = {}
    for mix in ((1.0, 0.0, 1.0, 1.0), (0.0, 1.0, 1.0, 1.0)):
        shown = list(paint(JobBook(), "instant", VALUES, asked(PHOTO, PAINTING, other, mix=mix)))
        pictures[mix] = _pixels(shown[-2][COMPARE].value[1])
    first, second = pictures.values()
    assert np.abs(first - second).mean() > 5
    (only,) = paint(JobBook(), "instant", VALUES, asked(PHOTO, PAINTING, other, mix=(0.0,) * 4))
    assert "weight above 0" in only[MESSAGE]


def test_what_is_brushed_white_stays_the_photo() -> None:
    layer = Image.new("RGBA", (128, 128), (0, 0, 0, 0))
    layer.paste((*brush.KEEP, 153), (0, 0, 64, 128))
    pictures = asked(PHOTO, PAINTING, brushed={"background": None, "layers": [layer], "composite": None})
    shown = list(
        paint(JobBook(), "instant", (*VALUES[: -len(AS_PAINTED)], "palette", "photo", 1.0), pictures)
    )
    before, after = (_pixels(file) for file in shown[-2][COMPARE].value)
    width = before.shape[1]
    assert np.abs(before - after)[:, : width // 2 - 4].max() <= 1
    assert np.abs(before - after)[:, width // 2 + 4 :].mean() > 5
    kept = shown[-2][KEPT]
    again = tab_finish.finish_again(kept, "photo", "painting", 1.0)[0]
    assert np.abs(before - _pixels(again.value[1]))[:, : width // 2 - 4].max() <= 1


def _pixels(file: Any) -> np.ndarray[Any, Any]:
    with Image.open(_path(file)) as picture:
        return np.asarray(picture.convert("RGB"), np.float32)


def test_two_visitors_with_one_photo_share_no_file() -> None:
    brushes = [tab_pictures._to_brush(PHOTO) for _ in range(2)]
    backgrounds = [Path(brush["background"]) for brush in brushes if brush is not None]
    assert len(set(backgrounds)) == 2
    assert backgrounds[0].name != backgrounds[1].name
    assert tab_pictures.accept(PHOTO, None)[0] != tab_pictures.accept(PHOTO, None)[0]
