"""A training that was kept, or pulled from the Hub, goes on where it stopped: as a new run of whoever asks.

Nothing is written into the checkpoint. What going on needs is copied into the new run's folder, which its
worker then opens like that of any run that was interrupted.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from checkpoints import store
from gan import runs
from gan.checkpoint import TRAINING, load_run, read_training
from gan.config import TrainConfig, from_mapping, to_mapping
from gan.datasets import Dataset
from gan.errors import GanError
from gan.model import DISCRIMINATOR, GENERATOR
from gan.own_pictures import RESOLUTIONS, load_pictures
from gan.run_files import LONGEST_TITLE, Request, clean_title
from gan.sources import HUB, SHIPPED
from gan.train_form import MOST_MINUTES, network_of
from gan.training import FEWEST_PICTURES
from gan.training_film import FOLDER as FRAMES
from gan.versus_run import OWN_PICTURES

FILES = (
    store.CONFIG, GENERATOR, DISCRIMINATOR, TRAINING, "training.json", "directions.safetensors",
    "preview.png",
)  # fmt: skip
SHOWN = ("metrics.jsonl", "preview.png", "real.png", "scale-*.png")
CONTINUED = ", continued"
USUAL_CATS = 16_000


@dataclass(frozen=True)
class Unfinished:
    """A training that can go on.

    Attributes:
        config: its settings.
        seconds: how long it has trained.
        data: `fashion`, `cats`, `own`, or `hub:owner/name`.
        pictures: how many of those that ship it learns from, 0 for as many as usual.
        run: the folder of the run that it comes from, where it was trained here.
    """

    checkpoint: store.Checkpoint
    config: TrainConfig
    seconds: float
    data: str
    pictures: int
    run: Path | None

    @property
    def finds_its_pictures(self) -> bool:
        """Whether what it learned from is here: it ships, or the run that it comes from has kept it."""
        return self.data in SHIPPED or (self.run is not None and (self.run / OWN_PICTURES[0]).is_file())

    @property
    def where_its_pictures_are(self) -> str:
        """What to do so that it gets its pictures, in one sentence."""
        if self.data.startswith(HUB):
            name = self.data.removeprefix(HUB)
            return (
                f"It learned from {name} on the Hub: choose “A data set on the Hub” above and fetch it first."
            )
        return (
            "It learned from pictures of its owner's, which are not here: choose “My own pictures” above and "
            "give it the same ones first."
        )


def unfinished(reference: str) -> Unfinished:
    """The training of an untrusted reference, by its documents alone.

    Raises:
        GanError: when it holds no training state, or its documents contradict each other.
        CheckpointError: when there is no such checkpoint or it cannot be read.
    """
    checkpoint = store.find(reference)
    config, progress = read_training(checkpoint)
    data = checkpoint.config.get("data")
    data = data if isinstance(data, Mapping) else {}
    name = str(data.get("name", ""))
    _check_pictures(checkpoint.title, name, config)
    trained_here = reference.startswith("runs/")
    return Unfinished(
        checkpoint=checkpoint,
        config=config,
        seconds=progress.seconds,
        data=name,
        pictures=_count(name, data.get("pictures")),
        run=checkpoint.folder.parent if trained_here else None,
    )


def _check_pictures(title: str, name: str, config: TrainConfig) -> None:
    """Whether the pictures that a checkpoint names are such as its network draws."""
    network = config.network
    if name in SHIPPED:
        expected = network_of(name, network.resolution, config)
        kind = ("resolution", "channels", "classes", "attributes")
        fits = all(getattr(expected, each) == getattr(network, each) for each in kind)
    else:
        fits = True  # how many kinds they are of is seen when they are here
    if not fits or (name != "fashion" and network.resolution not in RESOLUTIONS):
        raise GanError(
            f"{title} draws other pictures than those that it names as learned from, so it cannot go on."
        )


def _count(name: str, count: Any) -> int:
    """How many of the pictures that ship to take; a checkpoint of others may say anything."""
    if name not in SHIPPED or type(count) is not int or count < FEWEST_PICTURES:
        return 0
    return 0 if name == "cats" and count >= USUAL_CATS else count


def start(training: Unfinished, minutes: float, pictures: Dataset | None, visitor: str = "") -> str:
    """Queue the training as a new run, for so many minutes more; returns its id.

    Args:
        pictures: to learn from, where it does not find its own.
        visitor: as `gan.runs.create`.

    Raises:
        GanError, CheckpointError: when its state is damaged, its pictures are missing, or as `runs.create`.
    """
    if training.finds_its_pictures:
        pictures = None if training.data in SHIPPED or training.run is None else load_pictures(training.run)
    elif pictures is None:
        raise GanError(training.where_its_pictures_are)
    if pictures is not None and len(pictures.classes) != training.config.network.classes:
        raise GanError(
            f"It was told of {training.config.network.classes} kinds of pictures, and these are of "
            f"{len(pictures.classes)}; choose what it learned from."
        )
    return runs.create(request_for(training, minutes), pictures, visitor, bring=partial(_bring, training))


def request_for(training: Unfinished, minutes: float) -> Request:
    """What the new run is asked to do: the same, for so many minutes more.

    Raises:
        GanError: when it has trained for longer than any run may.
    """
    minutes = min(MOST_MINUTES, max(1, round(minutes or 1)))
    told = training.checkpoint.config.get("training")
    preset = str(told.get("preset", "custom")) if isinstance(told, Mapping) else "custom"
    seconds = training.seconds + 60.0 * minutes
    title = training.checkpoint.title.removesuffix(CONTINUED)
    return Request(
        data=training.data if training.data in SHIPPED else "own",
        resolution=training.config.network.resolution,
        title=title[: LONGEST_TITLE - len(CONTINUED)] + CONTINUED,
        preset=clean_title(preset, "custom"),
        config=from_mapping(TrainConfig, {**to_mapping(training.config), "seconds": seconds, "steps": 0}),
        pictures=training.pictures,
    )


def _bring(training: Unfinished, folder: Path) -> None:
    """Copy the training's state into a new run's folder, and what was seen of it where it was trained here.

    The copy is checked, and not what lies elsewhere: that may change meanwhile.
    """
    store.copy(training.checkpoint, folder / "checkpoint", FILES)
    load_run(store.read(folder / "checkpoint"))
    if training.run is None:
        return
    for pattern in SHOWN:
        for path in training.run.glob(pattern):
            shutil.copyfile(path, folder / path.name)
    if (training.run / FRAMES).is_dir():
        shutil.copytree(training.run / FRAMES, folder / FRAMES)
