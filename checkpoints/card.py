"""The model card of a checkpoint: what it is, how it was trained, on whose pictures, and how to use it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from huggingface_hub import ModelCardData

from checkpoints.store import Checkpoint

LIBRARY = "latent-atelier"
TAGS = ["gan", "image-generation", LIBRARY]
# Where a data set of this app lies on the Hub, so that both pages link to each other.
HUB_DATASETS = {
    "fashion": "zalando-datasets/fashion_mnist",
    "fashion-mnist": "zalando-datasets/fashion_mnist",
}

STATE = "training.safetensors"
FILMS = {
    "film.gif": "![A film by this network](film.gif)",
    "film.webp": "![A film by this network](film.webp)",
    "film.mp4": "[A film by this network](film.mp4)",
}
DIRECTIONS, FAVOURITES = "directions.safetensors", "favourites.json"
EXTRAS = (*FILMS, DIRECTIONS, FAVOURITES)
# The Hub refuses a card whose licence it does not know.
LICENCES = {
    "mit", "apache-2.0", "cc0-1.0", "cc-by-4.0", "cc-by-3.0", "cc-by-sa-4.0", "cc-by-sa-3.0", "cc-by-nc-4.0",
    "cc-by-nc-sa-4.0", "bsd-3-clause", "unlicense", "wtfpl",
}  # fmt: skip

_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]{1,96}/[A-Za-z0-9_.-]{1,96}")
_MARKUP = re.compile(r"([\\`*_{}\[\]#|~!$])")


def model_card(
    checkpoint: Checkpoint,
    repository: str | None = None,
    names: Sequence[str] | None = None,
    rights: str = "",
) -> str:
    """README.md of a checkpoint: Hub metadata in front, then Markdown.

    Whatever comes from the config is escaped: a title can neither add metadata nor markup.

    Args:
        repository: `owner/name` for the snippets; a placeholder when it is not known or no such name.
        names: the files that go along; None where the folder is what is described.
        rights: what whoever shares it says of the pictures that it learned from.
    """
    there = set(names) if names is not None else {n for n in (STATE, *EXTRAS) if checkpoint.has(n)}
    name = repository if repository and _REPOSITORY.fullmatch(repository) else "owner/name"
    sections = [
        f"---\n{_metadata(checkpoint)}\n---",
        f"# {plain(checkpoint.title)}",
        _preview(checkpoint),
        _what(checkpoint),
        _use(name),
        _training(checkpoint, STATE in there),
        _extras(there),
        _ruler(checkpoint),
        _data(checkpoint, rights),
        _limits(checkpoint),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def plain(text: Any, longest: int = 300) -> str:
    """Text from an untrusted config as one line of Markdown that shows exactly these characters."""
    words = "".join(c if c.isprintable() else " " for c in str(text)).split()
    line = _MARKUP.sub(r"\\\1", " ".join(words)[:longest])
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _part(checkpoint: Checkpoint, name: str) -> Mapping[str, Any]:
    value = checkpoint.config.get(name)
    return value if isinstance(value, Mapping) else {}


def _metadata(checkpoint: Checkpoint) -> str:
    data = _part(checkpoint, "data")
    licence = str(data.get("licence")).lower().replace(" ", "-")
    known = licence in LICENCES
    dataset = HUB_DATASETS.get(str(data.get("name"))) or _on_the_hub(str(data.get("name")))
    card = ModelCardData(
        library_name=LIBRARY,
        pipeline_tag="unconditional-image-generation",
        tags=TAGS,
        license=licence if known else "other",
        license_name=None if known else "see-card",
        datasets=[dataset] if dataset else None,
    )
    return str(card.to_yaml()).strip()


def _on_the_hub(name: str) -> str | None:
    """The repository of a data set that was named `hub:owner/name`, or `hub:owner/name#kind`."""
    repository = name.removeprefix("hub:").partition("#")[0]
    return repository if name.startswith("hub:") and _REPOSITORY.fullmatch(repository) else None


def _extras(there: Collection[str]) -> str:
    """What else lies in the repository for whoever opens it in the app."""
    lines = [words for name, words in FILMS.items() if name in there]
    if DIRECTIONS in there:
        lines.append("Its saved sliders come with it: they stand in Explore as soon as it is opened.")
    if FAVOURITES in there:
        lines.append(
            "`favourites.json` holds pictures that its maker likes: after a pull, open that file under "
            "Favourites in Explore."
        )
    return "\n\n".join(["## More to see", *lines]) if lines else ""


def _preview(checkpoint: Checkpoint) -> str:
    return "![Pictures by this generator](preview.png)" if checkpoint.has("preview.png") else ""


def _what(checkpoint: Checkpoint) -> str:
    network = _part(checkpoint, "network")
    architecture, resolution = network.get("architecture"), network.get("resolution")
    size = f" of {plain(resolution)} × {plain(resolution)} pixels" if resolution else ""
    kind = f" ({plain(architecture)} architecture)" if architecture else ""
    latent = f" from a latent vector of length {plain(network['z_dim'])}" if network.get("z_dim") else ""
    return (
        f"A generative adversarial network{kind} that draws pictures{size}{latent}. "
        f"It was made with Latent Atelier and can be explored there with sliders.{_told(network)}"
        f"{_named(network, _part(checkpoint, 'training'))}"
    )


def _told(network: Mapping[str, Any]) -> str:
    if network.get("attributes"):
        return (
            " In training it was told what each picture shows, and compared its own with the real one; the "
            "first coordinates of the latent vector are wishes for one value each; the strongest is granted."
        )
    told = " It is told which class to draw." if network.get("classes") else ""
    if network.get("components"):
        told += (
            " Before training its latent space was laid out: principal components of the real pictures and "
            "Gaussians over them say what lies where. In training its pictures were drawn from the places of "
            "real ones and compared with them."
        )
    return told


def _named(network: Mapping[str, Any], training: Mapping[str, Any]) -> str:
    naming, told = training.get("naming"), network.get("classes") or network.get("attributes")
    if not told or not isinstance(naming, int | float) or naming <= 0:
        return ""
    return " Its discriminator was also rewarded for naming what real pictures show."


def _use(repository: str) -> str:
    return f"""## Use

From the folder of Latent Atelier, in Python:

```python
from gan import load

pictures = load("{repository}").sample(seeds=[1, 2, 3])  # uint8 [N, H, W, C]
```

or on the command line:

```
python -m checkpoints pull {repository}
python -m gan sample {repository} --seeds 0-63 --out sheet.png
```

The weights are safetensors and the settings JSON; nothing in this repository is code."""


def _training(checkpoint: Checkpoint, with_state: bool) -> str:
    training = _part(checkpoint, "training")
    seconds = training.get("trained_seconds", training.get("seconds"))
    rows = {
        "Preset": training.get("preset"),
        "Loss": training.get("loss"),
        "Gradient penalty": training.get("penalty"),
        "Weight of likeness to real pictures": training.get("likeness") or None,
        "Weight of naming real pictures": training.get("naming") or None,
        "Batch": training.get("batch"),
        "Pictures seen": _number(training.get("images_seen")),
        "Time": _duration(seconds),
    }
    lines = [f"| {name} | {plain(value)} |" for name, value in rows.items() if value not in (None, "")]
    if not lines:
        return ""
    state = (
        "The training state is included, so the training can go on."
        if with_state
        else "The training state is not included, so the training cannot go on from here."
    )
    table = ["## How it was trained", "", "| | |", "|---|---|", *lines]
    return "\n".join([*table, "", state, *_command(training)])


def _command(training: Mapping[str, Any]) -> list[str]:
    """The command that trains the same again, where it was recorded."""
    command = training.get("command")
    return ["", "To train it again:", "", f"    {plain_line(command)}"] if isinstance(command, str) else []


def plain_line(text: str, longest: int = 500) -> str:
    """Text from an untrusted config as one line of an indented code block, where markup means nothing."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:longest]


def _number(value: Any) -> str | None:
    return f"{value:,.0f}" if isinstance(value, int | float) and abs(value) < 1e15 else None


def _duration(seconds: Any) -> str | None:
    if not isinstance(seconds, int | float) or not 0 < seconds < 1e9:
        return None
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _ruler(checkpoint: Checkpoint) -> str:
    """What the pictures are worth, beside what real ones get, where it was measured (`gan.evaluate`)."""
    ruler = _part(checkpoint, "ruler")
    scores, floor = (ruler.get(kind) for kind in ("scores", "floor"))
    if not isinstance(scores, Mapping) or not isinstance(floor, Mapping):
        return ""
    rows = [
        (name.replace("_", " ").capitalize(), scores.get(name), floor.get(name))
        for name in ("frechet_distance", "kernel_distance", "coverage", "density", "recall", "precision")
    ]
    rows.append(("Share that the classifier cannot read", ruler.get("unclear"), ruler.get("floor_unclear")))
    rows.append(("Share suspiciously near to a training picture", ruler.get("copies"), 0.05))
    lines = [f"| {name} | {_value(ours)} | {_value(real)} |" for name, ours, real in rows if _value(ours)]
    words = (
        f"{_number(ruler.get('pictures')) or 'Some'} pictures, uncurated, truncation 1, in the features of: "
        f"{plain(ruler.get('features'))}. Read every number beside that of other real pictures; it is no FID."
    )
    table = ["| | generated | real |", "|---|---|---|", *lines]
    return "\n".join(["## Measured", "", words, "", *table, *_values_made(ruler)])


def _values_made(ruler: Mapping[str, Any]) -> list[str]:
    made = ruler.get("attributes")
    if not isinstance(made, Mapping) or not made:
        return []
    parts = []
    for name, entry in list(made.items())[:16]:
        if isinstance(entry, Mapping):
            asked = entry.get("asked")
            known = f" ({100 * asked:.0f} % recognised as asked for)" if isinstance(asked, float) else ""
            parts.append(f"{plain(name, 60)} {plain(entry.get('made'))} of {plain(entry.get('of'))}{known}")
    return ["", f"Values that appear at least a fifth as often as they should: {', '.join(parts)}."]


def _value(value: Any) -> str:
    return f"{value:,.4g}" if isinstance(value, int | float) and abs(value) < 1e9 else ""


def _data(checkpoint: Checkpoint, rights: str) -> str:
    data = _part(checkpoint, "data")
    said = [f"Whoever shares this says of the pictures: {plain(rights, 500)}"] if rights.strip() else []
    if not data:
        return "\n\n".join(["## Data", "Not recorded.", *said])
    lines = [f"Trained on: {plain(data.get('title') or data.get('name') or 'unnamed pictures')}."]
    if isinstance(data.get("pictures"), int):
        lines.append(f"Pictures: {data['pictures']:,}.")
    lines.append(f"Licence of the data: {plain(data.get('licence') or 'not recorded')}.")
    if data.get("attribution"):
        lines.append(plain(data["attribution"]))
    lines += said
    classes = data.get("classes")
    if isinstance(classes, list) and classes:
        lines.append("Classes: " + ", ".join(plain(name, 60) for name in classes[:100]) + ".")
    return "## Data\n\n" + "\n\n".join(lines)


def _limits(checkpoint: Checkpoint) -> str:
    data = plain(
        _part(checkpoint, "data").get("title") or _part(checkpoint, "data").get("name") or "its data"
    )
    flaws = checkpoint.config.get("flaws")
    seen = [f"- {plain(flaw)}" for flaw in flaws[:20]] if isinstance(flaws, list) else []
    known = "".join(f"\n{line}" for line in seen)
    return f"""## Known limits

- It draws only what resembles {data}; it understands no text and no other pictures.
- A small network trained for a short time: expect smeared details and some failed pictures. Lower truncation
  gives more typical ones, higher truncation stranger ones.
- What is rare in the training pictures is rarer still, or missing, in what it draws.
- Pictures may resemble training pictures; the licence of the data applies to what you do with them.{known}"""
