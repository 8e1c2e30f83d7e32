"""The part of the Train tab where visitors choose pictures of their own: files, or a data set on the Hub."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any

import gradio as gr

from checkpoints.errors import CheckpointError
from checkpoints.tab_common import sits_here
from gan import uploads
from gan.augmentation import share_for
from gan.config import FROM_A_CHECKPOINT
from gan.datasets import Dataset, real_examples, to_unit
from gan.errors import GanError
from gan.how_many import advice, beginning_for
from gan.hub_pictures import MOST_PICTURES, USUAL_PICTURES, Fetched, fetching
from gan.model import load_reference
from gan.own_pictures import SUFFIXES, own_pictures
from gan.train_form import OWN
from gan.train_view import EXAMPLES, in_words, strip_html, trouble_html

UPLOAD_SIDE = 64
FITS = [("Cut a square out of the middle", "centre"), ("Keep all of it, with white borders", "whole")]
OPTIONS = [
    ("A mirrored picture is as good (not for text, digits or one-sided things)", "mirror"),
    ("Learn them in grey", "grey"),
]
# Public, of parquet, and small enough; the first is the lesson's task: one class in colour.
KNOWN = ("uoft-cs/cifar10", "huggan/smithsonian_butterflies_subset", "huggan/few-shot-art-painting")
ALL_KINDS = ("All of them", "")
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
READING: dict[str, Any] = {
    "concurrency_id": "uploads", "concurrency_limit": 1, "api_visibility": "private",
}  # fmt: skip


@dataclass(frozen=True)
class Own:
    """The components; those of `shown` belong to the data that are chosen."""

    picked: gr.Column
    files: gr.File
    folder: gr.UploadButton
    hub: gr.Group
    name: gr.Textbox
    kind: gr.Dropdown
    most: gr.Slider
    fetch: gr.Button
    stop: gr.Button
    fit: gr.Radio
    options: gr.CheckboxGroup

    def shown(self) -> list[Any]:
        """What `show` makes visible or hides, in its order."""
        return [self.picked, self.hub, self.fit, self.options]


def lay_out() -> Own:
    """How pictures are to be used, file field and name of a data set; hidden while the data are others."""
    fit = gr.Radio(
        FITS, value="centre", label="How a picture becomes square", visible=False, elem_id="train-fit"
    )
    options = gr.CheckboxGroup(OPTIONS, label="These pictures", visible=False, elem_id="train-mirror")
    with gr.Column(visible=False) as picked:
        files = gr.File(
            label="16 pictures or more, or one zip",
            file_count="multiple", file_types=["image", ".zip"], height=140, elem_id="train-files",
        )  # fmt: skip
        folder = gr.UploadButton(
            "Choose a folder, with all that lies in it", file_count="directory", size="sm",
            elem_id="train-folder",
        )  # fmt: skip
    with gr.Group(visible=False, elem_id="train-hub") as hub:
        name = gr.Textbox(
            label="Data set on the Hugging Face Hub",
            info="The name on its page, owner/name, or the page's link. It must hold pictures: for instance "
            f"{', '.join(KNOWN)}.",
            placeholder=KNOWN[0],
            max_lines=1, max_length=300, elem_id="train-hub-name",
        )  # fmt: skip
        most = gr.Slider(
            100, MOST_PICTURES, USUAL_PICTURES, step=100, label="At most so many pictures",
            info="Taken from all over the data set. More take longer to fetch and show more.",
            elem_id="train-hub-most",
        )  # fmt: skip
        kind = gr.Dropdown(
            [ALL_KINDS], value="", label="Which of its pictures",
            info="A choice fetches them anew. Of all kinds together the networks are told which is which.",
            visible=False, elem_id="train-hub-kind",
        )  # fmt: skip
        with gr.Row():
            fetch = gr.Button("Fetch pictures", elem_id="train-hub-fetch")
            stop = gr.Button("Stop, and use these", visible=False, elem_id="train-hub-stop")
    return Own(picked, files, folder, hub, name, kind, most, fetch, stop, fit, options)


def connect(
    own: Own,
    data: gr.Radio,
    upload_id: gr.State,
    strip: gr.HTML,
    augment: Any,
    resolution: gr.Radio,
    recipe: gr.Radio,
    beginning: gr.Dropdown,
) -> None:
    """Read what the visitor chooses, and set the recipe that so many pictures want."""
    fetching_id = gr.State("")
    understood = [upload_id, strip, augment]
    asked = [data, upload_id, resolution, own.options, recipe, beginning]
    gr.on(
        [own.files.change, own.fit.change],
        read_again,
        [data, own.files, own.fit],
        understood,
        show_progress_on=own.files,
        **READING,
    ).then(usual_recipe, asked, recipe, **QUIET)
    own.folder.upload(pictures_of, own.folder, [own.files, strip], **QUIET)
    gr.on(
        [own.fetch.click, own.name.submit, own.kind.input],
        fetch,
        [own.name, own.most, own.fit, own.kind],
        [fetching_id, *understood, own.kind, own.fetch, own.stop],
        show_progress="hidden",
        **READING,
    ).then(usual_recipe, asked, recipe, **QUIET)
    own.name.input(lambda: gr.update(value="", visible=False), None, own.kind, queue=False, **QUIET)
    own.stop.click(stop_fetching, fetching_id, own.stop, queue=False, **QUIET)
    gr.on([own.options.input, resolution.input], recipe_that_fits, asked, recipe, **QUIET)


def show(data: str) -> list[Any]:
    """Which components of `Own.shown` belong to the chosen data."""
    own = data in OWN
    visible = [data == "own", data == "hub", own, own]
    return [gr.update(visible=each) for each in visible]


def upload_of(data: str, upload_id: str) -> Dataset:
    """The visitor's pictures, if they are of the kind that is chosen.

    Raises:
        GanError: when there are none, or they came from elsewhere.
    """
    if data == "hub" and not upload_id:
        raise GanError("Fetch a data set first: type its name, then press Fetch pictures.")
    dataset = uploads.open_upload(upload_id)
    if dataset.name.startswith("hub:") != (data == "hub"):
        raise GanError("Choose your pictures first: several files, one zip, or a data set on the Hub.")
    return dataset


def strip_of(data: str, upload_id: str) -> str:
    """Some of the visitor's pictures and what is to be said about them; empty while there are none."""
    try:
        return understood_html(upload_of(data, upload_id))
    except GanError:
        return ""


def understood_html(dataset: Dataset) -> str:
    """Some of the pictures, what was left out and why, and whether they are enough."""
    return strip_html(real_examples(dataset, EXAMPLES), f"{dataset.note} {advice(len(dataset))}")


def classes_of(data: str, upload_id: str) -> int:
    """How many classes the visitor's pictures are told to be of; 0 while there are none."""
    try:
        return len(upload_of(data, upload_id).classes) if data in OWN else 0
    except GanError:
        return 0


def augment_for(upload_id: str) -> float:
    """How many of the visitor's pictures should be changed at random; none while there are none."""
    try:
        return round(share_for(len(uploads.open_upload(upload_id))), 2)
    except GanError:
        return 0.0


def read_again(data: str, files: Sequence[str] | None, fit: str) -> tuple[Any, Any, Any]:
    """`understand`, unless the pictures come from the Hub: these must be fetched again."""
    if data == "hub":
        return "", trouble_html("Press Fetch pictures to read them this way."), gr.skip()
    return understand(files, fit)


def pictures_of(files: Sequence[str] | None) -> tuple[Any, Any]:
    """The pictures and zips among the files of a folder, and what is to be said where there are none."""
    found = [str(file) for file in files or () if str(file).lower().endswith((*SUFFIXES, ".zip"))]
    if not found:
        return gr.skip(), trouble_html("There are no pictures in this folder; choose another one.")
    return found, gr.skip()


def understand(files: Sequence[str] | None, fit: str = "centre") -> tuple[str, str, Any]:
    """Read the visitor's pictures; returns their id, what was understood or why nothing was, and the share of
    them to change at random so that the discriminator does not learn them by heart.
    """
    if not files:
        return "", "", gr.skip()
    try:
        dataset = own_pictures(files, UPLOAD_SIDE, fit=fit)
        upload_id = uploads.save_upload(dataset)
    except GanError as error:
        return "", trouble_html(str(error)), gr.skip()
    return upload_id, understood_html(dataset), augment_for(upload_id)


def usual_recipe(
    data: str, upload_id: str, resolution: int, options: Any, recipe: str, start_from: str
) -> Any:
    """The recipe for pictures that have just been chosen: few begin with a checkpoint, where one fits."""
    try:
        few = beginning_for(_in_the_colours_asked(data, upload_id, options))
    except GanError:
        return gr.skip()
    if few and recipe != FROM_A_CHECKPOINT:
        return FROM_A_CHECKPOINT
    return recipe_that_fits(data, upload_id, resolution, options, recipe, start_from)


def recipe_that_fits(
    data: str, upload_id: str, resolution: int, options: Any, recipe: str, start_from: str
) -> Any:
    """Another recipe where the checkpoint to begin with does not draw what is asked for."""
    if recipe != FROM_A_CHECKPOINT or not isinstance(start_from, str) or not start_from:
        return gr.skip()
    try:
        pictures, model = _in_the_colours_asked(data, upload_id, options), load_reference(start_from)
    except (GanError, CheckpointError):
        return gr.skip()
    shape = (pictures.images.shape[1], int(resolution), len(pictures.classes))
    if shape == (model.config.channels, model.config.resolution, model.config.classes):
        return gr.skip()
    return "in-five-minutes" if shape[1] == UPLOAD_SIDE else "in-a-minute"


def wants(options: Any, name: str) -> bool:
    """Whether the visitor has ticked one of `OPTIONS`."""
    return isinstance(options, list) and name in options


def _in_the_colours_asked(data: str, upload_id: str, options: Any) -> Dataset:
    """The visitor's pictures with as many channels as are to be learned; only their shape counts here."""
    pictures = upload_of(data, upload_id)
    return replace(pictures, images=pictures.images[:, :1]) if wants(options, "grey") else pictures


def fetch(
    name: str, most: float, fit: str, kind: str = "", request: gr.Request | None = None
) -> Iterator[tuple[Any, ...]]:
    """Fetch a data set from the Hub; yields an id for a stop, then as `understand`, kinds, both buttons."""
    fetching_id = secrets.token_hex(16)
    buttons = gr.update(interactive=False), gr.update(visible=True)
    idle = gr.update(interactive=True), gr.update(visible=False)
    nothing = gr.skip()
    kinds: tuple[str, ...] = ()
    steps = fetching(
        name,
        UPLOAD_SIDE,
        kind=kind if isinstance(kind, str) else "",
        most=int(most or USUAL_PICTURES),
        fit=fit,
        token=None if sits_here(request) else False,
        should_stop=lambda: uploads.is_stopped(fetching_id),
    )
    try:
        while True:
            try:
                told = next(steps)
            except StopIteration as end:
                dataset: Dataset = end.value
                break
            kinds = told.kinds
            yield fetching_id, nothing, fetched_html(told), nothing, nothing, *buttons
        upload_id = uploads.save_upload(dataset)
    except GanError as error:
        yield "", "", trouble_html(str(error)), nothing, nothing, *idle
        return
    finally:
        steps.close()
        uploads.forget_stop(fetching_id)
    yield "", upload_id, understood_html(dataset), augment_for(upload_id), kinds_to_choose(kinds, kind), *idle


def kinds_to_choose(kinds: Sequence[str], kind: str) -> Any:
    """The list of kinds of which a data set says that it has pictures; hidden where it says nothing."""
    if not kinds:
        return gr.update(visible=False)
    return gr.update(choices=[ALL_KINDS, *((each, each) for each in kinds)], value=kind, visible=True)


def fetched_html(told: Fetched) -> str:
    """How far the fetching is."""
    left = "" if told.seconds_left is None else f" About {in_words(told.seconds_left)} left."
    if told.examples is None:
        return f'<div class="strip" role="status"><p>{escape(told.text)}</p></div>'
    return strip_html(to_unit(told.examples), f"{told.text}{left}")


def stop_fetching(fetching_id: str) -> Any:
    """Let the fetching end with what it has."""
    uploads.ask_to_stop(fetching_id)
    return gr.update(visible=False)
