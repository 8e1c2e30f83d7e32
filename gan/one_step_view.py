"""One step of training as HTML: from a part of a step to what a visitor sees of it. Pure functions."""

from __future__ import annotations

from base64 import b64encode
from html import escape
from io import BytesIO

import torch
from torch import Tensor

from gan.heat import FAINTEST, LESS, MORE, STRONGEST
from gan.one_step import PARTS, Part, Pictures, Turn
from gan.one_step_words import EQUATIONS, UNDECIDED, percent, sentence, small
from gan.pictures import grid_image

CLEAREST = 0.995
MOST_LAYERS = 12
ROW = 4
KINDS = {
    "Linear": "fully connected",
    "Conv2d": "convolution",
    "ConvTranspose2d": "transposed convolution",
    "BatchNorm1d": "batch norm",
    "BatchNorm2d": "batch norm",
    "Embedding": "what it is told",
}
LETTERS = {"discriminator": "D", "generator": "G"}

CSS = """
.one-step{color:var(--body-text-color);--d:#2563eb;--g:#d9480f;display:grid;gap:12px}
.dark & .one-step{--d:#7db2ff;--g:#ffa46b}
.one-step p,.one-step figure,.one-step ol,.one-step ul{margin:0;padding:0}
.one-step .nothing{padding:16px 20px;border:1px dashed var(--border-color-primary);border-radius:10px}
.one-step .nothing ol{margin:10px 0 0;padding-left:1.3em;list-style:decimal}
.one-step .nothing li{margin:4px 0}
.one-step .parts{display:grid;gap:4px}
.one-step .parts ol{display:grid;grid-template-columns:repeat(5,minmax(0,1fr));gap:4px;list-style:none}
.one-step .parts li{padding:5px 2px;text-align:center;font-size:12px;border-radius:6px;margin:0;
  border:1px solid var(--border-color-primary);overflow-wrap:anywhere;opacity:.7}
.one-step .parts li.done{opacity:1;border-color:currentColor}
.one-step .parts li[aria-current]{opacity:1;background:var(--color-accent);color:#fff;
  border-color:transparent;font-weight:600}
.one-step .sentence{font-size:16px;line-height:1.5;min-height:4.5em}
.one-step .sentence b:first-child{color:var(--d)}
.one-step[data-player=generator] .sentence b:first-child{color:var(--g)}
.one-step .kinds{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr));
  gap:12px 20px}
.one-step figcaption{font-size:13px;margin-bottom:4px;min-height:1.4em}
.one-step .legend{font-size:13px;opacity:.85}
.one-step img{display:block;width:100%;border-radius:6px;image-rendering:pixelated;
  background:var(--background-fill-secondary)}
.one-step .rows{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,220px),1fr));gap:10px 2px}
.one-step .scores{display:grid;grid-template-columns:repeat(4,minmax(0,1fr));margin:4px 0;list-style:none}
.one-step .scores li{margin:0 2px;font-size:11px;text-align:center;font-variant-numeric:tabular-nums}
.one-step .scores i{display:block;height:6px;border-radius:3px;overflow:hidden;
  background:var(--background-fill-secondary);border:1px solid var(--border-color-primary)}
.one-step .scores i b{display:block;height:100%;background:var(--color-accent)}
.one-step .loss{display:flex;flex-wrap:wrap;gap:4px 14px;align-items:baseline}
.one-step .loss strong{font-size:26px;font-variant-numeric:tabular-nums}
.one-step code{font-size:13px;overflow-wrap:anywhere;background:none;color:inherit;padding:0;border:0}
.one-step .layers{margin-top:4px;display:grid;gap:3px 24px;list-style:none;font-size:12px;
  grid-template-columns:repeat(auto-fit,minmax(min(100%,340px),1fr))}
.one-step .layers li{display:grid;grid-template-columns:minmax(160px,1fr) minmax(0,2fr) 52px;gap:8px;margin:0;
  align-items:center;font-variant-numeric:tabular-nums}
.one-step .layers span:first-child{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.one-step .layers i{height:8px;border-radius:4px;background:var(--d);min-width:2px}
.one-step[data-player=generator] .layers i{background:var(--g)}
.one-step .proof{font-size:13px;padding:8px 12px;border-left:3px solid #3f9b6b;overflow-wrap:anywhere;
  background:var(--background-fill-secondary);border-radius:0 6px 6px 0}
.one-step .proof.broken{border-color:#b91c1c}
.one-step .numbers{font-size:13px;opacity:.85;font-variant-numeric:tabular-nums}
.one-step .trouble{color:var(--error-text-color,#b91c1c)}
@media (max-width:640px){.one-step .parts li{font-size:10px;padding:5px 0}}
"""


def part_html(part: Part, title: str, loss: str, count: int) -> str:
    """All that is known when this part has been reached.

    Args:
        title: what is looked at (untrusted).
        loss: the adversarial loss (`gan.config.LOSSES`).
        count: another number for every answer, so that a page knows that it is new.
    """
    turn, done = part.turn, part.number
    blocks = [_kinds_html(turn, done)]
    if done >= PARTS.index("loss"):
        blocks.append(_loss_html(turn, loss))
    if done >= PARTS.index("update"):
        blocks += [_update_html(turn), _proof_html(turn)]
    pictures = f"{turn.batch} pictures in a batch, {len(turn.drawn)} shown"
    numbers = f"{escape(title)} · step {turn.step + 1:,} · {pictures}"
    return (
        f'<div class="one-step" data-player="{turn.player}" data-part="{part.name}" data-step="{turn.step}" '
        f'data-count="{count}">{_parts_html(part)}'
        f'<p class="sentence" role="status">{sentence(part)}</p>{"".join(blocks)}'
        f'<p class="numbers">{numbers}</p></div>'
    )


def words_html(text: str, count: int, trouble: bool = False) -> str:
    """A sentence (untrusted) in place of a part."""
    kind = ' class="trouble" role="alert"' if trouble else ' role="status"'
    return f'<div class="one-step" data-count="{count}"><p{kind}>{escape(text)}</p></div>'


def _parts_html(part: Part) -> str:
    rows = []
    for player, letter in LETTERS.items():
        items = []
        for number, name in enumerate(PARTS):
            here = player == part.turn.player
            mark = ""
            if here and number == part.number:
                mark = ' aria-current="step"'
            elif here and number < part.number:
                mark = ' class="done"'
            items.append(f"<li{mark}>{letter} {name}</li>")
        rows.append(f'<ol aria-label="{player.capitalize()} step">{"".join(items)}</ol>')
    return f'<div class="parts">{"".join(rows)}</div>'


def _kinds_html(turn: Turn, done: int) -> str:
    # Augmentation and noise change what the discriminator gets to see.
    seen = "" if torch.equal(turn.fake.seen, turn.drawn) else ", changed at random before they are judged"
    kinds = [] if turn.real is None else [_kind_html(f"Real pictures{seen}", turn.real, done)]
    kinds.append(_kind_html(f"Generated pictures{seen}", turn.fake, done))
    if turn.player == "generator" and done >= PARTS.index("update"):
        kinds.append(_redrawn_html(turn))
    legend = ""
    if done >= PARTS.index("gradients") and turn.fake.pull is not None:
        wish = (
            "the discriminator would be less wrong" if turn.real is not None else "it would be believed more"
        )
        legend = (
            '<p class="legend">Heat: minus the gradient of the loss. Red: if this place were brighter, '
            f"{wish}; blue: if it were darker. Grey places do not matter.</p>"
        )
    return f'<div class="kinds">{"".join(kinds)}</div>{legend}'


def _kind_html(name: str, pictures: Pictures, done: int) -> str:
    scores = pictures.scores if done >= PARTS.index("classify") else None
    heat = None
    if done >= PARTS.index("gradients") and pictures.pull is not None:
        heat = heated(pictures.seen, pictures.pull)
    return _figure(name, pictures.seen, scores, heat)


def _redrawn_html(turn: Turn) -> str:
    change = heated(turn.drawn, turn.redrawn - turn.drawn)
    name = "The same latent vectors after the update, and below what changed"
    return _figure(name, turn.redrawn, turn.fake.scores_after, change)


def _figure(name: str, pictures: Tensor, scores: Tensor | None, heat: Tensor | None) -> str:
    """Pictures in rows of four, with their scores and heat below; a wide page puts two rows side by side."""
    blocks = []
    for start in range(0, len(pictures), ROW):
        row = slice(start, start + ROW)
        below = "" if scores is None else _scores_html(scores[row])
        below += "" if heat is None else _strip(heat[row], f"{name}: as heat")
        blocks.append(f"<div>{_strip(pictures[row], name)}{below}</div>")
    return f'<figure><figcaption>{name}</figcaption><div class="rows">{"".join(blocks)}</div></figure>'


def heated(pictures: Tensor, pull: Tensor) -> Tensor:
    """Pictures in grey with what they should become over them: red brighter, blue darker.

    Args:
        pictures: `[K, C, H, W]` in [-1, 1].
        pull: `[K, C, H, W]`; added up over the channels, and shown relative to the strongest of all pictures.

    Returns:
        `[K, 3, H, W]` in [-1, 1].
    """
    heat = pull.float().sum(1, keepdim=True)
    strongest = heat.abs().flatten().quantile(CLEAREST).clamp_min(FAINTEST)
    share = (heat / strongest).clamp(-1, 1)
    grey = pictures.float().mean(1, keepdim=True).expand(-1, 3, -1, -1)
    more, less = (grey.new_tensor(colour)[None, :, None, None] for colour in (MORE, LESS))
    return torch.lerp(grey, torch.where(share > 0, more, less).expand_as(grey), STRONGEST * share.abs())


def _strip(pictures: Tensor, words: str) -> str:
    content = BytesIO()
    grid_image(pictures.float().clamp(-1, 1), columns=len(pictures)).save(content, "PNG", compress_level=1)
    return f'<img alt="{words}" src="data:image/png;base64,{b64encode(content.getvalue()).decode()}">'


def _scores_html(scores: Tensor) -> str:
    items = "".join(
        f'<li><i><b style="width:{100 * score:.0f}%"></b></i>{percent(score)}</li>'
        for score in scores.tolist()
    )
    return f'<ul class="scores" aria-label="How real each was found">{items}</ul>'


def _loss_html(turn: Turn, loss: str) -> str:
    side = list(LETTERS).index(turn.player)
    return (
        f'<p class="loss"><span>{turn.player.capitalize()} loss</span>'
        f"<strong>{turn.result.loss:.3f}</strong><code>{EQUATIONS[loss][side]}</code>"
        f"<span>undecided (every D is 0): {UNDECIDED[loss][side]}</span></p>"
    )


def _update_html(turn: Turn) -> str:
    moved = [layer for layer in turn.layers if layer.size > 0]
    shares = [layer.moved / layer.size for layer in moved]
    largest = max(shares, default=0.0) or 1.0
    items = "".join(
        f"<li><span>{escape(KINDS.get(layer.kind, layer.kind))} · {layer.weights:,}</span>"
        f'<i style="width:{100 * share / largest:.1f}%"></i><span>{small(share)}</span></li>'
        for layer, share in list(zip(moved, shares, strict=True))[:MOST_LAYERS]
    )
    return (
        f"<div><p class='legend'>How far each layer moved, of the length of its weights; their "
        f"number is beside its name (learning rate {turn.learning_rate:g}):</p>"
        f"<ul class='layers'>{items}</ul></div>"
    )


def _proof_html(turn: Turn) -> str:
    proof = turn.proof
    other = "generator" if turn.player == "discriminator" else "discriminator"
    verdict = "Not one of its weights changed." if proof.unchanged else "Its weights changed!"
    counted = ""
    if proof.counters:
        counted = (
            " Only its counters moved (running means of batch norm, directions of spectral norm): they "
            "follow everything it looks at, and are not learned."
        )
    broken = "" if proof.unchanged else " broken"
    return (
        f'<p class="proof{broken}">Proof that the {other} stayed as it was: the checksum (SHA-256) of all '
        f"its weights was <code>{proof.before}</code> before this turn and is <code>{proof.after}</code> "
        f"after it. {verdict}{counted}</p>"
    )
