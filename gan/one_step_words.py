"""What is said of the parts of a step: a sentence each, equations, and how numbers are written."""

from __future__ import annotations

from gan.one_step import PARTS, Part, Turn

EMPTY = """<div class="one-step"><div class="nothing"><b>Nothing was calculated yet.</b> Press
<b>Next part</b>. One step of training has two turns of five parts each:
<ol><li><b>Sample</b>: real pictures are taken, and the generator draws some.</li>
<li><b>Classify</b>: the discriminator says of each how real it finds it.</li>
<li><b>Loss</b>: one number for how wrong that was.</li>
<li><b>Gradients</b>: which way everything should change to be less wrong, down to the pixels.</li>
<li><b>Update</b>: the weights of the one who learns go a small way there. The other's do not move.</li></ol>
</div></div>"""

EQUATIONS = {
    "bce": ("mean of ½ softplus(−D(x)) + ½ softplus(D(G(z)))", "mean of softplus(−D(G(z)))"),
    "hinge": ("mean of max(0, 1 − D(x)) + max(0, 1 + D(G(z)))", "mean of −D(G(z))"),
    "soft-hinge": ("mean of softplus(1 − D(x)) + softplus(1 + D(G(z)))", "mean of −D(G(z))"),
    "least-squares": ("mean of ½ (D(x) − 1)² + ½ D(G(z))²", "mean of ½ (D(G(z)) − 1)²"),
    "relativistic": ("mean of softplus(D(G(z)) − D(x))", "mean of softplus(D(x) − D(G(z)))"),
}
# Sentences of their own, so that each can be translated.
_ALSO = {
    "": "",
    "penalty": "The recipe adds a penalty on steep slopes, which the heat leaves out.",
    "naming": "The recipe adds a reward for naming what real pictures show, and the heat holds it.",
    "penalty and naming": "The recipe adds a penalty on steep slopes, which the heat leaves out, and a "
    "reward for naming what real pictures show, which it holds.",
    "likeness": "The recipe adds for each picture the way to the real one of its address or attributes; the "
    "heat leaves that out.",
}
UNDECIDED = {
    "bce": ("0.69", "0.69"), "hinge": ("2", "0"), "soft-hinge": ("2.63", "0"),
    "least-squares": ("0.25", "0.5"), "relativistic": ("0.69", "0.69"),
}  # fmt: skip


def sentence(part: Part) -> str:
    """What happens in this part, with its numbers, for somebody who sees it for the first time."""
    turn = part.turn
    words = (_DISCRIMINATOR if turn.player == "discriminator" else _GENERATOR)[part.name](turn)
    return f"<b>{turn.player.capitalize()}, {part.name}.</b> {words}"


def _d_sample(turn: Turn) -> str:
    return (
        f"{turn.batch} real pictures are taken at random, and the generator draws {turn.batch} from random "
        "latent vectors z. In this turn the discriminator learns to tell them apart."
    )


def _d_classify(turn: Turn) -> str:
    result = turn.result
    return (
        f"It finds the real ones {percent(result.real_score)} real on average, and the generated ones "
        f"{percent(result.fake_score)}. It should say 100 % and 0 %."
    )


def _d_loss(turn: Turn) -> str:
    words = (
        "One number says how wrong that was, over the whole batch: the lower, the better it told them apart."
    )
    waits = " It is below the threshold that was set, so the discriminator waits and does not learn now."
    return words + (waits if turn.result.skipped else "")


def _d_gradients(turn: Turn) -> str:
    if turn.result.skipped:
        return "None are calculated: the discriminator waits in this step."
    return (
        "Backpropagation asks how the loss depends on everything, down to the pixels. Where it is coloured, "
        "the discriminator looked hardest. For its weights that is a direction of length "
        f"{_short(turn.gradient)}. <span>{_ALSO[turn.also]}</span>"
    )


def _d_update(turn: Turn) -> str:
    if turn.result.skipped:
        return "No weight moves: the discriminator waits in this step."
    asked = turn.asked
    return (
        f"Its weights move by {share(turn)} of their length. Asked again about the same pictures, it says "
        f"{percent(asked.real_after)} for the real ones (before: {percent(asked.real)}) and "
        f"{percent(asked.fake_after)} for the generated ones (before: {percent(asked.fake)})."
    )


def _g_sample(turn: Turn) -> str:
    return (
        f"The generator draws {turn.batch} pictures from latent vectors z. In this turn it learns to be "
        "believed, and the discriminator is frozen: it judges, and does not learn."
    )


def _g_classify(turn: Turn) -> str:
    return (
        f"The frozen discriminator finds them {percent(turn.result.fake_score)} real on average. "
        "The generator would like 100 %."
    )


def _g_loss(turn: Turn) -> str:
    return "One number says how far the generator is from being believed: the lower, the better it deceived."


def _g_gradients(turn: Turn) -> str:
    return (
        "The discriminator passes back what it would rather see: red places should become brighter, blue "
        "ones darker. Through the generator's layers that becomes a direction for its weights, of length "
        f"{_short(turn.gradient)}. <span>{_ALSO[turn.also]}</span>"
    )


def _g_update(turn: Turn) -> str:
    asked = turn.asked
    return (
        f"The generator's weights move by {share(turn)} of their length. Below, the same latent vectors are "
        f"drawn again; the discriminator now finds them {percent(asked.fake_after)} real "
        f"(before: {percent(asked.fake)})."
    )


_DISCRIMINATOR = dict(zip(PARTS, (_d_sample, _d_classify, _d_loss, _d_gradients, _d_update), strict=True))
_GENERATOR = dict(zip(PARTS, (_g_sample, _g_classify, _g_loss, _g_gradients, _g_update), strict=True))


def percent(share: float) -> str:
    """A probability in whole percent."""
    return f"{100 * share:.0f} %"


def share(turn: Turn) -> str:
    """The update as a share of the length of all weights."""
    return small(turn.moved / turn.size)


def small(share: float) -> str:
    """A share with two digits that count, in percent."""
    return f"{100 * share:.2g} %" if share else "0 %"


def _short(value: float) -> str:
    return f"{value:,.2f}" if value < 100 else f"{value:,.0f}"
