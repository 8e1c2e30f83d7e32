"""The Share tab's shelf of collected pictures: what is there, and a way to take it out and put it back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from checkpoints import collected, collected_view, share_view
from checkpoints.tab_common import AT_ONCE


@dataclass(frozen=True)
class Shelf:
    """The components; `key` is the visitor's own, and names the collection."""

    key: gr.BrowserState
    panel: gr.Accordion
    shown: gr.HTML
    empty: gr.Button
    back: gr.Button

    @property
    def seen(self) -> list[Any]:
        """What the functions below return values for."""
        return [self.shown, self.empty, self.back]


def lay_out(key: gr.BrowserState, panel: gr.Accordion) -> Shelf:
    """The shelf, inside the panel that opens when something is on it."""
    shown = gr.HTML(
        collected_view.collected_html([]), css_template=share_view.CSS + collected_view.CSS,
        js_on_load=collected_view.JS, elem_id="share-collected",
    )  # fmt: skip
    with gr.Row():
        empty = gr.Button("Take all out", visible=False, elem_id="share-collected-empty", min_width=120)
        back = gr.Button(
            "Put back what was taken out", visible=False, elem_id="share-collected-back", min_width=120
        )
    return Shelf(key, panel, shown, empty, back)


def connect(shelf: Shelf, tab: gr.Tab | None) -> None:
    """Show what is collected whenever the visitor comes to the tab, and do what its buttons say."""
    if tab is not None:
        tab.select(look, shelf.key, [*shelf.seen, shelf.panel], **AT_ONCE)
    shelf.shown.click(take_out, shelf.key, shelf.seen, **AT_ONCE)
    shelf.empty.click(take_all_out, shelf.key, shelf.seen, **AT_ONCE)
    shelf.back.click(put_back, shelf.key, shelf.seen, **AT_ONCE)


def look(key: object) -> tuple[Any, ...]:
    """Values for `Shelf.seen` and the panel."""
    opened = gr.Accordion(open=True) if collected.listed(key) else gr.skip()
    return *_seen(key), opened


def take_out(key: object, event: gr.EventData) -> tuple[Any, ...]:
    """Values for `Shelf.seen` without the picture whose button was pressed."""
    data = event._data if isinstance(event._data, dict) else {}
    collected.take_out(key, [str(data.get("name", ""))])
    return _seen(key)


def take_all_out(key: object) -> tuple[Any, ...]:
    """Values for `Shelf.seen` with an empty shelf."""
    collected.take_out(key, [path.name for path in collected.listed(key)])
    return _seen(key)


def put_back(key: object) -> tuple[Any, ...]:
    """Values for `Shelf.seen` with what was taken out last."""
    collected.put_back(key)
    return _seen(key)


def _seen(key: object) -> tuple[Any, ...]:
    pictures, taken = collected.listed(key), collected.taken_out(key)
    html = collected_view.collected_html(pictures)
    return html, gr.Button(visible=len(pictures) > 1), gr.Button(visible=bool(taken))
