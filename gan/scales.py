"""A few pictures at every scale of a network that has several, one after the other or at once."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import torch
from torch import Tensor

from gan.pictures import grid_image
from gan.runs import write_atomically
from gan.state import TrainState
from gan.train_view import picture_uri
from gan.training import preview_latents

COUNT = 8


@torch.inference_mode()
def pictures_at_scales(state: TrainState, count: int = COUNT) -> list[Tensor]:
    """The averaged generator's pictures `[count, C, h, w]` of the first preview latents.

    One tensor a scale, the smallest first; a network that grows has the present scale alone.
    """
    network = state.average.eval()
    z, labels = preview_latents(network, count)
    labels = None if labels is None else labels.to(state.device)
    return [pictures.cpu() for pictures in network.scales(network.code(z.to(state.device), labels), labels)]


def draw_scales(folder: Path, state: TrainState) -> None:
    """Write `scale-<side>.png` for every present scale, one row each; nothing for a network with but one.

    Those of smaller scales stay as they were, so a network that grows leaves the strip of its growth.
    """
    if not state.average.several_scales:
        return
    for pictures in pictures_at_scales(state):
        content = BytesIO()
        grid_image(pictures, columns=len(pictures)).save(content, "PNG")
        write_atomically(scale_path(folder, pictures.shape[-1]), content.getvalue())


def scale_path(folder: Path, side: int) -> Path:
    """Where the pictures of a scale lie in a run's folder."""
    return folder / f"scale-{side}.png"


def scales_html(folder: Path, grows: bool) -> str:
    """The rows that `draw_scales` left in a run's folder, all equally wide; empty where there are none."""
    sides = sorted(int(path.stem.removeprefix("scale-")) for path in folder.glob("scale-*.png"))
    if not sides:
        return ""
    title = (
        "How it grows: the first eight pictures, each scale as it was when the next one began."
        if grows
        else "The first eight pictures at every scale, all drawn at once."
    )
    rows = [
        f"<figure><figcaption>{side} px</figcaption>"
        f'<img alt="Pictures of {side} pixels" src="{picture_uri(scale_path(folder, side))}"></figure>'
        for side in sides
    ]
    return f"<p>{title}</p>{''.join(rows)}"
