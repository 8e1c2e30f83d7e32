"""A data set of pictures on the Hugging Face Hub, by name: parquet, or picture files in the repository.

Only as much is fetched as is used. Where the pictures come from, and under which licence, goes with them into
the run and into the model card of what it makes.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, TypeVar

from huggingface_hub import HfApi, hf_hub_url
from huggingface_hub.errors import RevisionNotFoundError
from huggingface_hub.hf_api import DatasetInfo
from huggingface_hub.utils import build_hf_headers, hf_raise_for_status, http_backoff
from torch import Tensor

from checkpoints import hub
from checkpoints.errors import CheckpointError
from checkpoints.hub_account import address, last, own
from checkpoints.hub_errors import in_one_sentence
from gan.datasets import Dataset
from gan.errors import GanError
from gan.hub_labels import Label, chosen, labels_of_card, told
from gan.own_pictures import SUFFIXES, Collector, Limits, as_dataset, check_resolution, in_grey
from gan.parquet_pictures import PictureFile, Row
from style.errors import StyleError
from style.images import read_picture

PREFIX = "hub:"
MOST_PICTURES = 10_000
USUAL_PICTURES = 2_000
MOST_BYTES = 1 << 30
MOST_SHARDS = 8
MOST_SINGLE_FILES = 1_000
LARGEST_PICTURE = 32 << 20
SMALLEST_SIDE = 24
# The Hub turns many other kinds of data sets into parquet by itself, on a branch of its own.
CONVERTED = "refs/convert/parquet"
EXAMPLES = 8
TELL_EVERY = 0.5

_LINK = re.compile(r"(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co)/datasets/")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Fetched:
    """How far the fetching is.

    Attributes:
        used: pictures so far; most: how many are wanted.
        seconds_left: estimate; None before the first picture.
        examples: the latest pictures, uint8 `[up to 8, 3, side, side]`, or None before the first.
        kinds: what the pictures of this data set are, where it says so.
    """

    used: int
    most: int
    text: str
    seconds_left: float | None = None
    examples: Tensor | None = None
    kinds: tuple[str, ...] = ()


@dataclass
class _Source:
    """One commit of a data set's repository, how to ask for its files, and how many bytes have come."""

    repository: str
    commit: str
    sizes: Mapping[str, int]
    token: hub.Token
    endpoint: str | None
    fetched: int = 0

    def range_of(self, path: str) -> Callable[[int, int], bytes]:
        """Fetches bytes start..end-1 of a file."""
        url = hf_hub_url(
            self.repository, path, repo_type="dataset", revision=self.commit, endpoint=self.endpoint
        )

        def fetch(start: int, end: int) -> bytes:
            headers = {**build_hf_headers(token=self.token), "Range": f"bytes={start}-{end - 1}"}
            with in_one_sentence(self.repository):
                answer = http_backoff("GET", url, headers=headers, timeout=hub.TIMEOUT_SECONDS, max_retries=2)
                hf_raise_for_status(answer)
                if len(answer.content) != end - start:
                    raise ValueError("the answer is not the range that was asked for")
                self.fetched += len(answer.content)
                return answer.content

        return fetch


def parse_dataset(text: str) -> str:
    """`owner/name` from what someone typed: that, with `hub:` before it, or the link of its page.

    Raises:
        GanError: when it cannot be the name of a data set.
    """
    return parse_kind(text)[0]


def parse_kind(text: str) -> tuple[str, str]:
    """As `parse_dataset`, and the one kind of its pictures that is wanted: what follows a `#`, or nothing."""
    name, _, kind = str(text).strip().partition("#")
    return _repository(name), "" if _LINK.match(name) else " ".join(kind.split())


def _repository(text: str) -> str:
    name = _LINK.sub("", text.strip().removeprefix(PREFIX), count=1).removeprefix("datasets/")
    name = re.sub(r"/(viewer|tree|blob)(/.*)?$", "", name.split("?")[0].rstrip("/"))
    try:
        return hub.parse_repository(name)
    except CheckpointError:
        raise GanError(
            'A data set on the Hub is named "owner/name", such as "huggan/smithsonian_butterflies_subset"; '
            "please check it."
        ) from None


def hub_pictures(name: str, resolution: int = 64, **options: Any) -> Dataset:
    """`fetching` to its end; same arguments and errors."""
    return last(fetching(name, resolution, **options))


def fetching(
    name: str,
    resolution: int = 64,
    *,
    most: int = USUAL_PICTURES,
    mirror: bool = False,
    fit: str = "centre",
    grey: bool = False,
    kind: str = "",
    token: hub.Token = None,
    endpoint: str | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Generator[Fetched, None, Dataset]:
    """Pictures of a data set on the Hub, telling how far it is; the data set is the return value.

    Args:
        name: `owner/name`; the Hub's own link will do, too. `owner/name#kind` asks for one `kind`, too.
        resolution, mirror, fit, grey: as `gan.own_pictures.own_pictures`.
        most: pictures to take, spread over the data set.
        kind: take only what its labels call so; else the networks are told the kinds (`gan.hub_labels`).
        token: see `checkpoints.hub`.
        should_stop: asked after every picture; what came so far is then the data set.

    Raises:
        GanError: whatever goes wrong, in one sentence, such as a private or gated data set, or no network.
    """
    check_resolution(resolution)
    repository, written = parse_kind(name)
    kind = kind or written
    if not 1 <= most <= MOST_PICTURES:
        raise GanError(f"At most {MOST_PICTURES:,} pictures are taken from a data set.")
    yield Fetched(0, most, f"Asking the Hub for {repository}…")
    try:
        source, info = _source(repository, token, endpoint)
        collector = Collector(resolution, fit, Limits(pictures=most), SMALLEST_SIDE)
        shelves = _Shelves(source, labels_of_card(info.card_data and info.card_data.to_dict()), kind)
        answers = yield from _collecting(shelves, collector, most, should_stop)
    except CheckpointError as error:
        raise GanError(str(error)) from None
    licence = _licence(info)
    dataset = as_dataset(
        collector.pictures(),
        title=", ".join(filter(None, (repository.split("/")[1], kind)))[:60],
        mirror=mirror,
        note=f"{collector.tally.full_text()} {_licence_text(licence)}",
        name=f"{PREFIX}{repository}{kind and '#'}{kind}",
        licence=licence or "other",
        attribution=f"Pictures of the data set {repository} on the Hugging Face Hub, commit "
        f"{source.commit[:12]}. {_licence_text(licence)}",
    )
    if shelves.label and not kind:
        dataset = told(dataset, shelves.label, answers)
    return in_grey(dataset) if grey else dataset


def _collecting(
    shelves: _Shelves, collector: Collector, most: int, should_stop: Callable[[], bool]
) -> Generator[Fetched, None, list[int | None]]:
    """Fill the collector until it has enough, everything was seen or somebody wants it to end.

    Returns:
        The number of each picture's kind.
    """
    started = told_at = time.monotonic()
    answers: list[int | None] = []
    for row in shelves.rows(most):
        if not answers:
            yield Fetched(0, most, f"{shelves.source.repository} is open…", kinds=shelves.kinds)
        used = collector.tally.used
        try:
            wanted = collector.add(row.name, read_picture(row.content))
        except StyleError as error:
            wanted = collector.add(row.name, error)
        if collector.tally.used > used:
            answers.append(row.kind)
        if not wanted or shelves.source.fetched > MOST_BYTES or should_stop():
            collector.tally.enough = True
            return answers
        now, used = time.monotonic(), collector.tally.used
        if now - told_at >= TELL_EVERY and used:
            told_at = now
            left = (now - started) / used * max(0, most - used)
            text = f"{used:,} of up to {most:,} pictures from {shelves.source.repository}…"
            yield Fetched(used, most, text, left, collector.examples(EXAMPLES), shelves.kinds)
    return answers


def _source(repository: str, token: hub.Token, endpoint: str | None) -> tuple[_Source, DatasetInfo]:
    endpoint, token = address(endpoint), own(token)
    api = HfApi(endpoint=endpoint, token=token)

    def look(revision: str | None) -> DatasetInfo:
        return api.dataset_info(
            repository, revision=revision, files_metadata=True, timeout=hub.TIMEOUT_SECONDS
        )

    with in_one_sentence(repository):
        info = look(None)
        sizes, commit = _files(info), str(info.sha)
        if not sizes:
            try:
                converted = look(CONVERTED)
            except RevisionNotFoundError:
                converted = None
            if converted is not None:
                sizes, commit = _files(converted), str(converted.sha)
    if not sizes:
        raise GanError(
            f"{repository} holds neither parquet files nor pictures that can be read here; choose another."
        )
    return _Source(repository, commit, sizes, token, endpoint), info


def _files(info: DatasetInfo) -> dict[str, int]:
    """The files to read with their sizes: parquet of one kind and split, or else pictures."""
    known = {file.rfilename: file.size or 0 for file in info.siblings or () if file.size}
    parquet = sorted(path for path in known if path.endswith(".parquet"))
    if parquet:
        training = [path for path in parquet if "train" in path] or parquet
        # Files in another folder are another version of the same pictures.
        chosen = [
            path for path in training if PurePosixPath(path).parent == PurePosixPath(training[0]).parent
        ]
        return {path: known[path] for path in _spread(chosen, MOST_SHARDS)}
    pictures = sorted(path for path in known if path.lower().endswith(SUFFIXES))
    return {path: known[path] for path in _spread(pictures, MOST_SINGLE_FILES)}


def _spread(paths: list[str], most: int) -> list[str]:
    """At most so many of them, evenly spread."""
    count = min(len(paths), most)
    return [paths[number * len(paths) // count] for number in range(count)]


class _Shelves:
    """The files of a data set, from which pictures are taken in equal parts.

    Args:
        described: the columns of labels that the card describes.
        kind: which of its pictures are wanted, empty for all.
    """

    def __init__(self, source: _Source, described: list[Label], kind: str) -> None:
        self.source, self._described, self._kind = source, described, kind
        self.label: Label | None = None

    @property
    def kinds(self) -> tuple[str, ...]:
        """What the pictures are, where the data set says so; known from the first of `rows` on."""
        return self.label.kinds if self.label else ()

    def rows(self, most: int) -> Iterator[Row]:
        """Names, contents and kinds of pictures. Raises GanError where there is no such kind."""
        sizes, left, number = self.source.sizes, most, None
        for index, (path, size) in enumerate(sizes.items()):
            fetch = self.source.range_of(path)
            if not path.endswith(".parquet"):
                chosen([], self._kind)
                yield Row(path, fetch(0, size) if size <= LARGEST_PICTURE else b"")
                continue
            file = PictureFile(fetch, size)
            if index == 0:
                described = file.labels or [each for each in self._described if file.has(each)]
                self.label, number = chosen(described, self._kind)
            # One more than is wanted tells whether there are more.
            quota = -(-left // (len(sizes) - index)) + 1
            for row in file.rows(quota, self.label, number):
                left -= 1
                yield row


def _licence(info: DatasetInfo) -> str:
    """What the data set's card says about its licence; empty where it says nothing."""
    card: Any = info.card_data or {}
    said = card.get("license")
    words = said if isinstance(said, str) else " or ".join(map(str, said)) if isinstance(said, list) else ""
    text = " ".join("".join(c if c.isprintable() else " " for c in words).split())[:60]
    return "" if text.lower() in ("unknown", "other", "") else text


def _licence_text(licence: str) -> str:
    if licence:
        return f"Licence according to its card: {licence}."
    return "Its card names no licence: ask its authors before you share what was learned from it."
