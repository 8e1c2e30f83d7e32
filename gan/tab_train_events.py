"""What happens on the Train tab: functions from what a page sends to what it shows.

Every run id, setting and list comes from a page and is checked before it is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from checkpoints.card import plain
from checkpoints.errors import CheckpointError
from checkpoints.tab_visitor import visitor
from gan import continuing, run_files, run_levers, run_status, runs, tab_own
from gan.checkpoint import check_beginning
from gan.config import FROM_A_CHECKPOINT, PRESETS, NetworkConfig, from_mapping, preset_config, to_mapping
from gan.curves import curves_html
from gan.datasets import Dataset
from gan.errors import GanError
from gan.explorer import checkpoint_choices
from gan.how_many import BEGINNING
from gan.levers import LEVERS, change_text
from gan.model import load_reference
from gan.own_pictures import in_grey, reduced
from gan.scales import scales_html
from gan.tab_own import augment_for, classes_of, strip_of, upload_of, wants
from gan.tab_timer import timer_after
from gan.train_form import (
    OWN,
    form_settings,
    labels_tell,
    network_of,
    request_from_form,
    setting_values,
    settings_used,
)
from gan.train_view import (
    checkpoint_text,
    continuing_texts,
    examples_html,
    picture_uri,
    progress_html,
    recipe_text,
)

MORE_SECONDS = 60.0
LONGEST_TROUBLE = 600
SMALL_RESOLUTION, LARGE_RESOLUTION = 32, 64
LONG = 120.0
# The element of the style sheet that hides what has no effect.
UNUSED = "train-unused"
# Of a run: when its pictures and its lines were written, and how many looks found that it goes on no more.
NOTHING_SHOWN = (0, 0, 0)


def show_data(data: str, resolution: int, upload_id: str) -> list[Any]:
    """Fields for own pictures, resolution and real pictures that belong to the chosen data."""
    strip = strip_of(data, upload_id) if data in OWN else examples_html(data, int(resolution))
    return [*tab_own.show(data), gr.update(visible=data != "fashion"), strip]


def describe_recipe(
    data: str, upload_id: str, resolution: int, preset: str, start_from: str, width: float
) -> str:
    """What to expect of the chosen recipe, with its network's number of parameters."""
    try:
        if preset == FROM_A_CHECKPOINT:
            # Both may name a title that somebody else wrote.
            texts = [checkpoint_text(start_from), *continuing_texts(start_from)]
            return "\n\n".join(plain(text, LONGEST_TROUBLE) for text in texts)
        config = preset_config(preset, labels_tell(data))
        chosen = to_mapping(network_of(data, resolution, config, classes_of(data, upload_id)))
        return recipe_text(preset, from_mapping(NetworkConfig, {**chosen, "width": int(width)}))
    except (GanError, CheckpointError, TypeError) as error:
        return plain(error, LONGEST_TROUBLE)


def settings_for(data: str, preset: str, upload_id: str, shown: str) -> list[Any]:
    """What is shown from now on, and the recipe's minutes, resolution and settings; nothing while `shown`."""
    now = shown_for(data, preset)
    if now == shown:
        return [shown, gr.skip(), gr.skip(), *(gr.skip() for _ in form_settings())]
    return [now, *_recipe_values(data, preset, upload_id)]


def settings_offered(data: str, preset: str, told: bool, components: Any, penalty: str) -> Any:
    """A style sheet that hides the settings without an effect, which still have their values in the page.

    Gradio's own visibility is lost where it changes while the panel is closed.
    """
    try:
        used = settings_used(data, preset, bool(told), int(components or 0), str(penalty))
    except (GanError, TypeError, ValueError):
        return gr.skip()
    unused = [f"#{setting_id(name)}" for name, has_effect in used.items() if not has_effect]
    return f"<style>{', '.join([f'#{UNUSED}', *unused])} {{ display: none !important; }}</style>"


def setting_id(name: str) -> str:
    """The element of a setting's field in the page."""
    return f"train-{name.replace('_', '-')}"


def shown_for(data: str, preset: str) -> str:
    """Names the settings that belong to a recipe for these pictures, so that a page can say which it has."""
    return f"{preset} {labels_tell(data)}"


def _recipe_values(data: str, preset: str, upload_id: str) -> list[Any]:
    """The recipe's minutes, resolution and settings for these pictures."""
    config = preset_config(preset, labels_tell(data))
    if data in OWN:
        config = replace(config, augment=augment_for(upload_id))
    side = LARGE_RESOLUTION if config.seconds > LONG else SMALL_RESOLUTION
    return [round(config.seconds / 60), side, *setting_values(config)]


def show_beginnings(data: str, preset: str, library: Any, chosen: Any = None) -> Any:
    """The list of checkpoints to begin with, for the recipe that wants one.

    What the visitor chose stays so; of the proposed ones the one that fits the pictures is chosen.
    """
    if preset != FROM_A_CHECKPOINT:
        return gr.update(visible=False)
    found = [(c["title"], c["checkpoint"]) for c in checkpoint_choices(library)]
    fitting = "fashion" if data == "fashion" else BEGINNING
    kept = {reference for _, reference in found} - {"fashion", BEGINNING} | {fitting}
    # What stays is not sent: the visitor may have chosen another one before this answer comes.
    value = {} if chosen in kept else {"value": fitting}
    return gr.update(visible=True, choices=found, **value)


def show_continuing(preset: str, start_from: str) -> Any:
    """The button that continues a training, where the chosen checkpoint holds one that can go on."""
    try:
        can = preset == FROM_A_CHECKPOINT and bool(continuing.unfinished(start_from))
    except (GanError, CheckpointError):
        can = False
    return gr.update(visible=can)


def describe_choice(
    data: str, upload_id: str, resolution: int, preset: str, start_from: str, width: float
) -> tuple[str, Any]:
    """What to expect of the chosen recipe, and the button that continues a training where it can go on."""
    text = describe_recipe(data, upload_id, resolution, preset, start_from, width)
    return text, show_continuing(preset, start_from)


def follow(
    data: str, preset: str, resolution: int, upload_id: str, start_from: str, library: Any, told: bool,
    components: Any, penalty: str, width: float,
) -> list[Any]:  # fmt: skip
    """What follows a choice: the settings offered, the checkpoints to begin with, and `describe_choice`."""
    return [
        settings_offered(data, preset, told, components, penalty),
        show_beginnings(data, preset, library, start_from),
        *describe_choice(data, upload_id, resolution, preset, start_from, width),
    ]


def start(
    run_id: str, upload_id: str, shown: str, data: str, resolution: int, preset: str, start_from: str,
    minutes: float, options: Any, *settings: Any,
) -> tuple[Any, str, Any]:  # fmt: skip
    """Start a run, or queue it: returns its id, a message and the name under which it would be kept."""
    try:
        if _is_active(run_id):
            raise GanError("Your run is still training; stop it before you start another.")
        request, pictures = asked_for(
            upload_id, shown, data, resolution, preset, start_from, minutes, options, *settings
        )
        started = runs.create(request, pictures, visitor())
        runs.advance()
    except (GanError, CheckpointError) as error:
        return gr.skip(), _trouble(error), gr.skip()
    return started, "", request.title


def continue_training(
    run_id: str, upload_id: str, data: str, start_from: str, minutes: float, options: Any
) -> tuple[Any, str, Any]:
    """Let the training of a checkpoint go on as a run of the visitor's; returns as `start`.

    The pictures chosen in the form are used only where the training does not find its own.
    """
    try:
        if _is_active(run_id):
            raise GanError("Your run is still training; stop it before you start another.")
        training = continuing.unfinished(start_from)
        pictures = None
        if data in OWN and not training.finds_its_pictures:
            grey = ["grey"] if training.config.network.channels == 1 else []
            kept = [option for option in ("mirror",) if wants(options, option)]
            pictures = uploaded(data, upload_id, training.config.network.resolution, [*grey, *kept])
        started = continuing.start(training, minutes, pictures, visitor())
        runs.advance()
    except (GanError, CheckpointError) as error:
        return gr.skip(), _trouble(error), gr.skip()
    return started, "", title_of(started)


def asked_for(
    upload_id: str, shown: str, data: str, resolution: int, preset: str, start_from: str, minutes: float,
    options: Any, *settings: Any,
) -> tuple[run_files.Request, Dataset | None]:  # fmt: skip
    """What the form asks for, and the pictures where they are the visitor's own.

    A click may come before the answer of `settings_for`; the page then still has the settings `shown` for
    another recipe, and those of the chosen one are taken.

    Raises:
        GanError, CheckpointError: when something is missing, does not fit or cannot be believed.
    """
    if isinstance(data, str) and preset in PRESETS and shown != shown_for(data, preset):
        minutes, resolution, *own = _recipe_values(data, preset, upload_id)
        settings = tuple(own)
    beginning = start_from if preset == FROM_A_CHECKPOINT and isinstance(start_from, str) else ""
    classes = classes_of(data, upload_id)
    request = request_from_form(data, resolution, preset, minutes, settings, 1, beginning, classes)
    pictures = uploaded(data, upload_id, request.resolution, options) if data in OWN else None
    if beginning:
        # The worker would find out, too, but the visitor hears it at once.
        network, model = request.config.network, load_reference(beginning)
        channels = pictures.images.shape[1] if pictures else network.channels
        check_beginning(model.title, model.config, network.resolution, channels, network.classes)
    return request, pictures


def uploaded(data: str, upload_id: str, side: int, options: Any) -> Dataset:
    """The visitor's pictures, `side` pixels wide, as the form wants them. Raises GanError as `upload_of`."""
    sent = upload_of(data, upload_id)
    sent = replace(sent, images=reduced(sent.images, side), mirror=wants(options, "mirror"))
    return in_grey(sent) if wants(options, "grey") else sent


def _is_active(run_id: str) -> bool:
    try:
        return run_status.status(run_id).active
    except GanError:
        return False


def _trouble(error: Exception) -> str:
    # Shown as Markdown, and it may name a title that somebody else wrote.
    return f"⚠️ {plain(error, LONGEST_TROUBLE)}"


def stop(run_id: str) -> None:
    """Ask the run to stop and keep what it has."""
    try:
        runs.request_stop(run_id)
    except GanError as error:
        raise gr.Error(str(error), print_exception=False) from error


def go_on(run_id: str) -> None:
    """Let an ended run train a minute more."""
    try:
        runs.continue_run(run_id, MORE_SECONDS)
        runs.advance()
    except GanError as error:
        raise gr.Error(str(error), print_exception=False) from error


def title_of(run_id: str) -> str:
    """The name under which the run would be kept."""
    try:
        return run_files.read_request(run_files.run_folder(run_id)).title
    except GanError:
        return ""


def look_anew(run_id: str) -> list[Any]:
    """As `look`, for a page that shows nothing of the run yet; its levers are set to what is in force."""
    return look(run_id, NOTHING_SHOWN, _lever_updates(run_id))


def _lever_updates(run_id: str) -> list[Any]:
    try:
        return list(run_levers.levers(run_id).values())
    except GanError:
        return [gr.skip()] * len(LEVERS)


def pull(name: str, run_id: str, value: Any) -> tuple[Any, Any]:
    """Change a lever of the visitor's run; returns what it is set to now, and what happened in words."""
    try:
        before = run_levers.levers(run_id)[name]
        if before == value:
            return gr.skip(), gr.skip()
        run_levers.set_lever(run_id, name, value)
        now = run_levers.levers(run_id)[name]
    except GanError as error:
        return _asked_for(run_id, name), _trouble(error)
    said = change_text(name, before, now)
    return now, f"{said[0].upper()}{said[1:]}, from the next step on."


def _asked_for(run_id: str, name: str) -> Any:
    try:
        return run_levers.levers(run_id)[name]
    except GanError:
        return gr.skip()


def look(run_id: str, shown: tuple[int, int, int], levers: Sequence[Any] = ()) -> list[Any]:
    """What the run's folder tells, in the order of `Live.refreshed`, then both buttons that begin a run, what
    is `shown` now, and the timer.

    Pictures and curves are sent only when they are newer than those `shown`, and levers only where they are
    given: the visitor may be about to move one.
    """
    levers = list(levers) or [gr.skip()] * len(LEVERS)
    try:
        status = run_status.status(run_id)
    except GanError:
        hidden = gr.update(visible=False)
        ready = gr.update(interactive=True)
        timer, looks = timer_after(False, shown[2])
        return [
            {},
            "",
            "",
            hidden,
            hidden,
            hidden,
            "",
            hidden,
            hidden,
            *levers,
            ready,
            ready,
            (*NOTHING_SHOWN[:2], looks),
            timer,
        ]
    if status.state == "waiting":
        runs.advance()
    folder = run_files.run_folder(run_id)
    drawn = max(map(run_files.changed_at, [folder / "preview.png", *folder.glob("scale-*.png")]))
    lines = run_files.changed_at(folder / "metrics.jsonl")
    timer, looks = timer_after(status.active, shown[2])
    return [
        gr.skip() if drawn and drawn == shown[0] else _pictures(folder, status),
        progress_html(status),
        gr.skip() if lines and lines == shown[1] else curves_html(run_status.history(run_id)),
        gr.update(visible=status.active),
        gr.update(visible=not status.active),
        gr.update(visible=status.checkpoint),
        _kept_text(status),
        gr.update(visible=status.kept),
        gr.update(visible=status.state == "running"),
        *levers,
        *[gr.update(interactive=not status.active)] * 2,
        (drawn, lines, looks),
        timer,
    ]


def _pictures(folder: Path, status: run_status.Status) -> dict[str, Any]:
    samples, real = (picture_uri(folder / name) for name in ("preview.png", "real.png"))
    if not samples:
        return {"busy": True, "real": real}
    scales = scales_html(folder, grows=bool(status.snapshot and status.snapshot.side))
    return {"busy": True, "samples": samples, "real": real, "scales": scales}


def _kept_text(status: run_status.Status) -> str:
    return "Kept: it is in **Explore** now, among your own checkpoints." if status.kept else ""


def keep(run_id: str, name: str, library: Any) -> tuple[Any, str, Any]:
    """Keep the run under a name: returns the longer library, a message and the button to Explore."""
    try:
        status = runs.keep(run_id, name)
    except GanError as error:
        return gr.skip(), _trouble(error), gr.skip()
    others = [r for r in library if r != status.reference] if isinstance(library, list) else []
    return [*others, status.reference], _kept_text(status), gr.update(visible=True)


def reference_of(run_id: str) -> Any:
    """How Explore names the run's checkpoint."""
    try:
        return run_status.status(run_id).reference
    except GanError:
        return gr.skip()
