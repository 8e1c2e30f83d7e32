"""A few pictures at every scale of a network that has several, one after the other or at once."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import torch
from torch import Tensor

from gan.errors import GanError
from gan.latent import latents
from gan.model import Model
from gan.networks.equalised import enlarged
from gan.pictures import grid_image
from gan.run_files import write_atomically
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


@torch.inference_mode()
def model_at_scales(model: Model, seeds: Sequence[int], truncation: float = 1.0) -> Tensor:
    """The same seeds at every scale, one row each, all enlarged to the largest: `[scales seeds, C, H, W]`.

    Raises:
        GanError: when the network draws at one scale; a network that grew has left the smaller ones behind.
    """
    generator = model.generator
    if not generator.several_scales or generator.growth is not None:
        raise GanError(f"{model.title} draws at one scale; choose a network of all scales at once.")
    z = latents(seeds, model.config.z_dim) * truncation
    labels = torch.arange(len(z)) % model.config.classes if model.config.classes else None
    scales = generator.scales(generator.code(z, labels), labels)
    return torch.cat([enlarged(pictures, model.config.resolution) for pictures in scales]).clamp(-1, 1)


def draw_scales(folder: Path, scales: Sequence[Tensor]) -> None:
    """Write the first eight of `pictures_at_scales` as `scale-<side>.png`, one row each.

    Those of smaller scales stay as they were, so a network that grows leaves the strip of its growth.
    """
    for pictures in scales:
        content = BytesIO()
        grid_image(pictures[:COUNT], columns=COUNT).save(content, "PNG", compress_level=1)
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
