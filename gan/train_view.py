"""What the Train tab shows, as HTML: pure functions from statuses and pictures to text."""

from __future__ import annotations

from base64 import b64encode
from functools import lru_cache
from html import escape
from io import BytesIO
from pathlib import Path

import torch
from torch import Tensor

from checkpoints import store
from checkpoints.errors import CheckpointError
from gan import continuing
from gan.cats import cat_labels, render_cats
from gan.checkpoint import TRAINING
from gan.config import NetworkConfig
from gan.datasets import FASHION_CLASSES, fashion, real_examples, to_unit
from gan.errors import GanError
from gan.growth import growth_text
from gan.model import load_reference
from gan.networks import build_discriminator, build_generator
from gan.networks.parts import count_parameters
from gan.pictures import grid_image
from gan.run_status import Status

EXAMPLES = 8

LIVE_HTML = """<div class="pair">
<figure><figcaption>Generated, always from the same 32 latent vectors</figcaption>
<img class="samples" alt=""></figure>
<figure><figcaption>Real pictures</figcaption><img class="real" alt=""></figure>
</div>
<div class="scales" aria-label="Pictures at every scale"></div>
<div class="empty"><b>Nothing is training yet.</b>
<ol><li>Choose pictures, a network and a time, then press <b>Start</b>.</li>
<li>Two networks then play against each other: the <b>generator</b> turns random latent vectors into
pictures, the <b>discriminator</b> tells them from real ones, and each learns from the other's mistakes.</li>
<li>Watch the same 32 latent vectors turn from noise into pictures, beside real ones. Stop when you like
them, and <b>Keep</b> the result: it is in Explore at once, with its sliders.</li></ol></div>"""

LIVE_SCRIPT = """
const show = () => {
  const value = props.value || {};
  for (const kind of ['samples', 'real']) {
    const image = element.querySelector('img.' + kind);
    if (value[kind]) image.src = value[kind];
    image.alt = kind === 'samples' ? 'A grid of generated pictures' : 'A grid of real pictures';
  }
  element.querySelector('.scales').innerHTML = value.samples ? value.scales || '' : '';
  element.querySelector('.pair').style.display = value.samples || value.real ? '' : 'none';
  element.querySelector('.pair img.samples').style.visibility = value.samples ? '' : 'hidden';
  element.querySelector('.empty').style.display = value.samples || value.real || value.busy ? 'none' : '';
};
watch('value', show);
show();
// A slider tells of a mouse that lets it go; keys that have moved it are told of the same way.
document.addEventListener('keyup', event => {
  const lever = event.target;
  if (!lever.matches?.('#train-levers input')) return;
  if (lever.type === 'range') lever.dispatchEvent(new PointerEvent('pointerup', {bubbles: true}));
  else if (event.key === 'Enter') lever.blur();
});
"""

LIVE_CSS = """
.pair{display:flex;flex-wrap:wrap;gap:12px}
.pair figure{flex:1 1 280px;min-width:0;margin:0}
.pair img{display:block;width:100%;aspect-ratio:2/1;border-radius:6px;
  background:var(--background-fill-secondary,#eee)}
.pair figcaption{font-size:13px;color:var(--body-text-color);opacity:.75;margin-bottom:4px}
.scales:empty{display:none}
.scales{margin-top:12px;font-size:13px;color:var(--body-text-color)}
.scales p{margin:0 0 6px}
.scales figure{display:flex;align-items:center;gap:8px;margin:0 0 3px}
.scales figcaption{flex:0 0 44px;text-align:right;opacity:.75;font-variant-numeric:tabular-nums}
.scales img{flex:1;min-width:0;max-width:520px;aspect-ratio:8/1;image-rendering:pixelated;border-radius:4px}
.empty{padding:18px 20px;border:1px dashed var(--border-color-primary,#ccc);border-radius:10px;
  color:var(--body-text-color)}
.empty ol{margin:10px 0 0;padding-left:1.3em;list-style:decimal}
.empty li{margin:6px 0}
"""

PROGRESS_CSS = """
.bar{height:8px;border-radius:4px;overflow:hidden;background:var(--background-fill-secondary,#ddd);
  border:1px solid var(--border-color-primary,#ccc)}
.bar i{display:block;height:100%;background:var(--color-accent,#e07b39);transition:width .8s linear}
.words{display:flex;flex-wrap:wrap;justify-content:space-between;gap:2px 16px;margin-top:6px;font-size:14px;
  color:var(--body-text-color);font-variant-numeric:tabular-nums}
.note{margin:6px 0 0;font-size:14px;color:var(--body-text-color)}
"""

STRIP_CSS = """
.strip img{display:block;width:100%;max-width:520px;border-radius:6px}
.strip p{margin:6px 0 0;font-size:13px;color:var(--body-text-color);opacity:.75}
.strip .trouble{font-size:14px;opacity:1;color:var(--error-text-color,#b91c1c)}
"""

HOW_TO_READ = """
**Loss is not quality.** The two networks pull in opposite directions, so their losses do not fall to zero as
in ordinary training: in a healthy run they waver around a level. Judge the pictures.

* **D(x)** is how real the discriminator finds real pictures, **D(G(z))** how real it finds generated ones.
  Both near one half: it can no longer tell them apart, or has not yet learned to.
* **D(x) near 1 and D(G(z)) near 0 for long**: the discriminator is too strong, and the generator learns
  little. Lower the discriminator's learning rate, or raise the penalty (gamma).
* **All samples look alike**: mode collapse, the generator has found one picture that fools the
  discriminator. Lower its learning rate, or choose the relativistic loss with both penalties.
* **A run that diverges** (its numbers grow without end) goes back to its last good state by itself, and goes
  on with half the learning rates.
"""

HOW_TO_PULL = """
Change something and watch: it is in force from the next step on, and the curves get a numbered line there.
Without a gradient penalty, gamma does nothing. Another seed begins anew: both networks forget all they know.
What they are built of is chosen before the start, under Advanced.
"""

READ_MORE = """
* The lesson from which this page grew: [AI for Beginners, Generative Adversarial Networks](https://github.com/microsoft/AI-For-Beginners/blob/main/lessons/4-ComputerVision/10-GANs/README.md)
* [PyTorch's tutorial of a DCGAN](https://pytorch.org/tutorials/beginner/dcgan_faces_tutorial.html), which draws faces
* Marco Pasini, [10 Lessons I Learned Training GANs for one Year](https://towardsdatascience.com/10-lessons-i-learned-training-generative-adversarial-networks-gans-for-a-year-c9071159628)
* [KeraGAN](https://github.com/shwars/keragan), which paints flowers and portraits after WikiArt
* The papers: [GAN](https://arxiv.org/abs/1406.2661) (Goodfellow and others, 2014), [DCGAN](https://arxiv.org/abs/1511.06434) (Radford and others, 2015), [progressive growing](https://arxiv.org/abs/1710.10196) (Karras and others, 2017), [style-based generator](https://arxiv.org/abs/1812.04948) (Karras and others, 2018), [multi-scale gradients](https://arxiv.org/abs/1903.06048) (Karnewar and Wang, 2019)
"""  # noqa: E501

EXPECTATIONS = {
    "in-a-minute": "Made to show something after one minute: shapes and colours, details later.",
    "in-five-minutes": "The same recipe with time for details. Cats deserve 64 px now.",
    "style-based": "Each layer has a style: sliders and mixing act on coarse or fine layers. Learns slower.",
    "growing": "It begins with pictures of 4 pixels a side (garments: 7) and doubles until it is grown up: "
    "first what is large, then what is small.",
    "all-scales": "Every picture is drawn at all sizes at once, and each size is judged: what is large and "
    "what is small are learned together.",
    "lesson-dcgan": "The lesson's convolutional network as written: slow to learn on a processor.",
    "lesson-mlp": "The lesson's first network as written, fully connected: quick and ragged.",
}


START_INSTEAD = "“Start” begins a new training with its networks."
NOT_TO_CONTINUE = f"It came without its training state, so it cannot go on where it stopped. {START_INSTEAD}"


def picture_uri(path: Path) -> str:
    """A PNG file as a data URI, or an empty text when there is none."""
    try:
        return _uri(path.read_bytes())
    except OSError:
        return ""


def _uri(content: bytes) -> str:
    return "data:image/png;base64," + b64encode(content).decode()


def strip_html(pictures: Tensor, text: str) -> str:
    """A row of pictures `[N, C, H, W]` in [-1, 1] with a line of (untrusted) text below."""
    content = BytesIO()
    grid_image(pictures, columns=len(pictures), gap=2, background="#808080").save(content, "PNG")
    source = _uri(content.getvalue())
    return f'<div class="strip"><img alt="Real pictures" src="{source}"><p>{escape(text)}</p></div>'


def trouble_html(text: str) -> str:
    """A line of (untrusted) text that says what went wrong."""
    return f'<div class="strip"><p class="trouble" role="alert">⚠️ {escape(text)}</p></div>'


@lru_cache(maxsize=4)
def examples_html(data: str, resolution: int) -> str:
    """A few real pictures of a data set that ships with the program, and what they are."""
    if data == "fashion":
        dataset = fashion()
        text = f"{len(dataset):,} grey pictures of 28 px: {', '.join(FASHION_CLASSES)}. {dataset.attribution}"
        return strip_html(real_examples(dataset, EXAMPLES), text)
    pictures = to_unit(render_cats(cat_labels(EXAMPLES, seed=4), resolution))
    text = "16,000 of 360,000 possible cats in colour, all facing right. Artwork by David Revoy, CC-BY 4.0."
    return strip_html(pictures, text)


@lru_cache(maxsize=32)
def parameter_counts(network: NetworkConfig) -> tuple[int, int]:
    """Trainable numbers of generator and discriminator; no memory is used for them."""
    with torch.device("meta"):
        return count_parameters(build_generator(network)), count_parameters(build_discriminator(network))


def recipe_text(preset: str, network: NetworkConfig) -> str:
    """What to expect of a recipe with a network of these sizes, and what the network is told."""
    generator, discriminator = parameter_counts(network)
    told = ""
    if network.classes:
        told = f" It is told which of {network.classes} classes each picture shows."
    if network.attributes:
        told = " It is told what each picture shows, and its latent vector learns to choose."
    if network.components:
        told += " Before it begins, every real picture gets a place in its latent space, to be learned there."
    return (
        f"{EXPECTATIONS[preset]}{told} Generator {generator:,} and discriminator {discriminator:,} "
        f"parameters at {network.resolution} px."
    )


def checkpoint_text(reference: str) -> str:
    """What it means to begin with this checkpoint.

    Raises:
        GanError, CheckpointError: when it cannot be used.
    """
    if not reference:
        return "Choose a checkpoint: its networks go on learning, from your pictures."
    network = load_reference(reference).config
    colour = "grey" if network.channels == 1 else "colour"
    return (
        "Its networks go on learning, from your pictures: best where these are like its own. It draws "
        f"{colour} pictures of {network.resolution} px; its discriminator's early layers stay as they are."
    )


def continuing_texts(reference: str) -> list[str]:
    """Whether the training of a checkpoint can go on where it stopped, and how; nothing for no checkpoint."""
    if not reference:
        return []
    try:
        training = continuing.unfinished(reference)
    except (GanError, CheckpointError) as error:
        if not store.find(reference).has(TRAINING):
            return [NOT_TO_CONTINUE]
        return [str(error), START_INSTEAD]
    goes_on = (
        f"“Continue this training” goes on where it stopped, after {in_words(training.seconds)}, with its "
        f"own settings and pictures, for the time below, as a run of your own. {START_INSTEAD}"
    )
    return [goes_on] if training.finds_its_pictures else [goes_on, training.where_its_pictures_are]


def in_words(seconds: float) -> str:
    """A duration such as "45 s" or "2 min 05 s"."""
    whole = max(0, round(seconds))
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02d} s"


def progress_html(status: Status) -> str:
    """Bar, state, time left and speed of a run."""
    snapshot = status.snapshot
    share = snapshot.progress if snapshot else 0.0
    left = ""
    if snapshot:
        speed = f"{snapshot.images_per_second:,.0f} pictures a second"
        skipped = f" · {snapshot.skipped:,} discriminator steps skipped" if snapshot.skipped else ""
        growth = f" · {growth_text(snapshot.side, snapshot.alpha)}" if snapshot.side else ""
        left = f"step {snapshot.step:,} · {snapshot.images_seen:,} pictures seen · {speed}{skipped}{growth}"
    note = f'<p class="note" role="status">{escape(snapshot.note)}</p>' if snapshot and snapshot.note else ""
    return (
        f'<div class="bar"><i style="width:{100 * share:.1f}%"></i></div>'
        f'<div class="words"><span>{escape(_state_words(status))}</span><span>{left}</span></div>{note}'
    )


def _state_words(status: Status) -> str:
    trained = in_words(status.snapshot.seconds) if status.snapshot else ""
    if status.state == "waiting":
        ahead = status.place - 1
        return f"Number {status.place} in the queue" + (
            f": {ahead} waiting before you." if ahead else ": next, as soon as a running training ends."
        )
    if status.message:
        return status.message
    if status.state == "running" and status.snapshot:
        return f"Training, {in_words(status.snapshot.seconds_left)} left"
    if status.state == "finished":
        return f"Finished after {trained} of training."
    return f"Stopped after {trained} of training." if trained else "Stopped before it began."
