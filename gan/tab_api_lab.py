"""The training lab for programs: what is the matter with a run, mending and breaking it, pairs, the film."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from checkpoints.tab_endpoint import endpoint
from checkpoints.tab_visitor import visitor
from gan import run_diagnosis, run_files, runs, versus_run
from gan.errors import GanError
from gan.run_files import SIDES
from gan.tab_api_train import asked_for
from gan.tab_api_turns import MISTAKES
from gan.train_form import labels_tell
from gan.training_film import training_film
from style.moving import MEDIA_TYPES

State = dict[str, Any]


def build() -> None:
    """Offer the endpoints; call it inside `gr.Blocks`."""
    for function in (train_verdict, train_mend, train_break, versus_start, versus_status, versus_keep):
        endpoint(function, MISTAKES, queue="api-train", at_once=2)
    endpoint(train_film, MISTAKES, outputs=[lambda: gr.File(label="film", type="filepath")], queue="film")


def train_verdict(run_id: str) -> list[State]:
    """What is the matter with a run, or that nothing is: the main verdict first.

    Args:
        run_id: what train_start returned.

    Returns:
        Of each verdict its `name`, whether it is `healthy`, what it means (`sentence`), the `evidence`, the
        `remedy`, and the `levers` that train_mend would move.
    """
    return [verdict.to_json() for verdict in run_diagnosis.verdicts(run_id)]


def train_mend(run_id: str) -> str:
    """Follow the main verdict's remedy; a run that has ended goes on for a minute with it.

    Args:
        run_id: what train_start returned.
    """
    return run_diagnosis.mend(run_id)


def train_break(verdict: str, data: str = "fashion") -> State:
    """Start a small run of a minute that is made to fail, to see how that looks.

    Args:
        verdict: mode collapse, discriminator too strong, generator too strong, oscillation, divergence,
            memorising or too few pictures.
        data: fashion or cats.

    Returns:
        An object with `run_id`, which all train_ functions take, and the `title`.
    """
    run_id, title = run_diagnosis.start_failing(verdict, data, visitor=visitor())
    runs.advance()
    return {"run_id": run_id, "title": title}


def versus_start(
    differs: str,
    value: str,
    data: str = "fashion",
    recipe: str = "in-a-minute",
    minutes: float = 1,
    resolution: int = 32,
    settings: State | None = None,
) -> State:
    """Start two runs side by side from the same weights, with the same pictures and one thing changed.

    Args:
        differs: what is otherwise in the second run: "preset" for the whole recipe, "seed", or a setting.
        value: its value there, as text.
        data: fashion or cats.
        recipe: as for train_start, of the first run.
        minutes: time budget for both together, 1 to 10.
        resolution: 32 or 64 pixels; Fashion-MNIST has its own 28.
        settings: changes of the recipe by name, in both.

    Returns:
        An object with `run_id`, for versus_status, versus_keep, train_stop and train_continue.
    """
    if data == "own":
        raise GanError("Two runs side by side learn from fashion or cats here.")
    first, _ = asked_for(data, recipe, minutes, resolution, settings, "", "", False)
    first = replace(first, config=replace(first.config, seconds=first.config.seconds / 2))
    second = versus_run.request_against(first, str(differs), str(value), labels_tell(data))
    run_id = versus_run.create(first, second, visitor=visitor())
    runs.advance()
    return {"run_id": run_id}


def versus_status(run_id: str) -> State:
    """How two runs side by side are doing.

    Args:
        run_id: what versus_start returned.

    Returns:
        `state` and `message` of both, in what they are `different`, and as `a` and `b` their numbers from the
        first to the newest, at the same steps.
    """
    both = versus_run.look(run_id)
    if both.status.state == "waiting":
        runs.advance()
    histories = {
        side: [asdict(snapshot) for snapshot in history]
        for side, history in zip(SIDES, both.histories, strict=True)
    }
    different = [asdict(each) for each in both.different]
    return {"state": both.status.state, "message": both.status.message, "different": different, **histories}


def versus_keep(run_id: str, side: str, title: str = "") -> State:
    """Keep one of two runs that have ended, as a run of its own.

    Args:
        run_id: what versus_start returned.
        side: a or b.
        title: what to call it, at most 60 characters.

    Returns:
        An object with `checkpoint`, its name for checkpoints, render_state and so on.
    """
    return {"checkpoint": versus_run.keep(run_id, str(side), str(title)).reference}


def train_film(run_id: str, kind: str = "mp4") -> str:
    """The film of a run: what the same latent vectors become, from its first step to the newest.

    Args:
        run_id: what train_start returned.
        kind: mp4, gif or webp.
    """
    suffix = f".{kind}"
    if suffix not in MEDIA_TYPES:
        raise GanError(f"The kind of film is one of {', '.join(each[1:] for each in MEDIA_TYPES)}.")
    content = training_film(run_files.run_folder(run_id), suffix)
    Path(get_upload_folder()).mkdir(parents=True, exist_ok=True)
    path = Path(mkdtemp(prefix="film-", dir=get_upload_folder())) / f"training{suffix}"
    path.write_bytes(content)
    return str(path)
