"""The pictures of the Stylise tab: the photo, up to four paintings and their mix, and what is brushed."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from gradio.components.image_editor import Brush, LayerOptions
from gradio.utils import get_upload_folder
from PIL import Image, ImageOps

from style import brush, shipped, view
from style.errors import StyleError
from style.images import fit, read_picture
from style.recipe import MOST_PAINTINGS
from style.regions import Regions
from style.restore import read_recipe
from style.tab_input import PictureInput

_LARGEST_KEPT = 2048
_LARGEST_BRUSHED = 640
# A photo, paintings and as many weights, and the brush.
INPUTS = 2 + 2 * MOST_PAINTINGS
_AT_ONCE: Any = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
_BRUSH_HELP = (
    "Brush over the photo. **White** keeps what it covers as it is, a face for instance. **Red, green, blue "
    "and yellow** say where the first, second, third and fourth painting acts, and it alone."
)


@dataclass(frozen=True)
class Pictures:
    """The fields.

    Attributes:
        mix: a slider for each painting.
        kept: the last good file of each picture.
        offer, offered: the button that takes over the recipe of an uploaded picture, and that picture's path.
    """

    photo: gr.Image
    paintings: list[gr.Image]
    mix: list[gr.Slider]
    brushed: gr.ImageEditor
    kept: list[gr.State]
    offer: gr.Button
    offered: gr.State

    @property
    def inputs(self) -> list[Any]:
        """The components that `read` takes its values from."""
        return [self.photo, *self.paintings, *self.mix, self.brushed]


@dataclass(frozen=True)
class Chosen:
    """What a visitor has chosen: paths of the pictures, a weight for each painting, and regions."""

    photo: str | None
    paintings: tuple[str, ...]
    weights: tuple[float, ...]
    regions: Regions


def read(values: tuple[Any, ...]) -> Chosen:
    """The values of `Pictures.inputs` without the empty slots."""
    photo, paintings, mix = values[0], values[1 : 1 + MOST_PAINTINGS], values[1 + MOST_PAINTINGS : -1]
    slots = [slot for slot, painting in enumerate(paintings) if painting is not None]
    weights = tuple(mix[slot] for slot in slots) if len(slots) > 1 else ()
    layers = (values[-1] or {}).get("layers") or []
    layer = np.asarray(layers[0]) if layers else None
    return Chosen(photo, tuple(paintings[slot] for slot in slots), weights, brush.read_brush(layer, slots))


def build() -> Pictures:
    """Lays out the fields."""
    with gr.Row():
        photo = _picture_input("Photo", "style-photo", ["upload", "webcam", "clipboard"], 220)
        first = _picture_input("Painting", "style-painting", ["upload", "clipboard"], 220)
    offer, offered = gr.Button(visible=False, size="sm", elem_id="style-offer"), gr.State(None)
    pairs, paintings = shipped.pairs(), shipped.paintings()
    sheets = [(_side_by_side(*pair), "") for pair in pairs]
    examples = _picker("Click a pair to try", sheets, 4, "style-examples")
    shown = [(str(item.path), item.title) for item in paintings]
    gallery = _picker("Or pick a painting", shown, 5, "style-paintings")
    caption = gr.Markdown("", elem_id="style-caption")
    with gr.Accordion("Mix several paintings", open=False, elem_id="style-mixing"):
        slot = gr.Radio(
            [(f"Painting {number}", number - 1) for number in range(1, MOST_PAINTINGS + 1)],
            value=0,
            label="A click on a painting above fills",
            elem_id="style-slot",
        )
        with gr.Row():
            others = [
                _picture_input(f"Painting {number}", f"style-painting-{number}", ["upload", "clipboard"], 140)
                for number in range(2, MOST_PAINTINGS + 1)
            ]
        mix = [_mix_slider(number) for number in range(1, MOST_PAINTINGS + 1)]
    slots = [first, *others]
    with gr.Accordion("Brush regions", open=False, elem_id="style-regions"):
        gr.Markdown(_BRUSH_HELP)
        brushed = _brush_field()
    kept = [gr.State(None) for _ in (photo, *slots)]

    def pick_pair(event: gr.SelectData) -> tuple[str, ...]:
        paths = tuple(str(item.path) for item in pairs[int(event.index)])
        return paths + paths

    def pick_painting(number: int, event: gr.SelectData) -> tuple[Any, ...]:
        chosen = paintings[int(event.index)]
        paths = [str(chosen.path) if index == number else gr.skip() for index in range(MOST_PAINTINGS)]
        return *paths, *paths, f"Painting: {chosen.shows}."

    examples.select(pick_pair, None, [photo, first, *kept[:2]], **_AT_ONCE)
    gallery.select(pick_painting, slot, [*slots, *kept[1:], caption], **_AT_ONCE)
    photo.change(_to_brush, photo, brushed, trigger_mode="multiple", **_AT_ONCE)
    return Pictures(photo, slots, mix, brushed, kept, offer, offered)


def connect(pictures: Pictures, message: gr.HTML) -> None:
    """Shows at once what will be painted; a file that is no picture gets a sentence."""
    for component, state in zip((pictures.photo, *pictures.paintings), pictures.kept, strict=True):
        component.input(
            _accept_and_offer,
            [component, state],
            [component, state, message, pictures.offer, pictures.offered],
            # By default the page drops a second change that comes before the answer to the first.
            trigger_mode="always_last",
            concurrency_limit=2,
            concurrency_id="style-upload",
            show_progress="minimal",
            show_progress_on=component,
            api_visibility="private",
        )


def _accept_and_offer(path: str | None, before: str | None) -> tuple[Any, ...]:
    return *accept(path, before), *offer_recipe(path)


def offer_recipe(path: str | None) -> tuple[Any, Any]:
    """The button for the recipe in an uploaded picture, and that picture's path; as before if it has none."""
    if path is None:
        return gr.skip(), gr.skip()
    try:
        read_recipe(path)
    except StyleError:
        return gr.skip(), gr.skip()
    return gr.Button("This picture was painted here: set all controls as they were", visible=True), path


def accept(path: str | None, before: str | None) -> tuple[Any, str | None, Any]:
    """Replaces an upload by a picture that every browser shows, or by the one before with a sentence."""
    if path is None:
        # The next upload may be faster than this answer, and its sentence must not be wiped away.
        return gr.skip(), None, gr.skip()
    try:
        picture = read_picture(path)
    except StyleError as error:
        return before, before, view.message(str(error))
    image = Image.fromarray(picture.rgb)
    if picture.alpha is not None:
        image.putalpha(Image.fromarray(picture.alpha))
    if max(image.size) > _LARGEST_KEPT:
        image = image.resize(fit(image.size, _LARGEST_KEPT), Image.Resampling.LANCZOS, reducing_gap=3.0)
    note = f"This file is an animation: the {picture.note} is used." if picture.note else ""
    kept = str(new_folder() / f"{Path(path).stem}.png")
    image.save(kept)
    return kept, kept, view.message(note)


def new_folder() -> Path:
    """A folder of its own among Gradio's files: two visitors with one photo must not write one file."""
    folder = Path(get_upload_folder()) / f"style-{uuid.uuid4().hex}"
    folder.mkdir(parents=True)
    return folder


def _to_brush(path: str | None) -> dict[str, Any] | None:
    """A new photo comes to the brush without the strokes of the one before."""
    if path is None:
        return None
    try:
        image = Image.fromarray(read_picture(path).rgb)
    except StyleError:
        return None
    image.thumbnail((_LARGEST_BRUSHED, _LARGEST_BRUSHED))
    # Gradio would name the file after its content, and write it again while another visitor reads it.
    background = new_folder() / f"{uuid.uuid4().hex}.png"
    image.save(background)
    return {"background": str(background), "layers": [], "composite": None}


def _brush_field() -> gr.ImageEditor:
    colours = [f"rgba({red}, {green}, {blue}, 0.6)" for red, green, blue in (brush.KEEP, *brush.PAINTINGS)]
    return gr.ImageEditor(
        label="Regions",
        type="pil",
        format="png",
        sources=(),
        transforms=(),
        layers=LayerOptions(disabled=True),
        brush=Brush(default_size=40, colors=list(colours), default_color=colours[0], color_mode="fixed"),
        canvas_size=(_LARGEST_BRUSHED, _LARGEST_BRUSHED),
        height=420,
        buttons=["fullscreen"],
        elem_id="style-brush",
    )


def _mix_slider(number: int) -> gr.Slider:
    return gr.Slider(
        0.0,
        1.0,
        value=1.0,
        step=0.05,
        label=f"How much of painting {number}",
        buttons=["reset"],
        elem_id=f"style-mix-{number}",
    )


def _picker(label: str, items: list[Any], columns: int, elem_id: str) -> gr.Gallery:
    return gr.Gallery(
        items,
        label=label,
        columns=columns,
        height="auto",
        object_fit="cover",
        allow_preview=False,
        buttons=[],
        interactive=False,
        elem_id=elem_id,
    )


def _side_by_side(photo: shipped.Shipped, painting: shipped.Shipped) -> Image.Image:
    """A thumbnail whose left half is the photo and whose right half is the painting."""
    sheet = Image.new("RGB", (192, 192))
    for left, item in ((0, photo), (96, painting)):
        with Image.open(item.path) as image:
            sheet.paste(ImageOps.fit(image, (96, 192)), (left, 0))
    return sheet


def _picture_input(label: str, elem_id: str, sources: list[Any], height: int) -> gr.Image:
    return PictureInput(
        label=label,
        type="filepath",
        sources=sources,
        height=height,
        min_width=120,
        elem_id=elem_id,
        buttons=["fullscreen"],
        placeholder=f"Drop a {label.lower()} here\nor click to choose one",
    )
