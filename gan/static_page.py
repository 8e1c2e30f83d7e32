"""The explorer as a folder of plain files, for any static host: a generator, its sliders, what runs them."""

from __future__ import annotations

import gzip
import html
import json
import re
from pathlib import Path
from typing import Any

from checkpoints.folders import replacing
from gan.browser_files import alone_script, markup, page_markup, page_settings, page_styles
from gan.errors import GanError
from gan.explorer import describe, further_entries
from gan.export import critic_bytes, generator_bytes
from gan.model import Model
from gan.serve import RUNTIME, runtime_names, unpacked

INDEX = "index.html"
# Names that every static host knows how to send; the page unpacks the largest one by itself.
RUNTIME_FILES = {
    "ort.wasm.min.mjs": "runtime-entry.js",
    "ort-wasm-simd-threaded.mjs": "runtime-loader.js",
    "ort-wasm-simd-threaded.wasm": "runtime.bin",
}
README = """---
title: {title}
emoji: 🎨
colorFrom: indigo
colorTo: pink
sdk: static
app_file: index.html
pinned: false
license: {licence}
tags: [gan, latent-space]
short_description: Explore a GAN in your browser, without a server
---

# {heading}

A generator to explore in the browser. {credit}

Everything is in this folder: put it on any static host (a static Space, GitHub Pages, `python -m
http.server`). It cannot be opened as a `file:` address, because browsers do not load modules from there.

Made by `python -m gan export` of Latent Atelier (MIT licence). Drawn by ONNX Runtime Web (Microsoft, MIT
licence, see `runtime-LICENSE.txt`).
"""


def write_page(model: Model, folder: Path) -> Path:
    """Write the page into `folder`, whole or not at all; an older page there is replaced. Returns its index.

    Raises:
        GanError: when the folder holds something else, or is a file.
    """
    folder = folder.absolute()
    if folder.exists() and not (folder.is_dir() and _is_ours(folder)):
        raise GanError(f"{folder.name} is there already and is no page of this kind; name another folder.")
    # A folder's path is nobody's business: links name the checkpoint by its title.
    description = {**describe(model), "checkpoint": _slug(model.title), "found": further_entries(model)}
    with replacing(folder) as fresh:
        for name, content in _files(model, description).items():
            (fresh / name).write_bytes(content)
    return folder / INDEX


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "checkpoint"


def _is_ours(folder: Path) -> bool:
    known = {INDEX, "README.md", "generator.onnx", "runtime.bin"}
    names = {path.name for path in folder.iterdir()}
    return not names or known <= names


def _files(model: Model, description: dict[str, Any]) -> dict[str, bytes]:
    files = {name: unpacked(source) for source, name in RUNTIME_FILES.items()}
    files["runtime.bin"] = gzip.compress(files["runtime.bin"], mtime=0)
    files["runtime-LICENSE.txt"] = (RUNTIME / "LICENSE").read_bytes()
    files["generator.onnx"] = generator_bytes(model)
    if model.discriminator is not None:
        files["critic.onnx"] = critic_bytes(model)
    files["explorer.js"] = alone_script().encode()
    files["explorer.css"] = page_styles().encode()
    files[INDEX] = _index(description).encode()
    files["README.md"] = _readme(model, description).encode()
    assert set(RUNTIME_FILES) == set(runtime_names())
    return files


def _settings(description: dict[str, Any]) -> dict[str, Any]:
    """What the app would tell the script, with the page's own files in the place of routes."""
    checkpoint = {key: description[key] for key in ("checkpoint", "title")}
    entry, loader, wasm = RUNTIME_FILES.values()
    return {
        **page_settings(),
        "runtime": {"entry": entry, "loader": loader, "wasm": wasm, "packed": True},
        "model": {"generator": "generator.onnx", "critic": "critic.onnx"},
        "value": {"choices": [{**checkpoint, "group": "In this page"}], "first": {"model": description}},
    }


def _index(description: dict[str, Any]) -> str:
    # In a script element only "<" could end it; JSON may write it as a number.
    settings = json.dumps(_settings(description)).replace("<", "\\u003c")
    parts = {
        "title": html.escape(description["title"]),
        "credit": html.escape(description["credit"]),
        "markup": markup(),
        "settings": settings,
    }
    return re.sub(r"{{(\w+)}}", lambda place: parts[place[1]], page_markup())


def _readme(model: Model, description: dict[str, Any]) -> str:
    data = model.document.get("data")
    licence = data.get("licence") if isinstance(data, dict) else None
    known = isinstance(licence, str) and licence.replace("-", "").replace(".", "").isalnum()
    return README.format(
        title=json.dumps(description["title"]),
        heading=description["title"],
        credit=description["credit"],
        licence=licence if known else "other",
    )
