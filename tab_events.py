"""Keeps the listeners of one event from setting each other off without end."""

from __future__ import annotations

import gradio as gr


def settle(demo: gr.Blocks) -> gr.Blocks:
    """Let only the first of the listeners of an event wait for its turn; the others answer at once.

    A listener with the trigger mode "always_last" that is asked again while it works is asked once more
    when it is done, but Gradio's page (6.31) then repeats the whole event, for all its listeners. Two that
    wait for their turn repeat it for each other, for ever, as soon as an answer takes long.
    """
    taken: set[tuple[int | None, str]] = set()
    for listener in demo.fns.values():
        if listener.trigger_mode != "always_last":
            continue
        if taken.isdisjoint(listener.targets):
            taken.update(listener.targets)
        else:
            listener.trigger_mode = "multiple"
    return demo
