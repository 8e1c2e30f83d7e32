"""When a page that looks at a run again and again may leave off."""

from __future__ import annotations

from typing import Any

import gradio as gr

LAST_LOOKS = 3


def timer_after(active: bool, looks: int) -> tuple[Any, int]:
    """The timer after a look at a run, and how many in a row have found that it goes on no more.

    The answer to an earlier look may come late, when the visitor has let the run go on meanwhile; so one
    alone does not stop the timer, and no look but the timer's own comes so far.

    Args:
        active: whether the run goes on.
        looks: how many in a row had found before that it does not.
    """
    looks = 0 if active else min(looks + 1, LAST_LOOKS)
    if active:
        return gr.Timer(active=True), looks
    return gr.Timer(active=False) if looks == LAST_LOOKS else gr.skip(), looks
