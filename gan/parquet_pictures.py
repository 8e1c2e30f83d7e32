"""Pictures out of a parquet file that lies elsewhere: only the parts that are looked at are fetched.

Data sets on the Hub keep a picture as a struct of `bytes` (the encoded file) and `path`, or as plain bytes.
Nothing in such a file is trusted: its table of contents, the size of every part and each picture are checked.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from gan.errors import GanError

if TYPE_CHECKING:
    import pyarrow
    from pyarrow.parquet import ParquetFile

AHEAD = 4 << 20
LARGEST_PART = 1 << 30
LARGEST_FOOTER = 64 << 20
ROWS_AT_ONCE = 16
FEWEST_CHUNKS = 8

Fetch = Callable[[int, int], bytes]


class RemoteFile(io.RawIOBase):
    """A file of `size` bytes of which `fetch(start, end)` brings bytes start..end-1; reads some ahead."""

    def __init__(self, fetch: Fetch, size: int) -> None:
        self._fetch, self._size, self._at = fetch, size, 0
        self._start, self._ahead = 0, b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = min(self._size, max(0, origin + offset))
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        """Up to `size` bytes from where the file stands."""
        wanted = self._size - self._at if size is None or size < 0 else min(size, self._size - self._at)
        begin = self._at - self._start
        if not (begin >= 0 and begin + wanted <= len(self._ahead)):
            end = min(self._size, self._at + max(wanted, AHEAD))
            self._start, self._ahead, begin = self._at, self._fetch(self._at, end), 0
        found = self._ahead[begin : begin + wanted]
        self._at += len(found)
        return found

    def readinto(self, buffer: Any) -> int:
        found = self.read(len(buffer))
        buffer[: len(found)] = found
        return len(found)


def pictures_in(fetch: Fetch, size: int, most: int) -> Iterator[tuple[str, bytes]]:
    """Up to `most` pictures of one parquet file, spread evenly over it, as name and content (still encoded).

    Args:
        fetch: brings a range of the file, see `RemoteFile`.
        size: of the file in bytes.

    Raises:
        GanError: when it is damaged, too large in one piece, or no column of it holds pictures.
    """
    try:
        from pyarrow import ArrowException
    except ImportError:
        raise GanError("A data set of the Hub needs the package pyarrow; install requirements.txt.") from None
    try:
        file = _opened(fetch, size)
        column = _picture_column(file.schema_arrow)
        yield from _rows(file, column, most)
    except (ArrowException, OSError, ValueError, KeyError, UnicodeError, MemoryError) as error:
        raise GanError("A parquet file of this data set is damaged; choose another data set.") from error


def _opened(fetch: Fetch, size: int) -> ParquetFile:
    from pyarrow import PythonFile
    from pyarrow.parquet import ParquetFile

    return ParquetFile(
        PythonFile(RemoteFile(fetch, size), mode="r"),
        buffer_size=AHEAD,
        pre_buffer=False,
        thrift_string_size_limit=LARGEST_FOOTER,
        thrift_container_size_limit=1_000_000,
    )


def _picture_column(schema: pyarrow.Schema) -> str:
    """Name of the first column of pictures; the one called `image` first."""
    fields = sorted(schema, key=lambda field: field.name != "image")
    for field in fields:
        if _is_struct_of_bytes(field.type) or _is_bytes(field.type):
            return str(field.name)
    raise GanError("This data set holds no column of pictures; choose one that does.")


def _is_bytes(kind: pyarrow.DataType) -> bool:
    from pyarrow import types

    return bool(types.is_binary(kind) or types.is_large_binary(kind))


def _is_struct_of_bytes(kind: pyarrow.DataType) -> bool:
    from pyarrow import types

    return types.is_struct(kind) and any(part.name == "bytes" and _is_bytes(part.type) for part in kind)


def _rows(file: ParquetFile, column: str, most: int) -> Iterator[tuple[str, bytes]]:
    """Rows of a few parts spread over the file, since it may be sorted by what it shows."""
    parts = file.metadata.num_row_groups
    per_part = max(1, -(-file.metadata.num_rows // max(1, parts)))
    chunks = min(parts, max(FEWEST_CHUNKS, -(-most // per_part)))
    left = most
    for number in range(chunks):
        index = number * parts // chunks
        _check_part(file.metadata.row_group(index))
        quota = -(-left // (chunks - number))
        for taken, row in enumerate(_part(file, index, column)):
            if taken >= quota:
                break
            left -= 1
            yield row


def _check_part(part: Any) -> None:
    sizes = [part.column(number).total_uncompressed_size for number in range(part.num_columns)]
    if min(sizes, default=0) < 0 or max(sizes, default=0) > LARGEST_PART:
        raise GanError(
            f"This data set is packed in pieces of more than {LARGEST_PART >> 30} GB, too large to read here."
        )


def _part(file: ParquetFile, index: int, column: str) -> Iterator[tuple[str, bytes]]:
    for batch in file.iter_batches(ROWS_AT_ONCE, row_groups=[index], columns=[column], use_threads=False):
        for value in batch.column(0):
            found = value.as_py()
            if isinstance(found, dict):
                yield str(found.get("path") or "a picture"), found.get("bytes") or b""
            else:
                yield "a picture", found or b""
