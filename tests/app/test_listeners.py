"""Of the listeners of one event, no two wait for their turn.

A listener with the trigger mode "always_last", Gradio's default for changes, that is asked again while it
works is asked once more when it is done; but the page (6.31) then repeats the whole event, for all its
listeners. Two that wait repeat it for each other, for ever, as soon as an answer takes long. So all but one
have "multiple".
"""

from __future__ import annotations

from collections import defaultdict

import app


def test_no_two_listeners_of_an_event_wait_for_their_turn() -> None:
    waiting = defaultdict(list)
    demo = app.build()
    for listener in demo.fns.values():
        if listener.trigger_mode == "always_last":
            for block, event in (target for target in listener.targets if target[0] is not None):
                waiting[block, event].append(listener.api_name)
    assert len(waiting) > 10
    assert {target: names for target, names in waiting.items() if len(names) > 1} == {}
