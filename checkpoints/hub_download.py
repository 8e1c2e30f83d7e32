"""Files of one commit, downloaded with progress into a folder that outlives a download that broke off.

The Hub's client forgets what it has of a file when a call ends in an error; here each file grows in a `.part`
with which the next attempt goes on, and is there only when its hash is the one that the Hub tells.
"""

from __future__ import annotations

import hashlib
import queue
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

import httpx2
from filelock import FileLock, Timeout
from huggingface_hub import hf_hub_url
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.hf_api import RepoSibling
from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

from checkpoints.errors import CheckpointError
from checkpoints.hub_account import TIMEOUT_SECONDS, Token
from checkpoints.hub_errors import in_one_sentence

ABANDONED_AFTER_SECONDS = 3 * 24 * 3600
WAITS = (1.0, 2.0, 4.0)
LOOKS_SECONDS = 0.2
PART = ".part"


@dataclass(frozen=True)
class Wanted:
    """A file to download: its size in bytes and its hash, SHA-256 of the content or what git calls it."""

    name: str
    size: int
    sha256: str | None
    git: str | None

    @classmethod
    def of(cls, file: RepoSibling) -> Wanted:
        """From the Hub's own list of files. Raises CheckpointError where it tells no size."""
        if not isinstance(file.size, int) or file.size < 0:
            raise CheckpointError("The Hub does not tell how large this is; try again later.")
        sha256 = file.lfs.sha256 if file.lfs is not None else None
        return cls(file.rfilename, file.size, sha256, file.blob_id)

    def is_whole(self, path: Path) -> bool:
        """Whether the file at `path` has this size and hash."""
        if not path.is_file() or path.stat().st_size != self.size:
            return False
        if self.sha256:
            with path.open("rb") as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest() == self.sha256
        if self.git:
            return hashlib.sha1(b"blob %d\0" % self.size + path.read_bytes()).hexdigest() == self.git
        return True


@dataclass(frozen=True)
class Progress:
    """How far a transfer is: bytes of all bytes, and the seconds that are left where that is known."""

    done: int
    total: int
    seconds_left: float | None

    @property
    def text(self) -> str:
        """`1.2 of 4.8 MB, 7 s left`."""
        amount = f"{self.done / 1e6:.1f} of {self.total / 1e6:.1f} MB"
        if self.seconds_left is None or self.done >= self.total:
            return amount
        left = self.seconds_left
        return f"{amount}, {f'{left:.0f} s' if left < 100 else f'{left / 60:.0f} min'} left"


@contextmanager
def claimed(folder: Path) -> Iterator[bool]:
    """Hold a download's folder against other visitors and processes; False where somebody else holds it."""
    folder.mkdir(parents=True, exist_ok=True)
    # A page's events move from thread to thread, so the lock belongs to none.
    lock = FileLock(folder.with_name(folder.name + ".lock"), thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def forget_abandoned(home: Path) -> None:
    """Delete downloads that broke off days ago and were not taken up again."""
    for left in home.glob("*"):
        try:
            old = time.time() - left.stat().st_mtime > ABANDONED_AFTER_SECONDS
        except OSError:
            continue
        if old and left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        elif old:
            left.unlink(missing_ok=True)


def downloading(
    repository: str,
    commit: str,
    files: Sequence[Wanted],
    folder: Path,
    *,
    token: Token,
    endpoint: str,
) -> Iterator[Progress]:
    """Download files into `folder`, going on where an earlier download broke off.

    Closing the iterator stops the download and keeps what has arrived.

    Raises:
        CheckpointError: when a file does not arrive, or is not what the Hub says it is.
    """
    total = sum(file.size for file in files)
    missing = [file for file in files if not file.is_whole(folder / file.name)]
    _check_space(folder, sum(file.size for file in missing))
    before = total - sum(file.size - _size(folder / (file.name + PART)) for file in missing)
    counter = Counter(before)

    def fetch() -> None:
        for file in missing:
            url = hf_hub_url(repository, file.name, revision=commit, endpoint=endpoint)
            _fetch(url, file, folder, token, counter)

    started = time.monotonic()
    for _ in beside(fetch, counter.stop):
        arrived, spent = counter.done - before, time.monotonic() - started
        left = (total - counter.done) * spent / arrived if arrived > 0 and spent > 1 else None
        yield Progress(counter.done, total, left)
    for file in missing:
        if not file.is_whole(folder / file.name):
            (folder / file.name).unlink(missing_ok=True)
            raise CheckpointError(f"{file.name} of {repository} did not arrive whole; try again in a minute.")


class Counter:
    """Bytes that have arrived, and the wish to stop."""

    def __init__(self, done: int) -> None:
        self.done = done
        self.stop = Event()


class StoppedError(Exception):
    """The visitor has gone or pressed Stop."""


def _fetch(url: str, file: Wanted, folder: Path, token: Token, counter: Counter) -> None:
    """One file, in several attempts, each going on where the last one ended."""
    part, waits = folder / (file.name + PART), list(WAITS)
    while True:
        before = _size(part)
        try:
            _receive(url, part, file.size, token, counter)
            break
        except (HfHubHTTPError, httpx2.NetworkError, httpx2.RemoteProtocolError) as error:
            refused = isinstance(error, HfHubHTTPError) and error.response.status_code < 500
            got_on = _size(part) > before
            if refused or not (waits or got_on):
                raise
            counter.stop.wait(WAITS[0] if got_on else waits.pop(0))
    if not file.is_whole(part):
        counter.done -= _size(part)
        part.unlink(missing_ok=True)
        raise CheckpointError(f"{file.name} is not what the Hub says it is; try again in a minute.")
    part.rename(folder / file.name)


def _receive(url: str, part: Path, size: int, token: Token, counter: Counter) -> None:
    """What is missing of a file, as it arrives; the client's own download hands on 10 MB at a time."""
    # Without a buffer nothing is written after a stop, when the folder may be somebody else's.
    with part.open("ab", buffering=0) as stream:
        if not size or stream.tell() == size:
            return
        headers = {**build_hf_headers(token=token), "Accept-Encoding": "identity"}
        if stream.tell():
            headers["Range"] = f"bytes={stream.tell()}-"
        # A redirect to another host is followed without the token.
        with get_session().stream(
            "GET", url, headers=headers, timeout=TIMEOUT_SECONDS, follow_redirects=True
        ) as response:
            if response.status_code >= 400:
                response.read()
            hf_raise_for_status(response)
            if response.status_code != 206 and stream.tell():
                counter.done -= stream.tell()
                stream.truncate(0)
            for data in response.iter_bytes():
                if counter.stop.is_set():
                    raise StoppedError
                counter.done += len(data)
                if stream.tell() + len(data) > size:
                    stream.truncate(0)
                    raise OSError("more bytes than there should be")
                stream.write(data)


def beside(work: Callable[[], None], stop: Event) -> Iterator[None]:
    """Run `work` in a thread, giving a sign a few times a second; what it raises is raised here."""
    ended: queue.Queue[BaseException | None] = queue.Queue()

    def run() -> None:
        try:
            work()
        except BaseException as error:  # handed on to whoever waits
            ended.put(error)
        else:
            ended.put(None)

    thread = Thread(target=run, daemon=True)
    thread.start()
    try:
        while True:
            try:
                error = ended.get(timeout=LOOKS_SECONDS)
            except queue.Empty:
                yield
                continue
            if error is not None:
                raise error
            yield
            return
    finally:
        stop.set()
        thread.join(timeout=1)  # in the middle of a write; one that waits for the network writes no more


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _check_space(folder: Path, incoming: int) -> None:
    with in_one_sentence("the download"):
        free = shutil.disk_usage(folder).free
    if free < incoming * 2 + 50_000_000:
        raise CheckpointError(
            f"This machine has no room for {incoming / 1e6:.0f} MB more; delete something first."
        )
