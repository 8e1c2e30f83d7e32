"""The sub-command `train` of `python -m gan`."""

from __future__ import annotations

import os
import sys
import time
from argparse import (
    SUPPRESS,
    ArgumentParser,
    ArgumentTypeError,
    BooleanOptionalAction,
    Namespace,
    _SubParsersAction,
)
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import nullcontext, redirect_stderr
from dataclasses import Field, fields, replace
from pathlib import Path
from typing import Any

import torch

from checkpoints import store
from checkpoints.errors import CheckpointError
from gan import sources
from gan.augmentation import share_for
from gan.checkpoint import load_run, network_to_start_from, save_run, start_from
from gan.config import (
    FROM_A_CHECKPOINT,
    PRESETS,
    NetworkConfig,
    TrainConfig,
    from_mapping,
    preset_config,
    to_mapping,
)
from gan.crew import Crew, Processes, from_environment
from gan.datasets import Dataset
from gan.diagnosis import as_text, diagnose
from gan.errors import GanError
from gan.full_disk import told_when_full
from gan.growth import growth_text
from gan.how_many import advice, beginning_for
from gan.memorising import Watch as CopyWatch
from gan.memorising import watch_for
from gan.pushing import Pusher
from gan.state import TrainState, network_for, new_state
from gan.training import Snapshot, preview, train
from gan.training_film import add_frame, check_suffix, forget_frames_after, training_film
from gan.used_settings import TITLES, uses
from gan.watching import Watch, split, watched

SAVE_EVERY = 20.0
INTERRUPTED = 130
_NETWORK_FLAGS = (
    "architecture", "z_dim", "components", "halvings", "width", "critic_width", "gain", "spectral",
    "batch_norm", "designed_norm", "activation", "critic_activation", "output", "dropout", "initialisation",
    "upsampling",
)  # fmt: skip


def add_parsers(subparsers: _SubParsersAction[ArgumentParser]) -> None:
    """Add `train`; the parser's `run` takes the parsed arguments and returns the exit status."""
    parser = subparsers.add_parser("train", help="train a network on pictures and write a checkpoint")
    sources.add_arguments(parser)
    parser.add_argument(
        "--preset",
        choices=PRESETS,
        help="network and settings, named by what they promise (default: in-a-minute)",
    )
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where the checkpoint goes")
    parser.add_argument("--resume", type=Path, metavar="FOLDER", help="a checkpoint to go on from")
    parser.add_argument(
        "--start-from",
        metavar="NAME",
        help="begin with the networks of a checkpoint, as a new run with its own settings",
    )
    parser.add_argument(
        "--push", metavar="USER/NAME", help="put the checkpoint on the Hub once a minute, to be watched there"
    )
    parser.add_argument(
        "--film", type=Path, metavar="FILE.mp4", help="a film of the training: .mp4, .gif or .webp"
    )
    parser.add_argument("--title", help="what people call the result")
    parser.add_argument("--threads", type=int, default=0, help="processor threads (default: torch decides)")
    settings = parser.add_argument_group("settings that replace those of the preset")
    for setting in _settings():
        _add_flag(settings, setting)
    parser.set_defaults(run=run_train)


def _settings() -> Iterator[Field[Any]]:
    yield from (setting for setting in fields(TrainConfig) if setting.name != "network")
    yield from (setting for setting in fields(NetworkConfig) if setting.name in _NETWORK_FLAGS)


def _add_flag(group: Any, setting: Field[Any]) -> None:
    flag, metadata = f"--{setting.name.replace('_', '-')}", setting.metadata
    if isinstance(setting.default, bool):
        group.add_argument(
            flag, dest=setting.name, action=BooleanOptionalAction, default=SUPPRESS, help=metadata["help"]
        )
        return
    limits = "" if metadata["minimum"] is None else f", {metadata['minimum']:g} to {metadata['maximum']:g}"
    group.add_argument(
        flag,
        dest=setting.name,
        type=_number(type(setting.default)),
        choices=metadata["choices"],
        default=SUPPRESS,
        help=metadata["help"] + limits,
    )


def _number(kind: Callable[[str], Any]) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        try:
            return kind(text)
        except ValueError:
            raise ArgumentTypeError(f"{text!r} is not a number of the right kind") from None

    return parse


def run_train(arguments: Namespace) -> int:
    """Train and save. Returns 0, 2 after a caller's mistake, 130 after Ctrl-C (the best so far is kept)."""
    if arguments.threads > 0:
        torch.set_num_threads(arguments.threads)
    try:
        return _train(arguments)
    except (GanError, CheckpointError) as error:
        print(f"gan: {error}", file=sys.stderr)
    except OSError as error:
        print(f"gan: {error.filename or 'The folder'} cannot be written: {error.strerror}.", file=sys.stderr)
    return 2


def _train(arguments: Namespace) -> int:
    crew = from_environment()
    with open(os.devnull, "w") as nowhere, nullcontext() if crew.leads else redirect_stderr(nowhere):
        return _train_in(crew, arguments)


def _train_in(crew: Crew, arguments: Namespace) -> int:
    """Train as one process of a crew, of which the first alone speaks and writes."""
    out = arguments.out or arguments.resume
    if out is None:
        raise GanError("Say where the checkpoint goes: --out FOLDER.")
    if out.exists() and not (out.is_dir() and (not any(out.iterdir()) or (out / store.CONFIG).is_file())):
        raise GanError(f"{out.name} exists and is no checkpoint; choose another folder for --out.")
    if arguments.film:
        check_suffix(arguments.film.suffix)
    changes = {s.name: getattr(arguments, s.name) for s in _settings() if hasattr(arguments, s.name)}
    if arguments.resume and arguments.start_from:
        raise GanError("--resume goes on with a run, --start-from begins a new one; leave one of them away.")
    if arguments.resume:
        config, state, dataset, title, preset = _resumed(arguments, changes)
    else:
        config, state, dataset, title, preset = _fresh(arguments, changes)
    if dataset.note:
        print(dataset.note, file=sys.stderr)
    dataset, held_out = split(dataset)

    if isinstance(crew, Processes):
        crew.join(config, state, dataset)
    snapshots = train(config, dataset, state, crew=crew)
    if not crew.leads:
        return _follow(snapshots)
    watch = watch_for(config, dataset) if crew.size == 1 else None
    frames = out.with_name(f"{out.name}-film")
    forget_frames_after(frames, state.step)
    pusher = Pusher(out, arguments.push) if arguments.push else None

    def save() -> None:
        if watch is not None:
            watch.look(state)
            if watch.suspicious and (out / store.CONFIG).is_file():
                return
        with told_when_full():
            save_run(out, config, state, dataset, arguments.title or title, preset)
        if pusher is not None:
            pusher.push()

    def draw() -> None:
        if arguments.film:
            with told_when_full():
                add_frame(frames, preview(state), state.step, state.seconds)

    looked_at = watched(snapshots, state, Watch(dataset, held_out))
    status = _work(looked_at, save, draw, watch, out, config)
    if pusher is not None:
        pusher.finish()
    if arguments.film:
        arguments.film.write_bytes(training_film(frames, arguments.film.suffix))
    return status


def _follow(snapshots: Iterator[Snapshot]) -> int:
    """Train along with the process that leads, and end when it does."""
    try:
        for _ in snapshots:
            pass
    except (KeyboardInterrupt, RuntimeError):
        return INTERRUPTED
    return 0


Prepared = tuple[TrainConfig, TrainState, Dataset, str, str]


def _fresh(arguments: Namespace, changes: dict[str, Any]) -> Prepared:
    if not arguments.data:
        raise GanError(
            "Say what to learn from: --data fashion, cats, a folder or zip of pictures, or hub:USER/NAME."
        )
    dataset = sources.open_source(arguments.data, arguments.resolution, arguments.pictures, arguments)
    reference = arguments.start_from or _usual_beginning(arguments, dataset, changes)
    name = arguments.preset or (FROM_A_CHECKPOINT if reference else "in-a-minute")
    if name == FROM_A_CHECKPOINT and not reference:
        raise GanError(f"--preset {FROM_A_CHECKPOINT} needs --start-from NAME.")
    preset = preset_config(name, dataset.labels_tell)
    told = changes.get("told", preset.told)
    asked = sorted(changes)
    beginning = store.find_anywhere(reference) if reference else None
    if beginning:
        _refuse(changes, _NETWORK_FLAGS, "The networks of --start-from stay as they are")
        network = network_to_start_from(beginning, dataset, told)
    else:
        network = replace(preset.network, **{k: changes.pop(k) for k in _NETWORK_FLAGS if k in changes})
        network = from_mapping(NetworkConfig, to_mapping(network_for(dataset, network, told)))
    if "steps" in changes and "seconds" not in changes:
        changes["seconds"] = 0.0  # a number of steps alone means exactly that many
    if beginning or sources.is_own(arguments.data):
        changes = {"augment": share_for(len(dataset)), **changes}
    config = from_mapping(TrainConfig, {**to_mapping(preset), **changes, "network": network})
    unused = [name for name in asked if not uses(config, name)]
    _refuse(dict.fromkeys(asked), unused, f"In this run the {TITLES[network.architecture]} has no use for it")
    state = new_state(config)
    if beginning:
        start_from(state, config, beginning)
    return config, state, dataset, f"{dataset.title}, {name}", name


def _usual_beginning(arguments: Namespace, dataset: Dataset, changes: Mapping[str, Any]) -> str:
    """The checkpoint to begin with where nobody has said anything about recipe or networks; says so."""
    if arguments.preset or not sources.is_own(arguments.data):
        return ""
    print(advice(len(dataset)), file=sys.stderr)
    reference = "" if set(changes) & set(_NETWORK_FLAGS) else beginning_for(dataset)
    if reference:
        print(f"So it begins with {reference}; --preset in-a-minute begins with nothing.", file=sys.stderr)
    return reference


def _resumed(arguments: Namespace, changes: dict[str, Any]) -> Prepared:
    """What a checkpoint needs to go on; only its budget, not its nature, may change."""
    checkpoint = store.find_anywhere(str(arguments.resume))
    saved, state = load_run(checkpoint)
    _refuse(changes, set(changes) - {"seconds", "steps"}, "A resumed run keeps its settings")
    config = from_mapping(TrainConfig, {**to_mapping(saved), **changes})
    data = checkpoint.config.get("data", {})
    name = arguments.data or str(data.get("name", ""))
    known = not sources.is_own(name) or name.startswith(sources.HUB)
    if not known and not arguments.data:
        raise GanError("This run learned from its own pictures; say where they are: --data FOLDER|ZIP.")
    count = arguments.pictures or (data.get("pictures") if known else None)
    arguments.grey = arguments.grey or (sources.is_own(name) and config.network.channels == 1)
    dataset = sources.open_source(name, config.network.resolution, count, arguments)
    preset = str(checkpoint.config.get("training", {}).get("preset", "custom"))
    return config, state, dataset, checkpoint.title, preset


def _refuse(changes: Mapping[str, Any], names: Collection[str], why: str) -> None:
    given = ", ".join(f"--{name.replace('_', '-')}" for name in sorted(set(names) & set(changes)))
    if given:
        raise GanError(f"{why}; leave {given} away.")


def _work(
    snapshots: Iterator[Snapshot],
    save: Callable[[], None],
    draw: Callable[[], None],
    watch: CopyWatch | None,
    out: Path,
    config: TrainConfig,
) -> int:
    """Follow the run to its end, saving every 20 seconds; Ctrl-C ends it early and keeps the result.

    So does a generator that draws copies, with what it was before.
    """
    status, saved, steps = 0, time.monotonic(), 0
    history: list[Snapshot] = []
    try:
        for snapshot in snapshots:
            steps = snapshot.step
            history.append(snapshot)
            print(_line(snapshot), file=sys.stderr, flush=True)
            draw()
            if time.monotonic() - saved >= SAVE_EVERY:
                save()
                saved = time.monotonic()
            if watch is not None and watch.copying:
                print(watch.sentence(), file=sys.stderr)
                print(out)
                return 0
    except KeyboardInterrupt:
        status = INTERRUPTED
        print("Stopped; what was learned so far is kept.", file=sys.stderr)
    if not steps and status:
        return status
    save()
    print(as_text(diagnose(history, config)[0]), file=sys.stderr)
    print(out)
    return status


def _line(snapshot: Snapshot) -> str:
    skipped = f"{snapshot.skipped:,} D steps skipped  " if snapshot.skipped else ""
    growth = f"{growth_text(snapshot.side, snapshot.alpha)}  " if snapshot.side else ""
    return (
        f"{100 * snapshot.progress:5.1f} %  step {snapshot.step:,}  "
        f"{snapshot.images_per_second:,.0f} pictures/s  "
        f"loss G {snapshot.generator_loss:.3f} D {snapshot.discriminator_loss:.3f}  "
        f"D(x) {snapshot.real_score:.2f} D(G(z)) {snapshot.fake_score:.2f}  "
        f"{skipped}{growth}{snapshot.seconds_left:,.0f} s left"
    )
