"""The part of the Train tab that says what is the matter with the run, mends it, and breaks it on purpose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from checkpoints.tab_visitor import visitor
from gan import run_diagnosis, run_files, run_status, runs
from gan.diagnosis_view import CSS, EVIDENCE_CSS, HOW_TO_BREAK, evidence_html, failures_text, verdict_html
from gan.errors import GanError
from gan.evidence import copies_beside, kinds_of
from gan.failures import FAILURES
from gan.tab_train_events import uploaded
from gan.train_form import OWN

LEARNED_BY_HEART = ("memorising", "too few pictures")
AT_ONCE: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "queue": False}


@dataclass(frozen=True)
class Diagnosis:
    """The panel's components; `breakers` by the verdict that each brings about."""

    verdict: gr.HTML
    evidence: gr.HTML
    mend: gr.Button
    said: gr.Markdown
    breakers: dict[str, gr.Button]


def lay_out_verdict() -> tuple[gr.HTML, gr.HTML, gr.Button, gr.Markdown]:
    """The verdict, what it can be seen by, the button that follows its remedy, and the line that answers."""
    verdict = gr.HTML("", css_template=CSS, visible=False, elem_id="train-verdict")
    evidence = gr.HTML("", css_template=EVIDENCE_CSS, visible=False, elem_id="train-evidence")
    mend = gr.Button("Mend it", variant="primary", size="sm", visible=False, elem_id="train-mend")
    return verdict, evidence, mend, gr.Markdown(elem_id="train-mended")


def lay_out_breaking() -> dict[str, gr.Button]:
    """A button for each failure."""
    with gr.Accordion("Break it on purpose", open=False, elem_id="train-break"):
        gr.Markdown(HOW_TO_BREAK)
        with gr.Row():
            breakers = {
                each.verdict: gr.Button(
                    each.title, size="sm", min_width=150, elem_id=f"break-{each.verdict.replace(' ', '-')}"
                )
                for each in FAILURES
            }
        gr.Markdown(failures_text())
    return breakers


def connect(
    panel: Diagnosis,
    run_id: gr.BrowserState,
    pictures: Sequence[Any],
    name: gr.Textbox,
    progress: gr.HTML,
    look_anew: Callable[..., Any],
    seen: Sequence[Any],
) -> None:
    """Follow the run, which `progress` tells of, and let the buttons act on it.

    Args:
        pictures: the components that say which pictures are chosen, as `break_it` wants them.
        look_anew, seen: what shows the run again after a button, and all that this changes.
    """
    known = gr.State("")
    followed = [panel.verdict, panel.mend, panel.evidence, known]
    progress.change(look, [run_id, known], followed, **AT_ONCE)
    panel.mend.click(mend, run_id, panel.said, **AT_ONCE).then(look_anew, run_id, list(seen), **AT_ONCE)
    for verdict, button in panel.breakers.items():
        button.click(
            partial(break_it, verdict),
            [run_id, *pictures],
            [run_id, panel.said, name],
            show_progress="hidden",
            api_visibility="private",
            concurrency_id="train",
        ).then(look_anew, run_id, list(seen), **AT_ONCE)


def look(run_id: str, known: str = "") -> list[Any]:
    """The verdict as HTML, whether its remedy can be followed by a button, what it can be seen by, and which
    look at the run that comes from, so that it is sent only where it is not `known`.
    """
    hidden = gr.update(value="", visible=False)
    try:
        folder = run_files.run_folder(run_id)
        found = run_diagnosis.examined_in(folder)
        waiting = run_status.status(run_id).state == "waiting"
    except GanError:
        waiting = True
    if waiting:
        return [hidden, gr.update(visible=False), hidden, ""]
    main = found.verdicts[0]
    shown = gr.update(value=verdict_html(found.verdicts), visible=True)
    now = f"{run_id} {found.looked.step if found.looked else 0} {main.name}"
    evidence = gr.skip() if now == known else _evidence(folder, found)
    return [shown, gr.update(visible=bool(main.levers)), evidence, now]


def _evidence(folder: Path, found: run_diagnosis.Examined) -> Any:
    signals = found.looked.signals if found.looked else None
    by_heart = found.verdicts[0].name in LEARNED_BY_HEART
    copies = copies_beside(folder, found.request, signals.nearest) if signals and by_heart else None
    kinds = kinds_of(found.request.data, signals.kinds) if signals else []
    html = evidence_html(signals, kinds, copies)
    return gr.update(value=html, visible=bool(html))


def mend(run_id: str) -> str:
    """Follow the main verdict's remedy by levers; returns what was done, or why nothing could be."""
    try:
        return run_diagnosis.mend(run_id)
    except GanError as error:
        return f"⚠️ {error}"


def break_it(verdict: str, run_id: str, data: str, upload_id: str, options: Any) -> tuple[Any, str, Any]:
    """Make the visitor's run fail by its levers while it trains, else begin one that will, with the pictures
    that are chosen: returns the run, what was done and the run's name.
    """
    try:
        if _trains(run_id):
            return gr.skip(), run_diagnosis.turn(run_id, verdict), gr.skip()
        own = uploaded(data, upload_id, run_diagnosis.SIDE, options) if data in OWN else None
        kind = data if own is None else "own"
        started, title = run_diagnosis.start_failing(verdict, kind, own, visitor())
        runs.advance()
    except GanError as error:
        return gr.skip(), f"⚠️ {error}", gr.skip()
    return started, f"{title}. The first verdict comes after a few looks at it.", title


def _trains(run_id: str) -> bool:
    try:
        return run_status.status(run_id).active
    except GanError:
        return False
