"""What the Explore tab does, for programs: pictures, sliders, films, mixtures and looks into the networks."""

from __future__ import annotations

from functools import partial

import gradio as gr

from checkpoints.tab_endpoint import endpoint
from gan import tab_api_looks, tab_api_pictures
from gan.tab_api_turns import LONG_TURNS, MISTAKES, in_turn
from style.tab_input import PictureInput

SLOW = "api-slow"


def picture_out(label: str = "picture") -> gr.Image:
    """A place for a picture that is returned as a PNG file."""
    return gr.Image(label=label, type="pil", format="png")


def build() -> None:
    """Offer the endpoints; call it inside `gr.Blocks`."""
    for tells in (
        tab_api_pictures.describe_checkpoint,
        tab_api_pictures.directions,
        tab_api_looks.opinion,
        tab_api_pictures.neighbours,
        tab_api_pictures.cross,
        tab_api_pictures.arithmetic,
        tab_api_pictures.mix_pictures,
        tab_api_looks.layers,
    ):
        endpoint(in_turn(tells), MISTAKES)
    for draws in (
        tab_api_pictures.render_state,
        tab_api_pictures.strip,
        tab_api_looks.heat,
        tab_api_looks.maps,
        tab_api_looks.compare_checkpoints,
    ):
        endpoint(in_turn(draws), MISTAKES, outputs=[picture_out])
    film_out = partial(gr.File, label="film")
    endpoint(in_turn(tab_api_pictures.film, LONG_TURNS), MISTAKES, outputs=[film_out], queue=SLOW)
    endpoint(in_turn(tab_api_looks.nearest, LONG_TURNS), MISTAKES, outputs=[picture_out], queue=SLOW)
    endpoint(in_turn(tab_api_looks.is_copy, LONG_TURNS), MISTAKES, queue=SLOW)
    photo = partial(PictureInput, label="photo", type="filepath")
    endpoint(tab_api_looks.find_picture, MISTAKES, files={"photo": photo}, queue="closer-search")
