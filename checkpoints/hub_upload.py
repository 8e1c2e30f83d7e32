"""Large files to the Hub before the commit that shows them, telling the bytes while they go.

The Hub's client sends a file in one silent call. Here that call runs beside, and what it has read of the file
tells how far it is. Where it sends by Xet, which reads for itself, only whole files are told.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import FileIO
from typing import BinaryIO, Literal, cast

from huggingface_hub import CommitOperationAdd, HfApi

from checkpoints.hub_download import Counter, Progress, StoppedError, beside

Kind = Literal["model", "dataset"]


class Sent(CommitOperationAdd):
    """A file of a commit that counts what is read of it while it is sent."""

    counter: Counter | None = None

    @contextmanager
    def as_file(self, with_tqdm: bool = False) -> Iterator[BinaryIO]:
        """As the client's own; by `with_tqdm` it says that it sends the file."""
        if self.counter is None or not with_tqdm:
            with super().as_file() as file:
                yield file
        else:
            with _Counted(str(self.path_or_fileobj), self.counter) as file:
                yield cast(BinaryIO, file)


class _Counted(FileIO):
    def __init__(self, path: str, counter: Counter) -> None:
        super().__init__(path, "rb")
        self._counter, self._before = counter, counter.done

    def read(self, size: int | None = -1) -> bytes:
        if self._counter.stop.is_set():
            raise StoppedError
        data = super().read(-1 if size is None else size) or b""
        # An attempt that broke off begins again at the start, but what is told never goes back.
        self._counter.done = max(self._counter.done, self._before + self.tell())
        return data


def uploading(api: HfApi, repository: str, files: Sequence[Sent], kind: Kind) -> Iterator[Progress]:
    """Send the large ones of these files, one after the other; what was sent earlier is not sent again.

    Closing the iterator stops it; nothing of it is to be seen before a commit.
    """
    total = sum(file.upload_info.size for file in files)
    counter = Counter(0)

    def send() -> None:
        for file in files:
            before, file.counter = counter.done, counter
            api.preupload_lfs_files(repository, [file], repo_type=kind, free_memory=False)
            counter.done = before + file.upload_info.size

    yield Progress(0, total, None)
    started = time.monotonic()
    for _ in beside(send, counter.stop):
        done, spent = counter.done, time.monotonic() - started
        yield Progress(done, total, (total - done) * spent / done if done and spent > 1 else None)
