"""Steps that visitors are looking at: few, small, for a while, each found by an id that cannot be guessed."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, fields
from threading import Lock
from typing import Any

from checkpoints import store
from gan.checkpoint import TRAINING, load_run, start_from
from gan.config import NetworkConfig, TrainConfig, from_mapping
from gan.datasets import Dataset, open_dataset
from gan.errors import GanError
from gan.networks.parts import count_parameters
from gan.one_step import WHO, Part, one_step
from gan.own_pictures import load_pictures
from gan.run_files import Request, runs_folder
from gan.state import TrainState, fits, new_state
from gan.training import prepare
from gan.worker import begin

# A thousand pictures are enough for a few steps, and are there at once.
MOST_CATS = 1024
LARGEST_NETWORKS = 6_000_000
MOST_PARAMETERS = 12_000_000
KEPT_SECONDS = 1800.0
_SHIPPED_DATA = ("fashion", "cats")


class Moment:
    """A copy of all in a state that a step changes."""

    def __init__(self, state: TrainState) -> None:
        self._parts = [deepcopy(part.state_dict()) for part in _parts(state)]
        self._random = state.random.get_state()
        self._counters = (state.step, state.images_seen, state.skipped)

    def restore(self, state: TrainState) -> None:
        """Bring the state back to this moment, its random numbers too."""
        for part, values in zip(_parts(state), self._parts, strict=True):
            part.load_state_dict(deepcopy(values))
        state.random.set_state(self._random)
        state.step, state.images_seen, state.skipped = self._counters


def _parts(state: TrainState) -> tuple[Any, ...]:
    players = (state.generator, state.discriminator, state.average)
    return (*players, state.generator_optimiser, state.discriminator_optimiser)


class Look:
    """A pair of networks that somebody takes through single steps."""

    def __init__(self, title: str, config: TrainConfig, dataset: Dataset, state: TrainState) -> None:
        """Prepares `state` for the pictures. Raises GanError when they do not fit or it is too large."""
        self.parameters = count_parameters(state.generator) + count_parameters(state.discriminator)
        if self.parameters > LARGEST_NETWORKS:
            raise GanError(
                f"These networks have {self.parameters / 1e6:.0f} million weights, too many to look at here "
                f"(at most {LARGEST_NETWORKS // 1_000_000}); choose a smaller resolution, width or recipe."
            )
        if not fits(dataset, config):
            raise GanError(f"{title} learned from other pictures than these, so no step can be shown.")
        prepare(state, dataset)
        self.title, self.config, self.dataset, self.state = title, config, dataset, state
        self.part: Part | None = None
        self._first = Moment(state)
        self._before: Moment | None = None
        self._running: Iterator[Part] | None = None

    @property
    def can_undo(self) -> bool:
        """Whether there is something to take back."""
        return self._before is not None

    def next_part(self, who: str) -> Part:
        """The next part of the present step, or the first of a new one in which `who` learns."""
        part = next(self._running, None) if self._running else None
        if part is None:
            self._before = Moment(self.state)
            self._running = one_step(self.config, self.dataset, self.state, _known(who))
            part = next(self._running)
        self.part = part
        return part

    def whole_steps(self, who: str, count: int, seconds: float) -> Part:
        """Finish the present step, then make up to `count` whole ones within about so many seconds.

        Returns the last part of the last one.
        """
        who = _known(who)
        self.finish()
        self._before = Moment(self.state)
        end = time.monotonic() + seconds
        for _ in range(max(1, count)):
            *_, self.part = one_step(self.config, self.dataset, self.state, who)
            if time.monotonic() > end:
                break
        assert self.part is not None
        return self.part

    def finish(self) -> None:
        """Let the present step come to its end."""
        for part in self._running or ():
            self.part = part
        self._running = None

    def undo(self) -> None:
        """Take the present or last step (or steps, where several were made at once) back."""
        if self._before is not None:
            self._go_to(self._before)

    def start_again(self) -> None:
        """Back to where the look began."""
        self._go_to(self._first)

    def _go_to(self, moment: Moment) -> None:
        # An abandoned step has begun its update of the average only after its last part.
        self._running, self._before, self.part = None, None, None
        moment.restore(self.state)


def _known(who: str) -> str:
    if who not in WHO:
        raise GanError("Choose who learns: both, the discriminator or the generator.")
    return who


def look_at_request(request: Request, pictures: Dataset | None) -> Look:
    """A fresh pair, or one that begins with a checkpoint, as `gan.worker` would begin the run.

    Raises:
        GanError, CheckpointError: when it cannot begin, or is too large to be looked at.
    """
    dataset = pictures or _dataset(request.data, request.resolution)
    config, state = begin(request, dataset)
    return Look(request.title, config, dataset, state)


def look_at_checkpoint(reference: str) -> Look:
    """A trained pair: with its optimisers where the checkpoint holds them, else with fresh ones.

    Raises:
        GanError, CheckpointError: when it or its pictures are not here, or it is too large to be looked at.
    """
    checkpoint = store.find(reference)
    data = checkpoint.config.get("data", {})
    dataset = _pictures_of(checkpoint.title, reference, data if isinstance(data, dict) else {}, checkpoint)
    if checkpoint.has(TRAINING):
        config, state = load_run(checkpoint)
    else:
        config = _saved_config(checkpoint.config)
        state = new_state(config)
        start_from(state, config, checkpoint)
    return Look(checkpoint.title, config, dataset, state)


def _pictures_of(title: str, reference: str, data: dict[str, Any], checkpoint: store.Checkpoint) -> Dataset:
    name = data.get("name")
    if name in _SHIPPED_DATA:
        network = from_mapping(NetworkConfig, checkpoint.config.get("network", {}))
        return _dataset(str(name), network.resolution)
    folder = runs_folder() / reference.removeprefix("runs/")
    if reference.startswith("runs/") and (folder / "data.safetensors").is_file():
        return load_pictures(folder)
    raise GanError(
        f"The pictures that {title} learned from are not here. Choose them above under My own pictures, and "
        "the recipe From a checkpoint; then look at a fresh run."
    )


def _dataset(name: str, resolution: int) -> Dataset:
    return open_dataset("cats", resolution, limit=MOST_CATS) if name == "cats" else open_dataset(name)


def _saved_config(document: dict[str, Any]) -> TrainConfig:
    """The settings that a checkpoint's `config.json` tells."""
    known, told = {f.name for f in fields(TrainConfig)}, document.get("training", {})
    settings = {k: v for k, v in told.items() if k in known} if isinstance(told, dict) else {}
    network = from_mapping(NetworkConfig, document.get("network", {}))
    return from_mapping(TrainConfig, {**settings, "network": network})


@dataclass
class _Place:
    look: Look
    used: float


class Desk:
    """The looks of all visitors: those that were not used for long go first when there is no more room."""

    def __init__(self, most_parameters: int = MOST_PARAMETERS, kept_seconds: float = KEPT_SECONDS) -> None:
        self._places: OrderedDict[str, _Place] = OrderedDict()
        self._most, self._kept, self._lock = most_parameters, kept_seconds, Lock()

    def put(self, look: Look, now: Callable[[], float] = time.monotonic) -> str:
        """Keep a look; returns its id."""
        with self._lock:
            self._tidy(now())
            look_id = secrets.token_hex(16)
            self._places[look_id] = _Place(look, now())
            while len(self._places) > 1 and self._parameters() > self._most:
                self._places.popitem(last=False)
            return look_id

    def find(self, look_id: str, now: Callable[[], float] = time.monotonic) -> Look | None:
        """The look of an untrusted id, or None when it is not or no longer here."""
        with self._lock:
            self._tidy(now())
            place = self._places.get(look_id) if isinstance(look_id, str) else None
            if place is None:
                return None
            place.used = now()
            self._places.move_to_end(look_id)
            return place.look

    def drop(self, look_id: str) -> None:
        """Forget a look."""
        with self._lock:
            self._places.pop(look_id, None)

    def _parameters(self) -> int:
        return sum(place.look.parameters for place in self._places.values())

    def _tidy(self, now: float) -> None:
        for look_id in [key for key, place in self._places.items() if now - place.used > self._kept]:
            del self._places[look_id]
