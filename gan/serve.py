"""Own routes beside the page: the runtime that draws in the visitor's browser, and the graphs that it runs.

Plain Starlette routes, so that they can stand before a page that answers every path: with Gradio,
`demo.launch(app_kwargs={"routes": routes()})`.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import brotli
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from checkpoints.errors import CheckpointError
from gan.errors import GanError
from gan.export import part_bytes, version_of

RUNTIME = Path(__file__).resolve().parent / "browser" / "runtime"
RUNTIME_VERSION = "1.30.0"
TYPES = {".mjs": "text/javascript", ".wasm": "application/wasm"}
# A checkpoint's address holds its version, a runtime's file that of the package: neither ever changes.
FOR_EVER = "public, max-age=31536000, immutable"


def routes() -> list[Route]:
    """`atelier/runtime/VERSION/FILE` and `atelier/model/PART?checkpoint=REFERENCE&version=VERSION`."""
    return [
        Route("/atelier/runtime/{version}/{name}", runtime_file),
        Route("/atelier/model/{part}", model_file),
    ]


@lru_cache(maxsize=4)
def unpacked(name: str) -> bytes:
    """A file of the runtime as it is, for the few who do not know brotli and for pages without a server."""
    return brotli.decompress((RUNTIME / f"{name}.br").read_bytes())


def runtime_names() -> list[str]:
    """The files of the runtime, without the ending of their compression."""
    return sorted(path.name.removesuffix(".br") for path in RUNTIME.glob("*.br"))


def runtime_file(request: Request) -> Response:
    """A file of the runtime, compressed where the browser takes it so."""
    name = request.path_params["name"]
    if name not in runtime_names() or request.path_params["version"] != RUNTIME_VERSION:
        return _missing("There is no such file.")
    headers = {"Cache-Control": FOR_EVER, "Vary": "Accept-Encoding"}
    if _takes_brotli(request.headers.get("accept-encoding", "")):
        content, headers["Content-Encoding"] = (RUNTIME / f"{name}.br").read_bytes(), "br"
    else:
        content = unpacked(name)
    return Response(content, headers=headers, media_type=TYPES[Path(name).suffix])


def _takes_brotli(accepted: str) -> bool:
    offers = [part.replace(" ", "").lower().split(";") for part in accepted.split(",")]
    return any(name == "br" and not (more and more[0].startswith("q=0") and not more[0].strip("q=0."))
               for name, *more in offers)  # fmt: skip


def model_file(request: Request) -> Response:
    """A graph of a checkpoint; kept by the browser only under the address of the version that it is."""
    reference = request.query_params.get("checkpoint", "")[:200]
    try:
        content = part_bytes(reference, request.path_params["part"])
        current = request.query_params.get("version") == version_of(reference)
    except (GanError, CheckpointError) as error:
        return _missing(str(error))
    headers = {"Cache-Control": FOR_EVER if current else "no-store"}
    return Response(content, headers=headers, media_type="application/octet-stream")


def _missing(sentence: str) -> Response:
    return JSONResponse({"error": sentence}, status_code=404, headers={"Cache-Control": "no-store"})


def runtime_address() -> str:
    """Where the page finds the runtime, relative to itself."""
    return f"atelier/runtime/{RUNTIME_VERSION}"
