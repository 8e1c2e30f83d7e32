"""The Train tab: choose pictures, a network and a time; watch the run; stop, continue, keep.

Training happens in a child process. Everything here only asks `gan.runs` and reads the run's folder, so a
page that is reloaded finds its run again by the id that the browser remembers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import Field, dataclass
from functools import partial
from typing import Any

import gradio as gr
from gradio.context import Context

from gan import run_files, tab_afar, tab_diagnosis, tab_film, tab_one_step, tab_own, tab_plane, tab_versus
from gan import tab_train_events as events
from gan.config import FROM_A_CHECKPOINT, TrainConfig, preset_config
from gan.curves import CSS as CURVES_CSS
from gan.levers import LEVERS, lever_settings, lever_values, setting_label
from gan.train_form import (
    MOST_MINUTES,
    OWN,
    SETTING_GROUPS,
    form_settings,
    labels_tell,
    network_of,
    setting_values,
)
from gan.train_view import (
    HOW_TO_PULL,
    HOW_TO_READ,
    LIVE_CSS,
    LIVE_HTML,
    LIVE_SCRIPT,
    PROGRESS_CSS,
    READ_MORE,
    STRIP_CSS,
    examples_html,
    recipe_text,
)

DATA = [
    ("Cats, colour", "cats"),
    ("Fashion-MNIST, grey", "fashion"),
    ("My own pictures", "own"),
    ("A data set on the Hub", "hub"),
]
RECIPES = [
    ("In a minute", "in-a-minute"),
    ("In five minutes", "in-five-minutes"),
    ("Style-based", "style-based"),
    ("Growing", "growing"),
    ("All scales at once", "all-scales"),
    ("The lesson's DCGAN", "lesson-dcgan"),
    ("The lesson's MLP", "lesson-mlp"),
    ("From a checkpoint", FROM_A_CHECKPOINT),
]
FIRST_RECIPE = "in-a-minute"
RESOLUTIONS = [("32 px, for minutes", 32), ("64 px, for a longer time", 64)]
FIRST_RESOLUTION = events.SMALL_RESOLUTION
WIDEST_SLIDER = 10
EVERY = 0.5
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
SHOW_LIVE = """() => {
  const trouble = document.querySelector('#train-message')?.innerText.trim();
  const live = document.querySelector('#train-live');
  if (innerWidth < 768 && !trouble) live.scrollIntoView({behavior: 'smooth'});
}"""
AT_ONCE: dict[str, Any] = {**QUIET, "queue": False}


@dataclass(frozen=True)
class Choices:
    """The left column's components."""

    data: gr.Radio
    own: tab_own.Own
    strip: gr.HTML
    resolution: gr.Radio
    recipe: gr.Radio
    beginning: gr.Dropdown
    recipe_note: gr.Markdown
    minutes: gr.Slider
    unused: gr.HTML
    settings: Mapping[str, Any]
    start: gr.Button
    go_on: gr.Button
    message: gr.Markdown

    def asked(self, upload_id: gr.State, shown: gr.Textbox) -> list[Any]:
        """What `events.asked_for` wants to know, in its order."""
        what = [self.data, self.resolution, self.recipe, self.beginning, self.minutes]
        return [upload_id, shown, *what, self.own.options, *self.settings.values()]


@dataclass(frozen=True)
class Live:
    """The right column's components."""

    pictures: gr.HTML
    progress: gr.HTML
    curves: gr.HTML
    stop: gr.Button
    again: gr.Button
    keeping: gr.Group
    name: gr.Textbox
    keep: gr.Button
    kept: gr.Markdown
    explore: gr.Button
    panel: gr.Accordion
    levers: Mapping[str, Any]
    anew: gr.Button
    pulled: gr.Markdown
    diagnosis: tab_diagnosis.Diagnosis

    def refreshed(self) -> list[Any]:
        """What every look at the run may change, in the order of `events.look`."""
        texts = [self.pictures, self.progress, self.curves]
        buttons = [self.stop, self.again, self.keeping, self.kept, self.explore]
        return [*texts, *buttons, self.panel, *self.levers.values()]


def build(library: gr.BrowserState, open_in_explore: gr.Textbox | None = None) -> None:
    """Lay out the tab and connect it.

    Args:
        library: the visitor's own checkpoints, a list of references; what is kept is added to it.
        open_in_explore: set to the kept run's reference when the visitor wants to explore it now.
    """
    with _outside_of_tabs():
        run_id = gr.BrowserState("", storage_key="atelier-run", secret="latent-atelier")
        versus_id = gr.BrowserState("", storage_key="atelier-versus", secret="latent-atelier")
        timer = gr.Timer(EVERY, active=False)
    upload_id, shown_of_run = gr.State(""), gr.State(events.NOTHING_SHOWN)
    with gr.Row():
        with gr.Column(scale=4, min_width=320):
            choices = _lay_out_choices()
        with gr.Column(scale=7, min_width=320):
            live = _lay_out_live(with_explore=open_in_explore is not None)
            tab_film.build(run_id)
    # In the page and not a State: it must arrive there together with the settings.
    shown = gr.Textbox(events.shown_for("cats", FIRST_RECIPE), visible="hidden", container=False)
    _connect_choices(choices, upload_id, shown, library)
    _connect_run(choices, live, run_id, upload_id, shown, shown_of_run, timer)
    _connect_levers(live, run_id)
    _connect_keeping(live, run_id, library, open_in_explore)
    form = choices.asked(upload_id, shown)
    tab_versus.build(form, choices.data, choices.recipe, library, versus_id)
    tab_one_step.build(form, run_id, library)
    tab_afar.build()
    tab_plane.build()


@contextmanager
def _outside_of_tabs() -> Iterator[None]:
    """Put components beside the tabs: what lies in a tab that is not open yet does not exist for the page,
    so the browser's memory of the run would be empty when the page is loaded again.
    """
    inner = Context.block
    Context.block = Context.root_block
    try:
        yield
    finally:
        Context.block = inner


def _lay_out_choices() -> Choices:
    preset = preset_config(FIRST_RECIPE, labels_tell("cats"))
    data = gr.Radio(DATA, value="cats", label="Pictures to learn from", elem_id="train-data")
    own = tab_own.lay_out()
    strip = gr.HTML(examples_html("cats", FIRST_RESOLUTION), css_template=STRIP_CSS, elem_id="train-strip")
    resolution = gr.Radio(RESOLUTIONS, value=FIRST_RESOLUTION, label="Resolution", elem_id="train-resolution")
    recipe = gr.Radio(RECIPES, value=FIRST_RECIPE, label="Recipe", elem_id="train-recipe")
    beginning = gr.Dropdown(
        [], label="Checkpoint to begin with", visible=False, elem_id="train-beginning", filterable=False
    )
    first = network_of("cats", FIRST_RESOLUTION, preset)
    note = gr.Markdown(recipe_text(FIRST_RECIPE, first), elem_id="train-recipe-note")
    minutes = gr.Slider(
        1, MOST_MINUTES, value=1, step=1, label="Time budget in minutes", elem_id="train-minutes"
    )
    network = preset.network
    unused = gr.HTML(
        events.settings_offered("cats", FIRST_RECIPE, preset.told, network.components, preset.penalty),
        elem_id=events.UNUSED,
        padding=False,
    )
    with gr.Accordion("Advanced", open=False, elem_id="train-advanced"):
        settings = _setting_components(preset)
    with gr.Row(equal_height=True):
        start = gr.Button("Start", variant="primary", min_width=140, elem_id="train-start")
        go_on = gr.Button("Continue this training", visible=False, min_width=140, elem_id="train-go-on")
    message = gr.Markdown(elem_id="train-message")
    return Choices(
        data,
        own,
        strip,
        resolution,
        recipe,
        beginning,
        note,
        minutes,
        unused,
        settings,
        start,
        go_on,
        message,
    )


def _setting_components(preset: TrainConfig) -> dict[str, Any]:
    """One component a setting, made from its definition in `gan.config`, in the form's order."""
    offered = {setting.name: setting for setting in form_settings()}
    values = dict(zip(offered, setting_values(preset), strict=True))
    return _in_groups(offered, lambda setting: _setting_component(setting, values[setting.name]))


def _in_groups(
    settings: Mapping[str, Field[Any]], make: Callable[[Field[Any]], gr.components.Component]
) -> dict[str, Any]:
    """What `make` lays out for each setting, below its group's title, in the order of the settings.

    What is on or off gets a line of its own: between numbers there is no room for its words.
    """
    made: dict[str, Any] = {}
    for title, group in SETTING_GROUPS.items():
        members = [settings[name] for name in group if name in settings]
        if not members:
            continue
        gr.Markdown(f"#### {title}")
        with gr.Row():
            made |= {s.name: make(s) for s in members if not isinstance(s.default, bool)}
        made |= {s.name: make(s) for s in members if isinstance(s.default, bool)}
    return {name: made[name] for name in settings}


def _setting_component(setting: Field[Any], value: Any) -> gr.components.Component:
    described = {
        "label": setting_label(setting.name).capitalize(),
        "info": setting.metadata["help"],
        "min_width": 140,
        "elem_id": events.setting_id(setting.name),
    }
    if setting.metadata["choices"]:
        return gr.Dropdown(list(setting.metadata["choices"]), value=value, **described)
    if isinstance(setting.default, bool):
        return gr.Checkbox(value, **described)
    precision = 0 if isinstance(setting.default, int) else None
    low, high = setting.metadata["minimum"], setting.metadata["maximum"]
    return gr.Number(value, minimum=low, maximum=high, precision=precision, **described)


def _lever_component(setting: Field[Any], value: Any) -> gr.components.Component:
    """A slider where all that is allowed fits on one, else a number."""
    described = {"label": setting_label(setting.name).capitalize(), "info": setting.metadata["help"]}
    described["elem_id"] = f"lever-{setting.name.replace('_', '-')}"
    if setting.metadata["choices"]:
        choices = list(setting.metadata["choices"])
        return gr.Dropdown(choices, value=value, filterable=False, min_width=260, **described)
    low, high = setting.metadata["minimum"], setting.metadata["maximum"]
    whole = isinstance(setting.default, int)
    if low in (0, 1) and high <= WIDEST_SLIDER:
        return gr.Slider(low, high, value, step=1 if whole else 0.01, min_width=260, buttons=[], **described)
    # Its limits are said and not set: what is outside gets our sentence, and the value in force comes back.
    described["info"] += f" ({low:g} to {high:,.10g})"
    return gr.Number(value, precision=0 if whole else None, min_width=260, **described)


def _lay_out_levers() -> tuple[gr.Accordion, dict[str, Any], gr.Button, gr.Markdown]:
    """The panel of a running training: its levers by name, the button of the seed, the line that answers."""
    first = lever_values(TrainConfig())
    with gr.Accordion("Levers", open=True, visible=False, elem_id="train-levers") as panel:
        gr.Markdown(HOW_TO_PULL)
        pulled = gr.Markdown(elem_id="train-pulled")
        offered = {s.name: s for s in lever_settings()}
        levers = _in_groups(offered, lambda setting: _lever_component(setting, first[setting.name]))
        anew = gr.Button("Begin anew with this seed", variant="secondary", elem_id="lever-begin-anew")
    return panel, levers, anew, pulled


def _lay_out_live(with_explore: bool) -> Live:
    pictures = gr.HTML(
        {}, html_template=LIVE_HTML, css_template=LIVE_CSS, js_on_load=LIVE_SCRIPT, elem_id="train-live"
    )
    progress = gr.HTML("", css_template=PROGRESS_CSS, elem_id="train-progress")
    with gr.Row():
        stop = gr.Button("Stop", variant="stop", visible=False, elem_id="train-stop")
        again = gr.Button("Continue: one more minute", visible=False, elem_id="train-continue")
    verdict = tab_diagnosis.lay_out_verdict()
    with gr.Group(visible=False) as keeping, gr.Row(equal_height=True):
        name = gr.Textbox(label="Name", max_length=run_files.LONGEST_TITLE, scale=3, elem_id="train-name")
        keep = gr.Button("Keep", variant="primary", scale=1, min_width=120, elem_id="train-keep")
    kept = gr.Markdown(elem_id="train-kept")
    explore = gr.Button("Open in Explore", visible=False, elem_id="train-explore", render=with_explore)
    curves = gr.HTML("", css_template=CURVES_CSS, elem_id="train-curves")
    diagnosis = tab_diagnosis.Diagnosis(*verdict, tab_diagnosis.lay_out_breaking())
    panel, levers, anew, pulled = _lay_out_levers()
    with gr.Accordion("How to read the curves", open=False):
        gr.Markdown(HOW_TO_READ)
    with gr.Accordion("Read more", open=False, elem_id="train-read-more"):
        gr.Markdown(READ_MORE)
    return Live(
        pictures, progress, curves, stop, again, keeping, name, keep, kept, explore, panel, levers, anew,
        pulled, diagnosis,
    )  # fmt: skip


def _connect_choices(
    choices: Choices, upload_id: gr.State, shown: gr.Textbox, library: gr.BrowserState
) -> None:
    settings = choices.settings
    changing: list[Any] = [choices.resolution, upload_id, choices.beginning, library]
    changing += [settings[name] for name in ("told", "components", "penalty", "width")]
    follow: dict[str, Any] = {
        "fn": events.follow,
        "inputs": [choices.data, choices.recipe, *changing],
        "outputs": [choices.unused, choices.beginning, choices.recipe_note, choices.go_on],
        "trigger_mode": "always_last",
        **QUIET,
    }
    gr.on(
        [choices.data.change, choices.recipe.change],
        events.settings_for,
        [choices.data, choices.recipe, upload_id, shown],
        [shown, choices.minutes, choices.resolution, *settings.values()],
        trigger_mode="always_last",
        **QUIET,
    ).then(**follow)
    gr.on([each.change for each in changing], **follow)
    # Of an event's listeners only one may wait for its turn, and that is one of those above.
    choices.data.change(
        events.show_data,
        [choices.data, choices.resolution, upload_id],
        [*choices.own.shown(), choices.resolution, choices.strip],
        trigger_mode="multiple",
        **QUIET,
    )
    choices.resolution.change(
        lambda data, resolution: gr.skip() if data in OWN else examples_html(data, int(resolution)),
        [choices.data, choices.resolution],
        choices.strip,
        trigger_mode="multiple",
        **QUIET,
    )
    tab_own.connect(
        choices.own,
        choices.data,
        upload_id,
        choices.strip,
        settings["augment"],
        choices.resolution,
        choices.recipe,
        choices.beginning,
    )


def _connect_run(
    choices: Choices,
    live: Live,
    run_id: gr.BrowserState,
    upload_id: gr.State,
    shown: gr.Textbox,
    shown_of_run: gr.State,
    timer: gr.Timer,
) -> None:
    seen = [*live.refreshed(), choices.start, choices.go_on, shown_of_run, timer]
    what = [upload_id, choices.data, choices.beginning, choices.minutes, choices.own.options]
    beginnings: list[tuple[gr.Button, Callable[..., Any], list[Any]]] = [
        (choices.start, events.start, choices.asked(upload_id, shown)),
        (choices.go_on, events.continue_training, what),
    ]
    for button, begin, asked in beginnings:
        button.click(
            begin,
            [run_id, *asked],
            [run_id, choices.message, live.name],
            concurrency_id="train",
            concurrency_limit=2,
            **QUIET,
        ).then(events.look_anew, run_id, seen, **AT_ONCE).then(None, js=SHOW_LIVE, **AT_ONCE)
    for button, act in ((live.stop, events.stop), (live.again, events.go_on)):
        button.click(act, run_id, None, **AT_ONCE).then(events.look_anew, run_id, seen, **AT_ONCE)
    pictures = [choices.data, upload_id, choices.own.options]
    tab_diagnosis.connect(live.diagnosis, run_id, pictures, live.name, live.progress, events.look_anew, seen)
    timer.tick(events.look, [run_id, shown_of_run], seen, **AT_ONCE)
    page = Context.root_block
    if page is not None:
        page.load(events.look_anew, run_id, seen, **AT_ONCE)
        page.load(events.title_of, run_id, live.name, **AT_ONCE)
    if isinstance(Context.block, gr.Tab):
        Context.block.select(events.look_anew, run_id, seen, **AT_ONCE)
        Context.block.select(events.title_of, run_id, live.name, **AT_ONCE)


def _connect_levers(live: Live, run_id: gr.BrowserState) -> None:
    """Each lever is sent when it is let go or left, by its name; only the seed has a button, for it costs all
    that was learned.
    """
    for name in LEVERS:
        lever = live.levers[name]
        if name == "seed":
            done = [live.anew.click, lever.submit]
        elif isinstance(lever, gr.Dropdown):
            done = [lever.input]
        else:
            done = [lever.release] if isinstance(lever, gr.Slider) else [lever.submit, lever.blur]
        gr.on(done, partial(events.pull, name), [run_id, lever], [lever, live.pulled], **AT_ONCE)


def _connect_keeping(
    live: Live, run_id: gr.BrowserState, library: gr.BrowserState, open_in_explore: gr.Textbox | None
) -> None:
    gr.on(
        [live.keep.click, live.name.submit],
        events.keep,
        [run_id, live.name, library],
        [library, live.kept, live.explore],
        concurrency_id="train",
        **QUIET,
    )
    if open_in_explore is not None:
        live.explore.click(events.reference_of, run_id, open_in_explore, **AT_ONCE)
