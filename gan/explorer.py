"""What the Explore tab does, without the tab: what a page is told of a generator, and pictures for it.

What a picture is stands in `gan.explorer_state`, how it is drawn in `gan.explorer_drawing`; whoever needs
them finds them here, too.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from checkpoints import store
from gan.codes import encode_direction
from gan.config import NetworkConfig
from gan.direction_files import Direction
from gan.direction_sets import all_directions, further_directions, further_part, kept_directions
from gan.directions import directions_of
from gan.explorer_drawing import (
    base_latent,
    critic_labels,
    directions_for,
    edit_shift,
    labels_for,
    latent,
    latent_of,
    neighbours,
    opinion_json,
    opinion_of,
    opinion_sentence,
    page_latent,
    render,
)
from gan.explorer_state import (
    HIGHEST_TRUNCATION,
    MOST_EDITS,
    MOST_OWN,
    OWN_LIMIT,
    ExplorerState,
    OwnEdit,
    own_name,
)
from gan.export import describe_for_browser
from gan.model import Model
from gan.pictures import to_images
from gan.styles import layer_ranges

__all__ = [
    "HIGHEST_TRUNCATION",
    "MOST_EDITS",
    "MOST_OWN",
    "OPENING_TRUNCATION",
    "OWN_LIMIT",
    "ExplorerState",
    "OwnEdit",
    "base_latent",
    "checkpoint_choices",
    "coordinate_names",
    "critic_labels",
    "data_url",
    "describe",
    "direction_entries",
    "directions_for",
    "edit_shift",
    "further_entries",
    "further_entries_in_part",
    "kept_entries",
    "labels_for",
    "latent",
    "latent_of",
    "neighbours",
    "opinion_json",
    "opinion_of",
    "opinion_sentence",
    "own_name",
    "page_latent",
    "png",
    "render",
]

# Where the page opens: pictures are cleaner than at 1, and there is still room to both sides.
OPENING_TRUNCATION = 0.7
LARGEST_DOWNLOAD = 1024
MOST_CHOICES = 100


def describe(model: Model) -> dict[str, Any]:
    """What the page has to know to show controls for this model; all text in it is to be shown as text."""
    data = model.document.get("data")
    data = data if isinstance(data, Mapping) else {}
    return {
        "checkpoint": model.reference,
        "title": model.title,
        "classes": list(model.classes) if model.config.classes else [],
        "attributes": [{"name": a.name, "values": list(a.values)} for a in model.attributes],
        "directions": [{"name": d.name, "method": d.method, "limit": d.limit} for d in directions_of(model)],
        "kept": kept_entries(model),
        "coordinates": coordinate_names(model),
        "coordinates_hint": _coordinates_hint(model.config),
        "resolution": model.config.resolution,
        "layers": [[r.name, r.first, r.last] for r in layer_ranges(model.generator.sides)],
        "credit": _credit(data),
        "judged": model.discriminator is not None,
        "browser": describe_for_browser(model, directions_of(model)),
    }


def kept_entries(model: Model) -> list[dict[str, str]]:
    """What visitors saved into the checkpoint's folder, as the page's own sliders: `name` and `vector`."""
    named = [d for d in kept_directions(model) if d.name.strip()]
    return [{"name": own_name(d.name), "vector": encode_direction(d.vector)} for d in named]


def direction_entries(model: Model) -> list[dict[str, Any]]:
    """All directions for the page, in the order of a state's edits: `name`, `method`, `limit`, `vector`.

    Takes seconds the first time, so a page asks for them after it has opened a checkpoint. `vector` holds the
    numbers, so that a page can go along a direction by itself.
    """
    return _entries(all_directions(model))


def further_entries(model: Model) -> list[dict[str, Any]]:
    """Those of `direction_entries` that a page does not have yet: the ones after its first."""
    return _entries(further_directions(model))


def further_entries_in_part(model: Model, part: int) -> tuple[list[dict[str, Any]], int | None]:
    """A part of `further_entries`, found while a page waits, and the next part's number or None."""
    found, following = further_part(model, part)
    return _entries(found), following


def _entries(directions: Sequence[Direction]) -> list[dict[str, Any]]:
    return [
        {"name": d.name, "method": d.method, "limit": d.limit, "vector": d.vector.tolist()}
        for d in directions
    ]


def coordinate_names(model: Model) -> list[str]:
    """What each number of the latent vector stands for, as far as it stands for something alone."""
    wishes = [value for attribute in model.attributes for value in attribute.values]
    if model.config.components:
        wishes = [f"halving {i + 1}" for i in range(model.config.halvings)]
        wishes += [f"component {i + 1}" for i in range(model.config.components)]
    return wishes + [f"z {i}" for i in range(len(wishes), model.config.z_dim)]


def _coordinates_hint(network: NetworkConfig) -> str:
    if network.attributes:
        return "Each number is a wish for one value, and the strongest wish of its kind is granted."
    if network.components:
        return (
            "A halving's sign says which half of the pictures is meant; the components, strongest first, say "
            "where in what is left."
        )
    return "Single numbers of the latent vector; most do little on their own."


def _credit(data: Mapping[str, Any]) -> str:
    title, attribution = (data.get(key) for key in ("title", "attribution"))
    parts = [f"Learned from {title}." if isinstance(title, str) and title else ""]
    parts += [attribution if isinstance(attribution, str) else ""]
    return " ".join(part for part in parts if part)[:400]


def png(picture: Tensor, side: int | None = None, state: ExplorerState | None = None) -> bytes:
    """A picture `[C, H, W]` in [-1, 1] as PNG, at its own size or enlarged; the state goes into its text."""
    image = to_images(picture[None])[0]
    if side is not None:
        side = min(LARGEST_DOWNLOAD, max(image.width, side))
        image = image.resize((side, side), Image.Resampling.LANCZOS)
    information = PngInfo()
    if state is not None:
        information.add_text("latent-atelier", json.dumps(state.to_json()))
    stream = BytesIO()
    # Level 1 takes half the time of the default for a tenth more bytes: at 64 px time is what counts.
    image.save(stream, "PNG", compress_level=1 if side is None else 6, pnginfo=information)
    return stream.getvalue()


def data_url(content: bytes, kind: str) -> str:
    """`content` as a `data:` address of the media type `kind`."""
    return f"data:{kind};base64,{b64encode(content).decode()}"


def checkpoint_choices(references: object) -> list[dict[str, str]]:
    """The generators to choose from: shipped ones, then those of the visitor's library that exist.

    Args:
        references: the visitor's library as the page sent it; what is not a list of texts counts as empty.

    Returns:
        `checkpoint` (reference), `title` and `group`, one a choice, shipped first.
    """
    theirs = references if isinstance(references, list) else []
    theirs = list(dict.fromkeys(r for r in theirs if isinstance(r, str)))[:MOST_CHOICES]
    found = [c for c in store.list_checkpoints(theirs) if c.kind == "gan"]
    return [{"checkpoint": c.reference, "title": c.title, "group": _group(c.reference)} for c in found]


def _group(reference: str) -> str:
    if reference.startswith("runs/"):
        return "Trained here"
    return "From the Hub" if reference.startswith(("pulled/", "private/")) else "Shipped"
