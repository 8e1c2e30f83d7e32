"""Two runs side by side: the same start, the same pictures in the same order, and one thing that differs.

Both train in one process, by turns and step for step, so that neither gets more of the machine or the data.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import Field, dataclass, fields, replace
from typing import Any

from torch import Tensor

from gan.config import (
    FOREIGN_ARCHITECTURES,
    FROM_A_CHECKPOINT,
    PRESETS,
    NetworkConfig,
    TrainConfig,
    from_mapping,
    preset_config,
    setting_choices,
    to_mapping,
)
from gan.datasets import Dataset
from gan.errors import GanError
from gan.levers import setting_label, value_of
from gan.run_files import SIDES
from gan.state import TrainState
from gan.training import Snapshot, train
from gan.used_settings import no_effect, suits

# Two looks a second, with time to draw them.
PACE = 0.35
ALMOST = 1 - 1e-6
RECIPE = "preset"
_FIXED = ("network", "seconds", "steps")
# These follow from the pictures.
_FITTED = ("resolution", "channels", "classes", "attributes")
# These are for networks of others, which do not train here.
_FOREIGN = ("plan", "slope")
_YES, _NO = ("yes", "true", "on", "1"), ("no", "false", "off", "0")


@dataclass(frozen=True)
class Pair:
    """What both runs tell after the same number of steps."""

    a: Snapshot
    b: Snapshot


@dataclass(frozen=True)
class Difference:
    """A setting in which two runs differ."""

    name: str
    a: Any
    b: Any


class _SameOrder:
    """The second run meets the pictures of the first, even where its settings use up other random numbers.

    Before each step of the first its random state is noted, and the second begins the same step with it; the
    first goes its way as if it were alone.
    """

    def __init__(self, first: TrainState, second: TrainState) -> None:
        self._first, self._second = first, second
        self._random: dict[int, Tensor] = {}

    def note(self, config: TrainConfig) -> TrainConfig:
        self._random[self._first.step] = self._first.random.get_state()
        return config

    def follow(self, config: TrainConfig) -> TrainConfig:
        noted = self._random.pop(self._second.step, None)
        if noted is not None:
            self._second.random.set_state(noted)
        return config


def versus(
    first: TrainConfig,
    second: TrainConfig,
    dataset: Dataset,
    states: tuple[TrainState, TrainState],
    *,
    pace: float = PACE,
) -> Iterator[Pair]:
    """Train both, a few steps each by turns, and yield a pair about every `pace` seconds.

    The first one's budget holds for both: its `steps` are steps of each, its `seconds` are for each as well,
    on a clock that both share, so that learning rates fade alike. Where a time budget ends, the last steps
    that would not be made by both are not begun. Where an earlier run broke off between its two checkpoints,
    the one that is behind catches up first, on pictures of its own drawing.

    Args:
        states: fresh states of both configs, or those of earlier runs; updated in place.

    Raises:
        GanError: as `gan.training.train`, saying which of the two could not go on.
    """
    second = replace(second, seconds=first.seconds, steps=first.steps)
    order, goal = _SameOrder(*states), _Goal(states)
    players = [
        train(first, dataset, states[0], due=goal.reached, levers=order.note),
        train(second, dataset, states[1], due=goal.reached, levers=order.follow),
    ]
    last: list[Snapshot | None] = [None, None]

    def train_on(i: int) -> None:
        last[i] = _next(players[i], SIDES[i], last[i])

    def reach_the_other(i: int) -> None:
        train_on(i)
        while goal.missed_by(states[i], first):
            train_on(i)

    try:
        for i in range(len(players)):
            if states[i].step < goal.step:
                reach_the_other(i)
        while not goal.out_of_time(first):
            goal.begin(first)
            train_on(0)
            goal.step = states[0].step
            reach_the_other(1)
            goal.end(pace)
            a, b = last
            if a is None or b is None:
                return
            yield Pair(a, b)
            if max(a.progress, b.progress) >= 1:
                return
    finally:
        for player in players:
            player.close()  # type: ignore[attr-defined]


def _next(player: Iterator[Snapshot], side: str, last: Snapshot | None) -> Snapshot | None:
    try:
        return next(player, last)
    except GanError as error:
        raise GanError(f"Run {side.upper()} could not go on, so both stopped. {error}") from error


class _Goal:
    """Up to which step both are to train next, so that a round takes about as long as it should."""

    def __init__(self, states: tuple[TrainState, TrainState]) -> None:
        self.step = max(state.step for state in states)
        self._states, self._steps, self._took = states, 1, 0.0

    def reached(self, step: int) -> bool:
        return step >= self.step

    def missed_by(self, state: TrainState, config: TrainConfig) -> bool:
        """Whether its time ran out before it had made the steps of the other; it then gets a little more."""
        missed = state.step < self.step and state.seconds >= config.seconds > 0
        if missed:
            state.seconds = config.seconds * ALMOST
        return missed

    def begin(self, config: TrainConfig) -> None:
        self.step += self._steps
        if config.seconds:
            shared = self._shared()
            for state in self._states:
                state.seconds = shared
        self._started = time.perf_counter()

    def end(self, pace: float) -> None:
        self._took = time.perf_counter() - self._started
        wanted = round(self._steps * pace / max(self._took, 1e-6))
        self._steps = max(1, min(wanted, 2 * self._steps))

    def out_of_time(self, config: TrainConfig) -> bool:
        """Whether a round like the last would not end in time."""
        if not config.seconds or not self._took:
            return False
        return self._shared() + self._took / len(self._states) >= config.seconds

    def _shared(self) -> float:
        return sum(state.seconds for state in self._states) / len(self._states)


def changeable() -> dict[str, Field[Any]]:
    """The settings in which a second run can differ, by name, as defined in `gan.config`."""
    of_training = {f.name: f for f in fields(TrainConfig) if f.name not in _FIXED}
    of_network = {f.name: f for f in fields(NetworkConfig) if f.name not in _FITTED + _FOREIGN}
    return {**of_training, **of_network}


def changed(config: TrainConfig, name: str, value: str, labels_tell: str) -> TrainConfig:
    """`config` with one thing changed, as somebody types it: a setting, or the whole recipe (`preset`).

    Args:
        labels_tell: what the labels of the pictures tell (`gan.config.PRESETS`), for a recipe.

    Raises:
        GanError: when there is no such setting, the value does not fit, or nothing would differ.
    """
    value = str(value).strip()
    if name == RECIPE:
        if value not in PRESETS or value == FROM_A_CHECKPOINT:
            raise GanError(f"Choose one of the recipes {', '.join(_recipes())}.")
        recipe = preset_config(value, labels_tell)
        return replace(recipe, seconds=config.seconds, steps=config.steps, seed=config.seed)
    setting = changeable().get(name)
    if setting is None:
        raise GanError(f"There is no setting {name!r} to change; take one of {', '.join(changeable())}.")
    read = {name: _read(setting, value)}
    of_network = name not in {f.name for f in fields(TrainConfig)}
    network = from_mapping(NetworkConfig, to_mapping(config.network) | (read if of_network else {}))
    settings = {**to_mapping(config), **({} if of_network else read), "network": network}
    made = from_mapping(TrainConfig, settings)
    if not suits(made.network.architecture, name):
        raise no_effect(made.network.architecture, name)
    if made == config:
        raise GanError(f"Both runs would be the same: {setting_label(name)} is {value} already.")
    return made


def _read(setting: Field[Any], text: str) -> Any:
    kind: Any = type(setting.default)
    try:
        if kind is bool:
            return {**dict.fromkeys(_YES, True), **dict.fromkeys(_NO, False)}[text.lower()]
        return kind(float(text)) if kind is int and float(text).is_integer() else kind(text)
    except (ValueError, KeyError, OverflowError):
        expected = "yes or no" if kind is bool else f"like {setting.default!r}"
        raise GanError(f"{setting_label(setting.name).capitalize()} should be {expected}.") from None


def differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[Difference]:
    """What differs between two configs that `gan.config.to_mapping` made."""
    flat = [{**each["network"], **{k: v for k, v in each.items() if k != "network"}} for each in (a, b)]
    return [
        Difference(name, value, flat[1][name]) for name, value in flat[0].items() if flat[1][name] != value
    ]


def suggestions(config: TrainConfig, name: str) -> list[str]:
    """Values worth a try for the second run, as text, where there are any; all that are allowed will do."""
    if name == RECIPE:
        return _recipes()
    if not suits(config.network.architecture, name):
        return []
    setting = changeable()[name]
    now = value_of(config, name)
    if isinstance(setting.default, bool):
        return ["no" if now else "yes"]
    choices = setting_choices(setting)
    if choices is not None:
        return [str(choice) for choice in choices if choice not in (now, *FOREIGN_ARCHITECTURES)]
    low, high = setting.metadata["minimum"], setting.metadata["maximum"]
    whole = isinstance(setting.default, int)
    if name == "seed":
        return [str(now + 1), str(now + 2), str(now + 3)]
    tries = [now / 10, now / 2, 2 * now, 10 * now] if now else [8, 16, 32] if whole else [0.1, 0.3, 0.5, 1.0]
    tries += [0] if low == 0 and now else []
    allowed = [round(value) if whole else value for value in tries if low <= value <= high]
    return [f"{value:g}" for value in dict.fromkeys(allowed) if value != now]


def _recipes() -> list[str]:
    return [name for name in PRESETS if name != FROM_A_CHECKPOINT]
