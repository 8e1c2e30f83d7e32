"""Pictures out of a parquet file that lies elsewhere: only the parts that are looked at are fetched.

Data sets on the Hub keep a picture as a struct of `bytes` (the encoded file) and `path`, or as plain bytes.
Nothing in such a file is trusted: its table of contents, the size of every part and each picture are checked.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from gan.errors import GanError
from gan.hub_labels import Label, labels_of_schema

if TYPE_CHECKING:
    import pyarrow
    from pyarrow.parquet import ParquetFile

AHEAD = 4 << 20
LARGEST_PART = 1 << 30
LARGEST_FOOTER = 64 << 20
ROWS_AT_ONCE = 16
FEWEST_CHUNKS = 8
GOLDEN = 0.6180339887498949

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


@dataclass(frozen=True)
class Row:
    """One picture: its name, its content (still encoded) and the number of its kind, or None."""

    name: str
    content: bytes
    kind: int | None = None


class PictureFile:
    """A parquet file of pictures.

    Args:
        fetch: brings a range of the file, see `RemoteFile`.
        size: of the file in bytes.

    Raises:
        GanError: when it is damaged, or no column of it holds pictures.
    """

    def __init__(self, fetch: Fetch, size: int) -> None:
        with _told_when_damaged():
            self._file = _opened(fetch, size)
            schema = self._file.schema_arrow
            self._column = _picture_column(schema)
            self._numbers = {field.name for field in schema if _is_whole(field.type)}
            self.labels = [each for each in labels_of_schema(schema.metadata) if self.has(each)]

    def has(self, label: Label) -> bool:
        """Whether it has this column of labels."""
        return label.column in self._numbers

    def rows(self, most: int, label: Label | None = None, kind: int | None = None) -> Iterator[Row]:
        """Up to `most` pictures from all over the file; with `kind` those alone whose label is this number.

        Raises:
            GanError: when the file is damaged, or too large in one piece.
        """
        column = label.column if label and self.has(label) else None
        with _told_when_damaged():
            if kind is None:
                yield from self._spread(most, column)
            elif column is not None:
                yield from islice(self._of_one_kind(column, kind), most)

    def _spread(self, most: int, label: str | None) -> Iterator[Row]:
        """Rows of a few parts spread over the file, since it may be sorted by what it shows."""
        table = self._file.metadata
        parts = table.num_row_groups
        per_part = max(1, -(-table.num_rows // max(1, parts)))
        chunks = min(parts, max(FEWEST_CHUNKS, -(-most // per_part)))
        left = most
        for number in range(chunks):
            quota = -(-left // (chunks - number))
            for row in islice(self._part(number * parts // chunks, label), quota):
                left -= 1
                yield row

    def _of_one_kind(self, label: str, kind: int) -> Iterator[Row]:
        """The rows of one kind, part by part in an order of which every beginning is spread over the file."""
        for part in sorted(range(self._file.metadata.num_row_groups), key=lambda part: part * GOLDEN % 1):
            if _may_hold(self._file.metadata.row_group(part), label, kind):
                yield from (row for row in self._part(part, label) if row.kind == kind)

    def _part(self, index: int, label: str | None) -> Iterator[Row]:
        _check_part(self._file.metadata.row_group(index))
        columns = [self._column, *([label] if label else [])]
        for batch in self._file.iter_batches(
            ROWS_AT_ONCE, row_groups=[index], columns=columns, use_threads=False
        ):
            kinds = batch.column(label) if label else [None] * len(batch)
            for value, kind in zip(batch.column(self._column), kinds, strict=True):
                found = value.as_py()
                number = None if kind is None else kind.as_py()
                if isinstance(found, dict):
                    yield Row(str(found.get("path") or "a picture"), found.get("bytes") or b"", number)
                else:
                    yield Row("a picture", found or b"", number)


@contextmanager
def _told_when_damaged() -> Iterator[None]:
    try:
        from pyarrow import ArrowException
    except ImportError:
        raise GanError("A data set of the Hub needs the package pyarrow; install requirements.txt.") from None
    try:
        yield
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


def _is_whole(kind: pyarrow.DataType) -> bool:
    from pyarrow import types

    return bool(types.is_integer(kind))


def _may_hold(part: Any, label: str, kind: int) -> bool:
    """Whether a part may have rows of this kind, by the smallest and largest number that it says it has."""
    columns = (part.column(number) for number in range(part.num_columns))
    said = next((each.statistics for each in columns if each.path_in_schema == label), None)
    return said is None or not said.has_min_max or said.min <= kind <= said.max


def _check_part(part: Any) -> None:
    sizes = [part.column(number).total_uncompressed_size for number in range(part.num_columns)]
    if min(sizes, default=0) < 0 or max(sizes, default=0) > LARGEST_PART:
        raise GanError(
            f"This data set is packed in pieces of more than {LARGEST_PART >> 30} GB, too large to read here."
        )
