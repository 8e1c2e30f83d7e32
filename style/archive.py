"""Reads the pictures of an untrusted zip file, one at a time, in memory, without unpacking it to disk."""

from __future__ import annotations

import stat
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath

from style.decode import DEFAULT_LIMITS, Limits, Picture, read_picture
from style.errors import StyleError

_END_RECORD = b"PK\x05\x06"
_END_RECORD_BYTES = 22
_LOCATOR_64 = b"PK\x06\x07"
_LOCATOR_64_BYTES = 20
_ENTRY_BYTES = 512
_RATIO_MATTERS_FROM = 1 << 20
_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar")


def read_archive(
    path: str | Path, *, limits: Limits = DEFAULT_LIMITS
) -> Iterator[tuple[str, Picture | StyleError]]:
    """Yields (name, picture) for each file of a zip, or (name, StyleError) for one that is left out.

    Names are shown, never used as paths. Sizes that the archive declares are not believed: every entry is cut
    off while it is read, and so is the sum of all.

    Raises:
        StyleError: if it is no zip file, is too large, holds too many files or unpacks to too much.
    """
    path = Path(path)
    _check_directory(path, limits)
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError, UnicodeError) as error:
        raise StyleError("This zip file is damaged; please pack the pictures again.") from error
    with archive:
        if len(archive.infolist()) > limits.archive_files:
            raise _too_many(limits)
        yield from _read_entries(archive, limits)


def _read_entries(archive: zipfile.ZipFile, limits: Limits) -> Iterator[tuple[str, Picture | StyleError]]:
    total = 0
    for entry in archive.infolist():
        if entry.is_dir() or entry.filename.startswith("__MACOSX/"):
            continue
        try:
            data = _read_entry(archive, entry, min(limits.file_bytes, limits.unpacked_bytes - total), limits)
            total += len(data)
            if total >= limits.unpacked_bytes:
                raise _BombError("This zip file unpacks to too much data; please send fewer pictures.")
            yield entry.filename, read_picture(data, limits=limits)
        except _BombError:
            raise
        except StyleError as error:
            yield entry.filename, error


class _BombError(StyleError):
    """The whole archive is refused, not one entry."""


def _read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, room: int, limits: Limits) -> bytes:
    """Returns the entry's bytes, at most `room` and one, after all checks that its header allows."""
    _check_entry(entry)
    try:
        with archive.open(entry) as file:
            data = file.read(room + 1)
    except Exception as error:  # zlib, zipfile and struct each have their own way to say "damaged"
        raise StyleError("This file is damaged inside the zip; please pack it again.") from error
    if len(data) > _RATIO_MATTERS_FROM and len(data) > limits.ratio * max(entry.compress_size, 1):
        raise _BombError("This zip file unpacks to far more than its size; please pack real pictures.")
    return data


def _check_entry(entry: zipfile.ZipInfo) -> None:
    name = entry.filename
    if (
        PurePosixPath(name).is_absolute()
        or PureWindowsPath(name).anchor
        or ".." in PureWindowsPath(name).parts
    ):
        raise StyleError("This file's name points outside the zip, so it was left out.")
    if entry.flag_bits & 0x1:
        raise StyleError("This file is locked with a password; please pack it without one.")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise StyleError("This entry is a link, not a picture, so it was left out.")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise StyleError("This file is packed in an unusual way; please pack it as an ordinary zip.")
    if PurePosixPath(name).suffix.lower() in _ARCHIVES:
        raise StyleError("This is an archive inside the zip; please put its pictures into the zip itself.")


def _check_directory(path: Path, limits: Limits) -> None:
    """Checks the size of the file and of its table of contents before that table is parsed.

    `zipfile` builds an object for each entry of the table at once, so the table itself must be bounded:
    its length is in the end record, the last 22 bytes plus a comment.
    """
    try:
        size = path.stat().st_size
        if size > limits.archive_bytes:
            raise StyleError(
                f"This zip file is larger than {limits.archive_bytes >> 20} MB; please send a smaller one."
            )
        with open(path, "rb") as file:
            file.seek(max(size - _END_RECORD_BYTES - _LOCATOR_64_BYTES - 0xFFFF, 0))
            tail = file.read()
    except (OSError, ValueError) as error:
        raise StyleError(f"The file {path.name!r} cannot be opened; please check its name.") from error
    start = tail.rfind(_END_RECORD)
    if start < 0 or len(tail) - start < _END_RECORD_BYTES:
        raise StyleError("This file is not a zip file; please pack your pictures into one.")
    count, directory_bytes = struct.unpack_from("<HI", tail, start + 10)
    has_locator = tail[max(start - _LOCATOR_64_BYTES, 0) : start].startswith(_LOCATOR_64)
    if has_locator or count > limits.archive_files or directory_bytes > limits.archive_files * _ENTRY_BYTES:
        raise _too_many(limits)


def _too_many(limits: Limits) -> StyleError:
    return StyleError(f"This zip file holds more than {limits.archive_files} files; please send fewer.")
