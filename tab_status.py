"""Host and visitors: a line about how busy the machine is, a button to have it alone, and a fair queue."""

from __future__ import annotations

import re
import time
from functools import lru_cache
from html import escape
from typing import Any

import gradio as gr
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from burden import burden
from checkpoints.tab_visitor import mark

EVERY_SECONDS = 10.0
# Whoever looks at the same time gets the same answer.
KEPT_SECONDS = 3.0
MOST_OF_ONE = 12
# The page joins the queue by the first, programs by either.
_JOINS = re.compile(r"/(?:queue/join|call/(?:v2/)?[^/]+)/?$")
BUSY = "You have many things waiting here already; let some of them end first."
CSS = "p { margin: 0; font-size: .8rem; opacity: .75; overflow-wrap: anywhere; }"


def build() -> None:
    """Lay out the line, and on a Space the button that duplicates it."""
    demo = gr.context.Context.root_block
    assert demo is not None, "build is called inside gr.Blocks"
    with gr.Row(equal_height=True):
        line = gr.HTML("", css_template=CSS, elem_id="status-line", padding=False)
        if gr.utils.get_space() is not None:
            gr.DuplicateButton("Duplicate this Space", elem_id="duplicate", min_width=180)
    quiet: Any = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}

    def look() -> str:
        return _line(demo, int(time.monotonic() / KEPT_SECONDS))

    gr.Timer(EVERY_SECONDS).tick(look, outputs=line, **quiet)
    demo.load(look, outputs=line, **quiet)


@lru_cache(maxsize=2)
def _line(demo: gr.Blocks, _: int) -> str:
    painting, to_paint = pictures(demo)
    return f'<p role="status">{escape(burden(painting, to_paint).words)}</p>'


def pictures(demo: gr.Blocks) -> tuple[int, int]:
    """How many pictures are being painted, and how many wait: what Gradio's queues of the tab hold."""
    queues = [
        q for name, q in demo._queue.event_queue_per_concurrency_id.items() if name.startswith("style-")
    ]
    return sum(q.current_concurrency for q in queues), sum(len(q.queue) for q in queues)


def fair_queue(demo: gr.Blocks) -> Middleware:
    """Refuses what would be the 13th thing that one address has waiting, so that nobody fills the queue."""
    return Middleware(_FairQueue, demo=demo)


class _FairQueue:
    def __init__(self, app: ASGIApp, demo: gr.Blocks) -> None:
        self._app, self._demo = app, demo

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        posts = scope["type"] == "http" and scope["method"] == "POST"
        joins = posts and _JOINS.search(scope["path"])
        if joins and _waiting_of(self._demo, mark(gr.Request(Request(scope)))) >= MOST_OF_ONE:
            await JSONResponse({"detail": BUSY}, 429)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _waiting_of(demo: gr.Blocks, visitor: str) -> int:
    if not visitor:
        return 0
    queues = demo._queue.event_queue_per_concurrency_id.values()
    return sum(mark(gr.Request(event.request)) == visitor for queue in queues for event in queue.queue)
