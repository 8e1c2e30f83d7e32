"""Free memory goes back: in processes of their own, because it is the whole process that is changed."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

import allocator
from tests.bench.slider_latency import ROOT

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only the GNU C library needs it")

HOLES = """
import allocator, burden
pieces = [bytes([n % 250 + 1]) * 100_000 for n in range(3000)]
kept = pieces[::40]
del pieces
full = burden.memory()
assert allocator.give_back()
print(full, burden.memory())
"""
ARENAS = """
import ctypes, sys, threading
import allocator
assert sys.argv[1] == "many" or allocator.keep_few_arenas(2)
together = threading.Barrier(8)
def work():
    together.wait()
    kept = [bytes(20_000) for _ in range(50)]
    together.wait()
threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
stream = ctypes.c_void_p(libc.fopen(sys.argv[2].encode(), b"w"))
libc.malloc_info(0, stream)
libc.fclose(stream)
print(open(sys.argv[2]).read().count("<heap nr="))
"""


def told(program: str, *arguments: str) -> list[int]:
    command = [sys.executable, "-c", program, *arguments]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [int(word) for word in found.stdout.split()]


def test_holes_are_given_back() -> None:
    full, after = told(HOLES)
    assert full - after > 200e6


def test_threads_share_few_arenas(tmp_path: object) -> None:
    path = f"{tmp_path}/arenas.xml"
    (many,), (few,) = told(ARENAS, "many", path), told(ARENAS, "few", path)
    assert many > 2
    assert few <= 2


def test_other_libraries_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocator.ctypes, "CDLL", lambda _: object())
    assert not allocator.keep_few_arenas()
    assert not allocator.give_back()
    assert allocator.start() is None
