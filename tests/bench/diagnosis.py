"""Whether `gan.diagnosis` is right: runs made to fail in known ways, healthy ones, and what it says.

    python -m tests.bench.diagnosis             the table, from the records in tests/bench/runs, in seconds
    python -m tests.bench.diagnosis --record    make the records that are missing, in minutes
    python -m tests.bench.diagnosis --mend      fail, apply the remedy by levers, and look again

Records are metrics alone, a line a moment. Rules and thresholds were chosen on the runs with seeds 0 and 1
(`calibration`); those with seed 2 were recorded when rules and settings stood, and are the test.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch

from gan.config import TrainConfig, from_mapping, to_mapping
from gan.course import course_of
from gan.datasets import Dataset, open_dataset
from gan.diagnosis import Verdict, diagnose
from gan.errors import GanError
from gan.failures import FAILURES, SOUND, failure
from gan.levers import with_levers
from gan.run_status import read_snapshot
from gan.state import fitted, new_state
from gan.training import Snapshot, train
from gan.watching import Watch, split

RECORDS = Path(__file__).with_name("runs")
# A run that is mended is so many times as long as one that only fails.
MENDED_AFTER = 4
MOMENTS = 24
MEANS = ("discriminator_loss", "generator_loss", "real_score", "fake_score")
SIDES = {"cats": 32, "fashion": 28}
SHIPPED_PICTURES = 4000
STEPS = 192
LONGER = {
    "oscillation": 384, "memorising": 384, "too few pictures": 480,
    "healthy, improving": 480, "healthy, done": 480,
}  # fmt: skip
HEALTHY = ("healthy, improving", "healthy, done")
CALIBRATED = (0, 1)


@dataclass(frozen=True)
class Case:
    """A run of the bench: what it is made to be, on which pictures, from which seed."""

    verdict: str
    data: str
    seed: int

    @property
    def name(self) -> str:
        """Of its file."""
        return f"{self.verdict.replace(',', '').replace(' ', '-')}-{self.data}-{self.seed}"

    @property
    def path(self) -> Path:
        """Where its record lies."""
        return RECORDS / f"{self.name}.jsonl"

    @property
    def mended_path(self) -> Path:
        """Where the record lies of the same run that was mended afterwards."""
        return RECORDS / f"mended-{self.name}.jsonl"

    @property
    def calibration(self) -> bool:
        """Whether thresholds were chosen on it."""
        return self.seed in CALIBRATED

    def prepared(self, all_pictures: bool = False) -> tuple[TrainConfig, Dataset]:
        """Its settings and pictures; with `all_pictures` a lever leaves it few, and can give them back."""
        if self.verdict in HEALTHY:
            config, pictures = SOUND, 0
        else:
            config, pictures = failure(self.verdict).config(), failure(self.verdict).pictures
        limit = SHIPPED_PICTURES if all_pictures or not pictures else pictures
        dataset = open_dataset(self.data, SIDES[self.data], limit=limit)
        config = replace(config, only_first=pictures if all_pictures else 0)
        steps = LONGER.get(self.verdict, STEPS)
        config = replace(config, seed=self.seed, seconds=0.0, steps=steps, batch=16)
        if self.verdict == "healthy, improving":
            config = replace(config, final_lr=1.0)
        return fitted(config, dataset), dataset


CASES = [
    Case(verdict, data, seed)
    for seed in (0, 1, 2)
    for verdict in (*(each.verdict for each in FAILURES), *HEALTHY)
    for data in ("fashion", "cats")
]


def moments(snapshots: Iterator[Snapshot], length: int) -> Iterator[Snapshot]:
    """Snapshots of every step as the means of `length` of them, as a run that is not so closely watched."""
    group: list[Snapshot] = []
    for snapshot in snapshots:
        group.append(snapshot)
        if len(group) == length or snapshot.progress >= 1:
            yield replace(snapshot, **{name: fmean(getattr(s, name) for s in group) for name in MEANS})
            group = []


def record(case: Case) -> str:
    """Train the case and write down what could be seen, with how it ended; returns its name."""
    config, dataset = case.prepared()
    learned, held_out = split(dataset)
    state = new_state(config)
    watch = Watch(learned, held_out)
    lines: list[dict[str, Any]] = []
    trouble = ""
    try:
        for moment in moments(train(config, learned, state, every=0.0), config.steps // MOMENTS):
            lines.append(asdict(replace(moment, signals=watch.look(state))))
    except GanError as error:
        trouble = str(error)
    head = {**asdict(case), "trouble": trouble, "config": to_mapping(config)}
    write(case.path, head, lines)
    return case.name


def write(path: Path, head: dict[str, Any], lines: list[dict[str, Any]]) -> None:
    """A record: its head and a line a moment."""
    text = "".join(json.dumps(rounded(line)) + "\n" for line in [head, *lines])
    RECORDS.mkdir(exist_ok=True)
    temporary = path.with_suffix(".part")
    temporary.write_text(text)
    temporary.replace(path)


def mend(case: Case) -> None:
    """Let the case fail, move the levers as its verdict says, and train three times as long."""
    config, dataset = case.prepared(all_pictures=True)
    learned, held_out = split(dataset)
    failing = config.steps
    config = replace(config, steps=MENDED_AFTER * failing)
    state, history = new_state(config), list[Snapshot]()
    remedy: dict[str, float] = {}
    watch = Watch(learned, held_out, lambda: int(remedy.get("only_first", config.only_first)))

    def levers(now: TrainConfig) -> TrainConfig:
        if state.step >= failing and not remedy:
            remedy.update(diagnose(history, now)[0].levers or {"gamma": now.gamma})
        return with_levers(now, remedy)

    snapshots = train(config, learned, state, every=0.0, levers=levers)
    try:
        for moment in moments(snapshots, failing // MOMENTS):
            history.append(replace(moment, signals=watch.look(state)))
        trouble = ""
    except GanError as error:
        trouble = str(error)
    head = {**asdict(case), "trouble": trouble, "config": to_mapping(config)}
    write(case.mended_path, head, [asdict(snapshot) for snapshot in history])


def mended_rows() -> list[dict[str, Any]]:
    """Every mended case: what was said before the remedy and at the end, and both distances."""
    rows = []
    for case in CASES:
        if not case.mended_path.is_file():
            continue
        history, config, trouble = read_record(case.mended_path)
        before = [snapshot for snapshot in history if snapshot.step <= config.steps // MENDED_AFTER]
        after = diagnose(history, config, trouble)
        courses = [course_of(part, config) for part in (before, history)]
        rows.append(
            {
                **asdict(case),
                "said": diagnose(before, config)[0].name,
                "said_after": after[0].name,
                "distances": [None if course is None else course.distance for course in courses],
            }
        )
    return rows


def rounded(value: Any) -> Any:
    """Floats with four digits."""
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(inner) for inner in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


def read_record(path: Path) -> tuple[list[Snapshot], TrainConfig, str]:
    """The history of a recorded run, its settings, and why it broke off, or nothing."""
    head, *lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    snapshots = [snapshot for snapshot in map(read_snapshot, lines) if snapshot is not None]
    return snapshots, from_mapping(TrainConfig, head["config"]), str(head["trouble"])


def said_of(case: Case) -> Verdict:
    """What the diagnosis says of a recorded run at its end."""
    history, config, trouble = read_record(case.path)
    return diagnose(history, config, trouble)[0]


def table() -> dict[str, Any]:
    """Every recorded case with what it is and what was said, and how many were right."""
    rows = []
    for case in CASES:
        if case.path.is_file():
            said = said_of(case)
            rows.append(
                {
                    **asdict(case),
                    "said": said.name,
                    "right": said.name == case.verdict,
                    "evidence": list(said.evidence),
                }
            )
    healthy_called_sick = sum(row["verdict"] in HEALTHY and row["said"] not in HEALTHY for row in rows)
    return {
        "right": sum(row["right"] for row in rows),
        "of": len(rows),
        "right_in_test": sum(row["right"] for row in rows if row["seed"] not in CALIBRATED),
        "of_test": sum(row["seed"] not in CALIBRATED for row in rows),
        "healthy_called_sick": healthy_called_sick,
        "rows": rows,
    }


def _mend(only: list[str]) -> int:
    """Make the records of mended runs that are missing, and print what became of them."""
    for case in CASES:
        wanted = case.verdict not in HEALTHY and case.seed == 0
        if wanted and any(part in case.name for part in only) and not case.mended_path.is_file():
            print(f"mending {case.name}", file=sys.stderr, flush=True)
            mend(case)
    for row in mended_rows():
        before, after = ("-" if d is None else f"{d:.3f}" for d in row["distances"])
        print(f"{row['data']:8} {row['said']:26} {before:>6} -> {row['said_after']:26} {after:>6}")
    return 0


def main() -> int:
    """Record what is missing where asked to, and print the table or JSON."""
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--record", action="store_true", help="make the records that are missing")
    parser.add_argument("--mend", action="store_true", help="fail, mend by levers, and look again")
    parser.add_argument("--only", nargs="+", default=[""], help="those whose name contains one of these")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1, help="runs to record at the same time")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.mend:
        return _mend(options.only)
    if options.record:
        wanted = [c for c in CASES if any(part in c.name for part in options.only) and not c.path.is_file()]
        with get_context("fork").Pool(options.jobs, torch.set_num_threads, (options.threads,)) as pool:
            for name in pool.imap_unordered(record, wanted):
                print(f"recorded {name}", file=sys.stderr, flush=True)
        return 0
    found = table()
    if options.json:
        print(json.dumps(found, indent=1))
        return 0
    for row in found["rows"]:
        mark = "right" if row["right"] else "WRONG"
        name = f"{row['verdict']}, {row['data']}, seed {row['seed']}"
        print(f"{mark}  {name:46}  {row['said']:26}  {'; '.join(row['evidence'])}")
    print(
        f"right on {found['right']} of {found['of']}, of the test's {found['right_in_test']} of "
        f"{found['of_test']}; healthy runs called sick: {found['healthy_called_sick']}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
