"""What the Train tab does, for programs: start a run, watch it, pull its levers, stop it, keep it.

A run is named by an id that cannot be guessed; whoever knows it may do all of this to the run.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from checkpoints.tab_endpoint import endpoint
from checkpoints.tab_visitor import visitor
from gan import run_files, run_levers, run_status, runs, uploads
from gan.checkpoint import check_beginning
from gan.config import FROM_A_CHECKPOINT, PRESETS, preset_config
from gan.datasets import FASHION_CLASSES, Dataset
from gan.errors import GanError
from gan.model import load_reference
from gan.own_pictures import own_pictures, reduced
from gan.tab_api import picture_out
from gan.tab_api_turns import MISTAKES
from gan.train_form import form_settings, labels_tell, request_from_form, setting_values
from gan.used_settings import check_used

DATA = ("cats", "fashion", "own")
UPLOAD_SIDE = 64
State = dict[str, Any]


def build() -> None:
    """Offer the endpoints; call it inside `gr.Blocks`."""
    files = partial(gr.File, label="files", file_count="multiple", type="filepath")
    endpoint(train_upload, MISTAKES, files={"files": files}, queue="uploads")
    for function in (
        train_start,
        train_status,
        train_history,
        train_set,
        train_stop,
        train_continue,
        train_keep,
    ):
        endpoint(function, MISTAKES, queue="api-train", at_once=2)
    endpoint(train_preview, MISTAKES, outputs=[picture_out], queue="api-train", at_once=2)


def train_upload(files: list[str]) -> State:
    """Send pictures of your own to train on: 16 files or more, or one zip.

    Args:
        files: the picture files, or one zip of them.

    Returns:
        `upload`, a name for them that train_start takes, and `note`: what was understood and left out.
    """
    if not files:
        raise GanError("Send your pictures as files, or one zip.")
    dataset = own_pictures(files, UPLOAD_SIDE)
    return {"upload": uploads.save_upload(dataset), "note": dataset.note}


def train_start(
    data: str = "fashion",
    recipe: str = "in-a-minute",
    minutes: float = 1,
    resolution: int = 32,
    settings: State | None = None,
    checkpoint: str = "",
    upload: str = "",
    mirror: bool = False,
) -> State:
    """Start a training run, or queue it. It goes on whether or not anybody watches.

    Args:
        data: fashion, cats, or own (then with `upload`).
        recipe: in-a-minute, in-five-minutes, style-based, growing, all-scales, lesson-dcgan, lesson-mlp or
            from-a-checkpoint.
        minutes: time budget, 1 to 10.
        resolution: 32 or 64 pixels; Fashion-MNIST has its own 28.
        settings: changes of the recipe by name, such as {"batch": 32, "noise": 0.1}.
        checkpoint: for the recipe from-a-checkpoint, a name from checkpoints.
        upload: for own pictures, what train_upload returned.
        mirror: whether a mirrored picture of your own is as good.

    Returns:
        An object with `run_id`, which all other train_ functions take, and the `title`.
    """
    request, pictures = asked_for(data, recipe, minutes, resolution, settings, checkpoint, upload, mirror)
    run_id = runs.create(request, pictures, visitor())
    runs.advance()
    return {"run_id": run_id, "title": request.title}


def asked_for(
    data: str,
    recipe: str,
    minutes: float,
    resolution: int,
    settings: State | None,
    checkpoint: object,
    upload: str,
    mirror: bool,
) -> tuple[run_files.Request, Dataset | None]:
    """What a run is asked to do, as `train_start` takes it, and own pictures. Raises GanError."""
    if data not in DATA or recipe not in PRESETS:
        raise GanError(f"The data are one of {', '.join(DATA)}, the recipe one of {', '.join(PRESETS)}.")
    if isinstance(minutes, bool) or not isinstance(minutes, (int, float)):
        raise GanError("The minutes are a number from 1 to 10.")
    request = request_from_form(
        data, resolution, recipe, minutes, _settings(data, recipe, settings), start_from=str(checkpoint)
    )
    check_used(request.config, settings or {})
    if recipe == FROM_A_CHECKPOINT:
        _check_fits(request)
    pictures: Dataset | None = None
    if data == "own":
        uploaded = uploads.open_upload(upload)
        pictures = replace(uploaded, images=reduced(uploaded.images, request.resolution), mirror=bool(mirror))
    return request, pictures


def _settings(data: str, recipe: str, changes: object) -> list[Any]:
    """The recipe's settings with the caller's changes, in the form's order."""
    changes = changes or {}
    names = [setting.name for setting in form_settings()]
    if not isinstance(changes, dict) or not set(changes) <= set(names):
        raise GanError(f"The settings are an object; its names are among: {', '.join(names)}.")
    values = dict(zip(names, setting_values(preset_config(recipe, labels_tell(data))), strict=True))
    return list({**values, **changes}.values())


def _check_fits(request: run_files.Request) -> None:
    """Whether a checkpoint's networks fit the pictures, so that the caller hears it at once."""
    fashion = request.data == "fashion"
    channels, classes = (1, len(FASHION_CLASSES)) if fashion else (3, 0)
    model = load_reference(request.start_from)
    check_beginning(model.title, model.config, request.resolution, channels, classes)


def train_status(run_id: str) -> State:
    """How a run is doing.

    Args:
        run_id: what train_start returned.

    Returns:
        `state` (waiting, running, stopped, finished or failed), `message`, `place` in the queue, `snapshot`
        (the newest numbers), `levers` (what can be changed and its values), and `checkpoint`, a name for
        render_state as soon as there is one.
    """
    status = run_status.status(run_id)
    if status.state == "waiting":
        runs.advance()
    return {
        "state": status.state,
        "message": status.message,
        "place": status.place,
        "kept": status.kept,
        "snapshot": asdict(status.snapshot) if status.snapshot else None,
        "levers": run_levers.levers(run_id),
        "checkpoint": status.reference if status.checkpoint else None,
    }


def train_history(run_id: str) -> list[State]:
    """The numbers of a run from its first to its newest snapshot, thinned to about 200.

    Args:
        run_id: what train_start returned.
    """
    return [asdict(snapshot) for snapshot in run_status.history(run_id)]


def train_preview(run_id: str) -> Image.Image:
    """The newest sheet of pictures of a run.

    Args:
        run_id: what train_start returned.
    """
    path: Path = run_files.run_folder(run_id) / "preview.png"
    try:
        with Image.open(path, formats=["PNG"]) as picture:
            return picture.convert("RGB")
    except OSError:
        raise GanError(
            "This run has drawn nothing yet; the first pictures come after a few seconds."
        ) from None


def train_set(run_id: str, name: str, value: float | str) -> State:
    """Pull a lever of a run that is going on; it is in force from the next step.

    Args:
        run_id: what train_start returned.
        name: a lever, as train_status lists them.
        value: what to set it to: a number, for loss and penalty a word.

    Returns:
        All levers and their values.
    """
    run_levers.set_lever(run_id, str(name), value)
    return run_levers.levers(run_id)


def train_stop(run_id: str) -> str:
    """Ask a run to stop and keep what it has.

    Args:
        run_id: what train_start returned.
    """
    runs.request_stop(run_id)
    return "It stops after its next step and keeps what it has."


def train_continue(run_id: str, seconds: float = 60) -> str:
    """Let an ended run go on from its last checkpoint.

    Args:
        run_id: what train_start returned.
        seconds: for how long, 10 to 600.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 10 <= seconds <= 600:
        raise GanError("Continue for 10 to 600 seconds.")
    runs.continue_run(run_id, float(seconds))
    runs.advance()
    return "It goes on as soon as it is its turn."


def train_keep(run_id: str, title: str = "") -> State:
    """Keep a run: without this it is deleted a day after its end.

    Args:
        run_id: what train_start returned.
        title: what to call it, at most 60 characters.

    Returns:
        An object with `checkpoint`, its name for checkpoints, render_state and so on.
    """
    return {"checkpoint": runs.keep(run_id, title).reference}
