"""The settings of the Stylise tab: the mode, a control for each field of the recipe, a slot for a recipe."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import partial
from typing import Any

import gradio as gr

from style import tab_finish, view
from style.errors import StyleError
from style.recipe import MOST_PAINTINGS, Recipe
from style.restore import read_recipe
from style.tab_pictures import Pictures

CONTROLS = (
    "size",
    "style_scale",
    "strokes",
    "seconds",
    "content_weight",
    "style_weight",
    "variation_weight",
    "edge_weight",
    "start",
    "lesson_pace",
    "seed",
)
_INSTANT = ("size", "style_scale", "strokes")
_PRESETS = [
    ("Instant: a few seconds, again after every change", "instant"),
    ("Studio: coarse to fine, your settings", "studio"),
    ("Lesson a: rebuild the photo from noise", "a"),
    ("Lesson b: photo and painting from noise", "b"),
    ("Lesson c: all three losses, from a darkened photo", "c"),
]
_WATCH = {
    "a": "**What to look at.** Only the content loss works. Edges and eyes come out of the noise, colours "
    "hardly: relu4_2 knows what is where, and has forgotten the shade. The grain never quite leaves.",
    "b": "**What to look at.** Twice the content loss and the style loss, from the same noise. Colours of "
    "the painting come first, then patches of its strokes; the style curve falls further than the others.",
    "c": "**What to look at.** Total variation joins in, and the start is the photo under dark noise. It is "
    "smoother than b, and the photo is there from the first picture. The noise takes a hundred steps to go.",
}
_LESSON = (
    "The lesson's notebook, exactly: a square of 256 pixels, VGG-16, 1000 steps of Adam with the notebook's "
    "weights. It takes several minutes; the sliders are not used. Stop keeps what there is. The quick pace "
    "minimises the same three losses by L-BFGS in 100 steps."
)


@dataclass(frozen=True)
class Settings:
    """The components, `controls` in the order of `CONTROLS`."""

    preset: gr.Dropdown
    controls: list[Any]
    recipe_file: gr.File

    @property
    def at_once(self) -> list[Any]:
        """The sliders of the instant mode."""
        return self.controls[: len(_INSTANT)]


def build() -> Settings:
    """Lays out the settings; each mode hides what it does not use."""
    preset = gr.Dropdown(_PRESETS, value="instant", label="Mode", elem_id="style-preset")
    lesson = gr.Markdown("", visible=False, elem_id="style-lesson")
    made: dict[str, Any] = {}
    with gr.Column(visible=True) as sizes:
        with gr.Row():
            made |= {name: control(name) for name in _INSTANT[:2]}
        made["strokes"] = control("strokes")
    with gr.Column(visible=False) as studio:
        made["seconds"] = control("seconds")
        _budgets(made["seconds"])
        made |= {name: control(name) for name in CONTROLS[len(_INSTANT) + 1 : -2]}
    with gr.Column(visible=False) as pace:
        made["lesson_pace"] = control("lesson_pace")
    with gr.Accordion("More", open=False):
        made["seed"] = control("seed")
        recipe_file = gr.File(
            label="Restore from a painted PNG, or from a recipe as JSON",
            file_types=[".png", ".json"],
            height=150,
            elem_id="style-recipe",
        )
    preset.change(
        _show_mode,
        preset,
        [sizes, studio, lesson, pace],
        trigger_mode="multiple",
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )
    return Settings(preset, [made[name] for name in CONTROLS], recipe_file)


def connect(settings: Settings, pictures: Pictures, finishing: list[Any], message: gr.HTML) -> None:
    """A recipe that is dropped sets every control, and so does one that came with a picture, when asked."""
    controls = [settings.preset, *settings.controls, *finishing, *pictures.mix, message]
    common: Any = {
        "show_progress": "hidden",
        "concurrency_id": "style-upload",
        "api_visibility": "private",
    }
    dropped = [settings.recipe_file, *pictures.paintings]
    settings.recipe_file.upload(restore, dropped, [*controls, settings.recipe_file], **common)
    offered = [pictures.offered, *pictures.paintings]
    pictures.offer.click(restore, offered, [*controls, pictures.offered], **common).then(
        lambda: gr.Button(visible=False), None, pictures.offer, queue=False, api_visibility="private"
    )


def restore(path: str | None, *paintings: str | None) -> tuple[Any, ...]:
    """Every control as the file's recipe has it, the message, and an empty place for the next file.

    Args:
        path: a painted PNG, or a recipe as JSON.
        paintings: what is in the slots, so that a mix goes to those that are filled.
    """
    count = 1 + len(CONTROLS) + len(tab_finish.CONTROLS) + MOST_PAINTINGS
    if path is None:
        return (gr.skip(),) * (count + 2)
    try:
        recipe = read_recipe(path)
    except StyleError as error:
        return *(gr.skip(),) * count, view.message(str(error)), None
    preset = recipe.lesson_run if recipe.mode == "lesson" else recipe.mode
    values = (getattr(recipe, name) for name in (*CONTROLS, *tab_finish.CONTROLS))
    words = "All controls are as in this recipe."
    if recipe.steps and recipe.mode == "studio":
        words += " It counted steps; here the time budget decides."
    return preset, *values, *_mix(recipe.weights, paintings), view.message(words), None


def _mix(weights: tuple[float, ...], paintings: tuple[str | None, ...]) -> tuple[float, ...]:
    """A weight for each slot: a recipe's in the filled ones if there are as many, else in the first ones."""
    filled = [slot for slot, painting in enumerate(paintings) if painting is not None]
    slots = filled if len(filled) == len(weights) else range(len(weights))
    given = dict(zip(slots, weights, strict=True))
    return tuple(given.get(slot, 1.0) for slot in range(MOST_PAINTINGS))


def read(preset: str, weights: tuple[float, ...], values: tuple[Any, ...]) -> Recipe:
    """The recipe that the controls say; `values` in the order of `CONTROLS` and of the finishing."""
    settings = dict(zip((*CONTROLS, *tab_finish.CONTROLS), values, strict=True))
    whole = {item.name for item in fields(Recipe) if isinstance(item.default, int)}
    for name in whole.intersection(settings):
        value = settings[name]
        settings[name] = int(value) if isinstance(value, float) and value.is_integer() else value
    if preset in ("instant", "studio"):
        return Recipe(mode=preset, weights=weights, **settings)  # type: ignore[arg-type]
    kept = {name: settings[name] for name in ("seed", "lesson_pace", *tab_finish.CONTROLS)}
    return Recipe(mode="lesson", lesson_run=preset, **kept)  # type: ignore[arg-type]


def control(name: str) -> Any:
    """Makes the control of a recipe's field from the field's own description."""
    item = next(item for item in fields(Recipe) if item.name == name)
    metadata = item.metadata
    common = {
        "label": metadata["label"],
        "info": metadata["help"],
        "value": item.default,
        "elem_id": f"style-{name.replace('_', '-')}",
    }
    if choices := metadata.get("choices"):
        return gr.Radio([(choice.capitalize(), choice) for choice in choices], **common)
    if name == "seed":
        return gr.Number(precision=0, minimum=metadata["minimum"], maximum=metadata["maximum"], **common)
    return gr.Slider(
        metadata["minimum"], metadata["maximum"], step=metadata["step"], buttons=["reset"], **common
    )


def _budgets(seconds: gr.Slider) -> None:
    """Buttons for the usual budgets."""
    with gr.Row():
        for label, value in (("30 seconds", 30), ("2 minutes", 120), ("10 minutes", 600)):
            button = gr.Button(label, size="sm", min_width=80, elem_id=f"style-budget-{value}")
            button.click(
                partial(int, value),
                None,
                seconds,
                queue=False,
                show_progress="hidden",
                api_visibility="private",
            )


def _show_mode(preset: str) -> tuple[gr.Column, gr.Column, gr.Markdown, gr.Column]:
    is_lesson = preset in _WATCH
    text = f"{_LESSON}\n\n{_WATCH[preset]}" if is_lesson else ""
    studio = gr.Column(visible=preset == "studio")
    shown = gr.Markdown(text, visible=is_lesson)
    return gr.Column(visible=not is_lesson), studio, shown, gr.Column(visible=is_lesson)
