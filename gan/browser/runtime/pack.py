"""Makes the files of this folder anew from the npm package onnxruntime-web, see README.md.

npm pack onnxruntime-web@1.30.0 && tar xzf onnxruntime-web-1.30.0.tgz
python gan/browser/runtime/pack.py package/dist
"""

from __future__ import annotations

import sys
from pathlib import Path

import brotli

FILES = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")


def main(source: Path) -> None:
    """Compress each file of `source` that the explorer needs into this folder."""
    for name in FILES:
        content = (source / name).read_bytes()
        # 2^24 is the largest window that browsers accept.
        packed = brotli.compress(content, quality=11, lgwin=24)
        Path(__file__).with_name(f"{name}.br").write_bytes(packed)
        print(f"{name}: {len(content)} -> {len(packed)} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
