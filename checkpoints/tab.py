"""The Share tab: lays out its parts. Left: get and find networks; right: sign in, and share one's own."""

from __future__ import annotations

import os

import gradio as gr
from gradio.utils import get_space

from checkpoints import share_view, tab_pictures, tab_pull, tab_push

INTRODUCTION = """Networks live on the [Hugging Face Hub](https://huggingface.co/models?other=latent-atelier)
as *checkpoints*: a folder with the weights, their settings and a description. **Get** one that somebody
shared, or **share** one of yours."""
NO_LOGIN = "Sharing is switched off on this Space: its owner has to add `hf_oauth: true` to its README."


def build(
    library: gr.BrowserState,
    collected: gr.BrowserState,
    tab: gr.Tab | None = None,
    open_in_explore: gr.Textbox | None = None,
) -> None:
    """Lay out the tab and connect it.

    Args:
        library: the visitor's own checkpoints, a list of references; what is pulled is added to it.
        collected: names the visitor's pictures to share, which are looked at when `tab` is opened.
        open_in_explore: set to a pulled checkpoint's reference when the visitor wants to explore it now.
    """
    gr.Markdown(INTRODUCTION, elem_id="share-introduction")
    with gr.Row():
        with gr.Column(min_width=320):
            pull, look = tab_pull.lay_out()
        with gr.Column(min_width=320):
            token, may_push = _lay_out_login()
            push = tab_push.lay_out(may_push)
            gallery = tab_pictures.lay_out(may_push, collected)
    tab_pull.connect(pull, look, library, token, open_in_explore)
    tab_push.connect(push, library, token)
    tab_pictures.connect(gallery, token, tab)


def _lay_out_login() -> tuple[gr.Textbox | None, bool]:
    """The login button on a Space, a field for a token elsewhere; and whether anybody can push here."""
    gr.Markdown("### Share a network")
    if os.getenv("OAUTH_CLIENT_ID"):
        gr.LoginButton(elem_id="share-login")
        return None, True
    if get_space() is not None:
        gr.Markdown(NO_LOGIN, elem_id="share-no-login")
        return None, False
    token = gr.Textbox(
        label="Your access token", info="Empty: this machine's own login.", type="password", max_lines=1,
        html_attributes=gr.InputHTMLAttributes(autocomplete="off", spellcheck=False), elem_id="share-token",
    )  # fmt: skip
    with gr.Accordion("What is a token?", open=False, elem_id="share-token-help"):
        gr.Markdown(share_view.TOKEN_HINT)
    return token, True
