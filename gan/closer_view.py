"""What the panels below the explorer show, as HTML: heat maps, copies, feature maps, layers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from io import BytesIO

import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate

from gan.comparing import drawn_at, shared_state
from gan.evaluate import Progress
from gan.explorer import (
    ExplorerState,
    critic_labels,
    data_url,
    labels_for,
    latent,
    opinion_of,
    opinion_sentence,
    render,
)
from gan.heat import occlusion, painted_heat
from gan.inside import Layer, beside, discriminator_layers, generator_layers, generator_maps, maps_sheet
from gan.latent import HIGHEST_SEED
from gan.model import Model
from gan.nearest import archive_steps, nearest_training
from gan.pictures import grid_image

CSS = """
.closer figure { margin: 0 0 1rem; }
.closer img { display: block; width: 100%; max-width: 640px; border-radius: .5rem;
  image-rendering: pixelated; }
.closer .smooth img { image-rendering: auto; }
.closer figcaption { font-size: .85rem; opacity: .8; margin-top: .25rem; }
.closer .maps { display: grid; grid-template-columns: repeat(auto-fill, minmax(220px, 1fr)); gap: 0 1rem; }
.closer .wide { overflow-x: auto; width: 0; min-width: 100%; }
.closer table { border-collapse: collapse; font-size: .85rem; width: 100%; }
.closer th, .closer td { text-align: left; padding: .2rem .6rem .2rem 0; border-bottom: 1px solid #8884; }
.closer td.number, .closer th.number { text-align: right; white-space: nowrap; }
.closer p { margin: .2rem 0 .6rem; }
.closer a { display: inline-block; min-height: 2.2rem; text-decoration: underline; }
.closer progress { width: 100%; max-width: 640px; height: .6rem; accent-color: var(--color-accent); }
"""
SIDE = 256
GAP = 2
MAP_COLUMNS = 8
# Of a convolution, what it gives is worth a look; norms and activations after it look alike.
LOOKED_AT = (
    "Reshape",
    "Conv2d",
    "EqualConv2d",
    "ConvTranspose2d",
    "PixelShuffle",
    "Constant",
    "StyledConvolution",
)
COMPARED = 8
SHARE_TO_TELL = 0.02


def heat_html(model: Model, state: ExplorerState) -> str:
    """The picture beside a map of the places that made the discriminator's opinion.

    Raises:
        GanError: where the checkpoint holds no discriminator.
    """
    picture = render(model, state)
    heat = painted_heat(picture, occlusion(model, picture, critic_labels(model, state)))
    words = opinion_sentence(model, opinion_of(model, state, picture))
    legend = "Red places speak for the picture, blue ones against it: each was covered by a blur in turn."
    shown = torch.cat([picture.expand(-1, 3, -1, -1), heat])
    return _panel(_text(words) + _figure(shown, 2, "The picture, and where the discriminator looks", legend))


def copies_html(model: Model, state: ExplorerState) -> Iterator[str]:
    """The picture, the training pictures nearest to it, and whether it is a copy; before that, how far it is.

    Raises:
        GanError: where nobody knows what the generator learned from.
    """
    steps, started = archive_steps(model), time.monotonic()
    while True:
        try:
            yield progress_html(next(steps), time.monotonic() - started)
        except StopIteration as end:
            archive = end.value
            break
    picture = render(model, state)
    found = nearest_training(archive, picture)
    shown = torch.cat([picture, found.pictures])
    legend = "First this picture, then the training pictures nearest to it, nearest first."
    if found.sketched:
        legend += " They are small sketches: the 60,000 training pictures themselves are not here."
    yield _panel(
        _text(found.sentence)
        + _figure(shown, len(shown), "The picture and the training pictures nearest to it", legend)
    )


def progress_html(progress: Progress, seconds: float) -> str:
    """How far something is after so many seconds, as a bar, and how long it still takes."""
    share = progress.share
    words = progress.text
    if share >= SHARE_TO_TELL:
        words += f", about {max(1, round(seconds * (1 - share) / share))} s left"
    return _panel(
        f'{_text(words + ".")}<progress aria-label="How far it is" max="1" value="{share:.3f}"></progress>'
    )


def inside_html(model: Model, state: ExplorerState) -> str:
    """What every convolution makes of the picture's latent vector, one small picture a channel."""
    figures = []
    for maps in generator_maps(model, latent(model, state), labels_for(model, state, 1)):
        if maps.layer.kind in LOOKED_AT and maps.layer.shape[-1] > 1:
            sheet = maps_sheet(maps)
            words = f"{maps.layer.kind}: {_shape(maps.layer)}"
            figures.append(
                _figure(sheet, min(MAP_COLUMNS, len(sheet)), "The channels of one layer", words, smooth=False)
            )
    intro = "From the latent vector to the picture: grids grow, channels get fewer, colours come last. "
    intro += "Each square is a channel, at most 64 of a layer; black is its least, white its most."
    return _panel(_text(intro) + f'<div class="maps">{"".join(figures)}</div>')


def layers_html(model: Model, _: ExplorerState) -> str:
    """Both networks as tables of layers with shapes and numbers of parameters."""
    tables = _table("Generator: numbers to picture", generator_layers(model))
    layers = discriminator_layers(model)
    if layers:
        tables += _table("Discriminator: picture to opinion", layers)
    else:
        tables += _text("This checkpoint came without its discriminator.")
    return _panel(tables)


LOOKS: Mapping[str, Callable[[Model, ExplorerState], str]] = {
    "heat": heat_html,
    "inside": inside_html,
    "layers": layers_html,
}


def comparison_html(first: Model, second: Model, state: ExplorerState) -> str:
    """Two checkpoints at eight seeds, from the state's on, one above the other, and what was used."""
    seeds = [(state.seed + i) % (HIGHEST_SEED + 1) for i in range(COMPARED)]
    shared = shared_state(first, second, state)
    pictures = drawn_at(first, shared.first, seeds), drawn_at(second, shared.second, seeds)
    found = beside(*pictures, first.config.z_dim == second.config.z_dim)
    difference = 100 * float(found.difference.mean())
    words = f"{_which(shared.first, seeds)}: {first.title} above, {second.title} below. "
    words += f"They differ by {difference:.0f} % of the range from black to white. {shared.sentence()}"
    if not found.same_latent:
        words += " Their latent vectors differ in length, so the seeds have only their number in common."
    alt = "Eight pictures of each of the two checkpoints"
    return _panel(_figure(torch.cat([found.first, found.second]), COMPARED, alt, words))


def _which(state: ExplorerState, seeds: Sequence[int]) -> str:
    if state.base or state.corners:
        return f"The explorer's picture, then seeds {seeds[1]} to {seeds[-1]}"
    return f"Seeds {seeds[0]} to {seeds[-1]}"


def found_html(target: Tensor, picture: Tensor, words: str) -> str:
    """A photo as the generator would see it, beside what was found. Both `[1, C, H, W]`."""
    return _panel(_figure(torch.cat([target, picture]), 2, "Your picture and the one that was found", words))


def download_html(pictures: Sequence[Tensor], columns: int, name: str) -> str:
    """A link that saves pictures `[C, H, W]` as one PNG, row by row."""
    source = data_url(_png(grid_image(torch.stack(list(pictures)), columns, gap=GAP)), "image/png")
    return _panel(f'<a href="{source}" download="{escape(name, quote=True)}">Download the grid</a>')


def note_html(sentence: str) -> str:
    """A sentence alone, such as why something cannot be shown."""
    return _panel(_text(sentence))


def _panel(content: str) -> str:
    return f'<div class="closer">{content}</div>'


def _text(sentence: str) -> str:
    return f"<p>{escape(sentence)}</p>"


def _figure(pictures: Tensor, columns: int, alt: str, words: str, smooth: bool = True) -> str:
    if smooth and pictures.shape[-1] < SIDE:
        pictures = interpolate(pictures, scale_factor=SIDE // pictures.shape[-1], mode="bicubic").clamp(-1, 1)
    source = data_url(_png(grid_image(pictures, columns, gap=GAP)), "image/png")
    kind = ' class="smooth"' if smooth else ""
    caption = f"<figcaption>{escape(words)}</figcaption>"
    return f'<figure{kind}><img src="{source}" alt="{escape(alt, quote=True)}">{caption}</figure>'


def _png(image: Image.Image) -> bytes:
    stream = BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def _shape(layer: Layer) -> str:
    return " × ".join(map(str, layer.shape))


def _table(title: str, layers: Sequence[Layer]) -> str:
    total = sum(layer.parameters for layer in layers)
    head = (
        "<tr><th>Layer</th><th>What it does</th><th>It gives</th><th class='number'>Learned numbers</th></tr>"
    )
    rows = "".join(
        f"<tr><td>{escape(layer.kind)}</td><td>{escape(layer.does)}</td><td>{_shape(layer)}</td>"
        f"<td class='number'>{layer.parameters:,}</td></tr>"
        for layer in layers
    )
    caption = f"<p><b>{escape(title)}</b>, {total:,} learned numbers</p>"
    return f'{caption}<div class="wide"><table>{head}{rows}</table></div>'
