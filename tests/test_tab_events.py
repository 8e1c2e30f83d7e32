"""No event has two listeners that wait for their turn."""

from __future__ import annotations

from collections import Counter

import gradio as gr

import app
from tab_events import settle


def waiting(demo: gr.Blocks) -> Counter[tuple[int | None, str]]:
    """How many listeners of each event are asked again when they were asked too soon."""
    listeners = [
        each for each in demo.get_config_file()["dependencies"] if each["trigger_mode"] == "always_last"
    ]
    return Counter(tuple(target) for each in listeners for target in each["targets"])


def test_one_listener_of_an_event_waits_and_the_others_answer_at_once() -> None:
    with gr.Blocks() as demo:
        first, second = gr.Textbox(), gr.Textbox()
        first.change(lambda: 1, outputs=second)
        gr.on([first.change, second.change], lambda: 2, outputs=second)
        second.change(lambda: 3, outputs=first)
        second.submit(lambda: 4, outputs=first)
    assert max(waiting(demo).values()) == 2
    modes = [listener.trigger_mode for listener in settle(demo).fns.values()]
    assert modes == ["always_last", "multiple", "always_last", "once"]
    assert max(waiting(demo).values()) == 1


def test_that_is_so_on_the_whole_page() -> None:
    counted = waiting(app.build())
    assert len(counted) > 10
    assert max(counted.values()) == 1
