"""One training run in a process of its own: `python -m gan.worker FOLDER` (see `gan.runs` for the folder).

At low priority, so that visitors who explore are served first, and first in line when memory runs out.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from io import BytesIO
from math import inf
from pathlib import Path

import torch

from checkpoints import store
from checkpoints.errors import CheckpointError
from gan.checkpoint import load_run, network_to_start_from, save_run, start_from
from gan.config import TrainConfig
from gan.datasets import Dataset, open_dataset, real_examples
from gan.errors import GanError
from gan.full_disk import SENTENCE, disk_is_full
from gan.memorising import Watch as CopyWatch
from gan.memorising import watch_for
from gan.networks.equalised import enlarged
from gan.own_pictures import load_pictures
from gan.pictures import grid_image
from gan.run_files import Request, read_request, write_atomically, write_status, write_title
from gan.run_levers import changed_config
from gan.scales import draw_scales, pictures_at_scales
from gan.state import TrainState, fitted, new_state
from gan.training import PREVIEW_COUNT, Snapshot, preview, train
from gan.training_film import add_frame, forget_frames_after
from gan.watching import Watch, split, watched

COLUMNS = 8
FIRST_CHECKPOINT = 5.0
CHECKPOINT_EVERY = 15.0
CHECKPOINT_SHARE = 0.05
MOST_TO_LOSE = 25.0
PREVIEW_EVERY = 0.5
PREVIEW_SHARE = 0.04
LINE_EVERY = 1.0
NOT_ENOUGH_MEMORY = (
    "There is not enough memory for this training; choose a smaller network, batch or resolution."
)

Job = Callable[[Path, Callable[[], bool]], None]
FULL_DISK = (
    "The disk of this machine is full, so the training stopped. What it had learned by its last checkpoint "
    "is kept; free some space, then Continue."
)
UNEXPECTED = "The training failed unexpectedly; please try other settings."


@dataclass
class Pace:
    """When something that costs time is due: every so many seconds, and not above a share of the time, unless
    that would take longer than `longest` seconds.
    """

    every: float
    share: float = 1.0
    longest: float = inf
    due: float = 0.0

    def run(self, work: Callable[[], None], at_once: bool = False) -> None:
        """Do `work` if it is due or wanted `at_once`, and find out from its cost when it is due next."""
        started = time.monotonic()
        if started < self.due and not at_once:
            return
        work()
        now = time.monotonic()
        self.due = now + min(self.longest, max(self.every, (now - started) / self.share))


@dataclass
class Run:
    """A run's folder, opened for work; `config` is what is in force, and nobody learns from `held_out`."""

    folder: Path
    config: TrainConfig
    state: TrainState
    dataset: Dataset
    held_out: Dataset | None = None
    watch: CopyWatch | None = None
    _levers_seen: tuple[int, int] = field(default=(0, 0), init=False)

    def levers(self, config: TrainConfig) -> TrainConfig:
        """What the visitor wants from the next step on; the file is read only when it has been replaced."""
        try:
            found = os.stat(self.folder / "levers.json")
        except OSError:
            return config
        if (found.st_ino, found.st_mtime_ns) != self._levers_seen:
            self._levers_seen = (found.st_ino, found.st_mtime_ns)
            self.config = changed_config(self.folder, config)
        return self.config

    def fresh(self, config: TrainConfig) -> TrainState:
        """A state to begin anew with: fresh networks, or those of the checkpoint that the run began with.

        Raises:
            GanError, CheckpointError: when that checkpoint is not here any more.
        """
        state, beginning = new_state(config), read_request(self.folder).start_from
        if beginning:
            start_from(state, config, store.find(beginning))
        return state

    def looks(self) -> Watch:
        """Somebody who looks at both players, and knows from how many pictures they learn at the moment."""
        return Watch(self.dataset, self.held_out, lambda: self.config.only_first)

    def record(self, snapshot: Snapshot) -> None:
        """Append the snapshot to `metrics.jsonl`."""
        with open(self.folder / "metrics.jsonl", "a", encoding="utf-8") as stream:
            stream.write(json.dumps(asdict(snapshot)) + "\n")

    def draw(self) -> None:
        """Render `preview.png`: the averaged generator at the same latent vectors as always.

        Where it draws at several scales, these as well, of the same drawing.
        """
        if self.state.average.several_scales:
            scales = pictures_at_scales(self.state, PREVIEW_COUNT)
            draw_scales(self.folder, scales)
            pictures = enlarged(scales[-1], self.config.network.resolution)
        else:
            pictures = preview(self.state)
        _write_grid(self.folder / "preview.png", pictures)
        add_frame(self.folder, pictures, self.state.step, self.state.seconds)

    def draw_rows(self) -> None:
        """Render the few pictures of every scale alone, which cost a quarter of all."""
        draw_scales(self.folder, pictures_at_scales(self.state))

    def draw_real(self) -> None:
        """Render `real.png`: real pictures in the same grid, of the same classes."""
        _write_grid(self.folder / "real.png", real_examples(self.dataset))

    def save_unless_copying(self) -> None:
        """Write the checkpoint, unless the generator draws copies and there is one from before that."""
        if self.watch is not None:
            self.watch.look(self.state)
            if self.watch.suspicious and has_checkpoint(self.folder):
                return
        self.save()

    def back_to_checkpoint(self) -> None:
        """Show what is kept, where it is older than what was learned last."""
        self.state = load_run(store.read(self.folder / "checkpoint"))[1]
        forget_frames_after(self.folder, self.state.step)
        self.draw()

    def save(self) -> None:
        """Write the checkpoint, under the title that the visitor may have changed meanwhile."""
        request = read_request(self.folder)
        save_run(
            self.folder / "checkpoint", self.config, self.state, self.dataset, request.title, request.preset
        )
        # A visitor who kept the run meanwhile has put the new title into the checkpoint before this one.
        title = read_request(self.folder).title
        if title != request.title:
            write_title(self.folder, title)


def _write_grid(path: Path, pictures: torch.Tensor) -> None:
    content = BytesIO()
    grid_image(pictures, COLUMNS).save(content, "PNG", compress_level=1)
    write_atomically(path, content.getvalue())


def open_run(folder: Path) -> Run:
    """Read the request and its pictures, and load the last checkpoint where there is one.

    Raises:
        GanError, CheckpointError: when the request, the pictures or the checkpoint cannot be used.
    """
    request = read_request(folder)
    torch.set_num_threads(max(1, request.threads))
    dataset, held_out = split(
        load_pictures(folder)
        if request.data == "own"
        else open_dataset(request.data, request.resolution, limit=request.pictures or None)
    )
    config, state = resume(folder, request) if has_checkpoint(folder) else begin(request, dataset)
    forget_after(folder, state.step)
    return Run(folder, config, state, dataset, held_out, watch_for(config, dataset))


def has_checkpoint(folder: Path) -> bool:
    """Whether a run's folder holds something to go on from."""
    return (folder / "checkpoint" / store.CONFIG).is_file()


def resume(folder: Path, request: Request) -> tuple[TrainConfig, TrainState]:
    """What a run's last checkpoint says, with the budget of its request.

    Raises:
        CheckpointError, GanError: when the checkpoint cannot be used.
    """
    saved, state = load_run(store.read(folder / "checkpoint"))
    return replace(saved, seconds=request.config.seconds, steps=request.config.steps), state


def begin(request: Request, dataset: Dataset) -> tuple[TrainConfig, TrainState]:
    """Fresh networks, or those of the checkpoint that the run is to begin with.

    Raises:
        GanError, CheckpointError: when the checkpoint cannot be used for these pictures.
    """
    if not request.start_from:
        config = fitted(request.config, dataset)
        return config, new_state(config)
    checkpoint = store.find(request.start_from)
    network = network_to_start_from(checkpoint, dataset, request.config.told)
    config = replace(request.config, network=network)
    state = new_state(config)
    start_from(state, config, checkpoint)
    return config, state


def forget_after(folder: Path, step: int) -> None:
    """Drop what a lost stretch left: lines and frames behind the checkpoint from which a run goes on."""
    forget_frames_after(folder, step)
    path = folder / "metrics.jsonl"
    with suppress(OSError):
        lines = path.read_text(encoding="utf-8").splitlines()
        kept = [line for line in lines if _step_of(line) <= step]
        write_atomically(path, "".join(f"{line}\n" for line in kept).encode())


def _step_of(line: str) -> float:
    """The step of a recorded snapshot; infinity for a line that was cut off."""
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return inf


def work(run: Run, should_stop: Callable[[], bool]) -> None:
    """Train until the budget is used or `should_stop` says so; the checkpoint holds the result.

    Raises:
        GanError: when the training diverges again and again; the last good checkpoint stays.
    """
    grows = run.state.average.several_scales
    share = PREVIEW_SHARE / 2 if grows else PREVIEW_SHARE
    previews, rows, lines = Pace(PREVIEW_EVERY, share), Pace(PREVIEW_EVERY, share), Pace(LINE_EVERY)
    first = time.monotonic() + FIRST_CHECKPOINT
    checkpoints = Pace(CHECKPOINT_EVERY, CHECKPOINT_SHARE, MOST_TO_LOSE, first)
    run.draw_real()
    stopped, copying, last = False, False, None
    snapshots = train(
        run.config, run.dataset, run.state, every=PREVIEW_EVERY, levers=run.levers, fresh=run.fresh
    )
    for last in watched(snapshots, run.state, run.looks()):
        stopped = last.progress < 1 and should_stop()
        # Whoever reads the whole course reads every line of it, so not every picture gets one.
        lines.run(partial(run.record, last), at_once=stopped or bool(last.signals or last.changes))
        previews.run(run.draw)
        if grows:
            rows.run(run.draw_rows)
        checkpoints.run(run.save_unless_copying)
        copying = run.watch is not None and run.watch.copying
        write_status(run.folder, "running", "Stopping…" if stopped else "", last)
        if stopped or copying:
            break
    if copying and run.watch is not None:
        run.back_to_checkpoint()
        write_status(run.folder, "stopped", run.watch.sentence(), last)
        return
    if last is not None:
        run.draw()
        run.save()
    write_status(run.folder, "stopped" if stopped else "finished", "", last)


def work_in(folder: Path, should_stop: Callable[[], bool]) -> None:
    """Open the run in `folder` and `work` on it."""
    work(open_run(folder), should_stop)


def run_folder(folder: Path, should_stop: Callable[[], bool], job: Job = work_in) -> int:
    """Do the job in the run's `folder`; whatever goes wrong ends as a sentence in its status."""
    try:
        write_status(folder, "running", "Preparing the pictures and the network…")
        job(folder, should_stop)
    except (GanError, CheckpointError) as error:
        write_status(folder, "failed", str(error))
    except Exception as error:
        if disk_is_full(error):
            _tell_in_spite_of_a_full_disk(folder)
            return 1
        # torch has no exception of its own for a full memory that is the same on every device.
        full = isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and "memory" in str(error))
        write_status(folder, "failed", NOT_ENOUGH_MEMORY if full else UNEXPECTED)
        raise
    else:
        return 0
    return 1


def _tell_in_spite_of_a_full_disk(folder: Path) -> None:
    """Say what happened, for which the film of the run makes room."""
    kept = has_checkpoint(folder)
    with suppress(OSError):
        forget_frames_after(folder, -1)
        write_status(folder, "stopped" if kept else "failed", FULL_DISK if kept else SENTENCE)


def _step_back() -> None:
    """Let everybody else go first: for the processor, and for memory when there is not enough for all."""
    os.nice(10)
    with suppress(OSError):
        # With Linux' autogroups a niceness counts only inside its session; the session has one of its own.
        # It is milder, because a stylisation in the app's session would take all that this one leaves.
        Path("/proc/self/autogroup").write_text("5")
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


class _Asked:
    """Whether the run has been asked to stop, by its `stop` file or by a signal."""

    def __init__(self, folder: Path) -> None:
        self._file, self._signalled = folder / "stop", False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    def _on_signal(self, *_: object) -> None:
        self._signalled = True

    def __call__(self) -> bool:
        return self._signalled or self._file.exists()


def main(arguments: list[str], job: Job = work_in) -> int:
    """Entry point of the process; `gan.runs` starts it with the run's lock held."""
    if len(arguments) != 1 or not (Path(arguments[0]) / "request.json").is_file():
        print("usage: python -m gan.worker FOLDER (a run made by gan.runs)", file=sys.stderr)
        return 2
    folder = Path(arguments[0])
    _step_back()
    return run_folder(folder, _Asked(folder), job)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
