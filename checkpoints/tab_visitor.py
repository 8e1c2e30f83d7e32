"""Who asks, as far as a page without accounts can tell: a mark that limits use and reveals no address."""

from __future__ import annotations

import hashlib
import secrets
from functools import lru_cache

import gradio as gr
from gradio.context import LocalContext

LOOPBACK = ("127.0.0.1", "::1", "localhost", "testclient")


def visitor() -> str:
    """A mark of the address that the present request comes from; empty for whoever sits at this machine.

    A proxy names the address in `x-forwarded-for`, which a visitor may invent: the mark shares out a queue,
    it protects nothing. It is salted anew whenever the program starts.
    """
    request = LocalContext.request.get(None)
    return mark(request) if isinstance(request, gr.Request) else ""


def mark(request: gr.Request) -> str:
    """`visitor` for a request at hand."""
    forwarded = str(request.headers.get("x-forwarded-for", "")).split(",")[0].strip()
    address = forwarded or (request.client.host if request.client else "")
    if not address or (address in LOOPBACK and not forwarded):
        return ""
    return hashlib.sha256(_salt() + address.encode()).hexdigest()[:16]


@lru_cache(maxsize=1)
def _salt() -> bytes:
    return secrets.token_bytes(16)
