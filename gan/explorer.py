"""What the Explore tab does, without the tab: from the state of an untrusted page to a picture."""

from __future__ import annotations

import json
import zlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any

import torch
from numpy.random import RandomState
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from checkpoints import store
from gan.attributes import chosen
from gan.codes import decode_direction, decode_latent, encode_direction
from gan.config import NetworkConfig
from gan.direction_files import MOST_LAYERS, Direction
from gan.direction_sets import all_directions, further_directions, kept_directions
from gan.directions import directions_of
from gan.errors import GanError
from gan.export import describe_for_browser
from gan.latent import HIGHEST_SEED, latents, truncate
from gan.model import Model, Opinion
from gan.pictures import to_images
from gan.plane import plane
from gan.styles import layer_ranges, size_of, step_along

MODES = ("directions", "raw")
MOST_EDITS = 64
HIGHEST_TRUNCATION = 2.0
# Where the page opens: pictures are cleaner than at 1, and there is still room to both sides.
OPENING_TRUNCATION = 0.7
RAW_LIMIT = 4.0
MOST_NEIGHBOURS = 16
NEIGHBOUR_STEP = 2.0
DECIMALS = 2
PLACE_DECIMALS = 4
MOST_OWN = 8
OWN_LIMIT = 8.0
LONGEST_NAME = 40
LARGEST_DOWNLOAD = 1024
MOST_CHOICES = 100


@dataclass(frozen=True)
class OwnEdit:
    """A step along a direction of the visitor's own.

    Attributes:
        name: what the visitor calls it, at most 40 characters.
        vector: the direction as `gan.codes.encode_direction` writes it.
        amount: how far to go, in standard deviations of z.
    """

    name: str
    vector: str
    amount: float = 0.0

    @classmethod
    def from_json(cls, value: object) -> OwnEdit:
        """An edit from what a page or a file sent. Raises GanError when it is none."""
        if not isinstance(value, Mapping):
            raise GanError("A direction of your own is an object with name, vector and amount.")
        vector = value.get("vector")
        decode_direction(vector if isinstance(vector, str) else "")
        amount = _number(value.get("amount", 0.0), "slider of your own", -OWN_LIMIT, OWN_LIMIT)
        return cls(own_name(value.get("name")), str(vector), amount)

    def to_json(self) -> dict[str, Any]:
        """Plain values that `from_json` turns into the same edit."""
        return {"name": self.name, "vector": self.vector, "amount": self.amount}


def own_name(value: object) -> str:
    """A visitor's name for a direction: one line of printable text. Raises GanError when nothing is left."""
    text = value if isinstance(value, str) else ""
    words = "".join(c if c.isprintable() else " " for c in text[:400]).split()
    name = " ".join(words)[:LONGEST_NAME].strip()
    if not name:
        raise GanError("Give your direction a name, such as: opens the eyes.")
    return name


@dataclass(frozen=True)
class ExplorerState:
    """Everything that makes a picture again, on any machine.

    Attributes:
        reference: which checkpoint, as `checkpoints.store.find` takes it.
        label: class that the generator is told; 0 where it knows none.
        mode: which sliders the page shows, `directions` or `raw`; both kinds of edits count in either.
        edits: how far to go along each direction, in standard deviations of z; missing ones are 0.
        raw: (coordinate, value) pairs that replace coordinates of z, by coordinate.
        corners: four seeds of a plane (see `gan.plane`) whose z at `place` replaces that of `seed`.
        place: where in that plane, from (0, 0) at the first corner to (1, 1) at the last.
        own: steps along directions of the visitor's own, which the state holds whole.
        base: a latent vector instead of the seed's, as `gan.codes.encode_latent` writes it: a photo that was
            looked for, a child of two pictures. Empty for the seed's. With styles it may hold all of them.
        layers: (edit, first layer, last layer) of edits that move only some layers, where these have styles.

    What `own` and `base` hold for another length of z than the model's counts as nothing.
    """

    reference: str
    seed: int = 0
    truncation: float = 1.0
    label: int = 0
    mode: str = "directions"
    edits: tuple[float, ...] = ()
    raw: tuple[tuple[int, float], ...] = ()
    corners: tuple[int, ...] = ()
    place: tuple[float, float] = (0.0, 0.0)
    own: tuple[OwnEdit, ...] = ()
    base: str = ""
    layers: tuple[tuple[int, int, int], ...] = ()

    @classmethod
    def from_json(cls, values: object) -> ExplorerState:
        """A state from what a page or a link sent: numbers are rounded to 0.01 and moved into their limits.

        Raises:
            GanError: when a value is not of its kind at all.
        """
        if not isinstance(values, Mapping):
            raise GanError("The picture's settings are not a JSON object; reload the page.")
        reference = values.get("checkpoint")
        if not isinstance(reference, str) or not 0 < len(reference) <= 200:
            raise GanError("Choose a checkpoint first.")
        mode = values.get("mode", MODES[0])
        return cls(
            reference=reference,
            seed=int(_number(values.get("seed", 0), "seed", 0, HIGHEST_SEED, 0)),
            truncation=_number(values.get("truncation", 1.0), "truncation", 0, HIGHEST_TRUNCATION),
            label=int(_number(values.get("class", 0), "class", 0, 1000, 0)),
            mode=mode if mode in MODES else MODES[0],
            edits=_edits(values.get("edits", ())),
            raw=_raw(values.get("raw", {})),
            **_between(values.get("between")),
            own=_own(values.get("own", ())),
            base=_base(values.get("base", "")),
            layers=_layers(values.get("layers", {})),
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values that `from_json` turns into the same state."""
        between = (
            {"between": {"seeds": list(self.corners), "place": list(self.place)}} if self.corners else {}
        )
        plain: dict[str, Any] = {
            "checkpoint": self.reference,
            "seed": self.seed,
            "truncation": self.truncation,
            "class": self.label,
            "mode": self.mode,
            "edits": list(self.edits),
            "raw": {str(index): value for index, value in self.raw},
            **between,
        }
        if self.own:
            plain["own"] = [edit.to_json() for edit in self.own]
        if self.base:
            plain["base"] = self.base
        if self.layers:
            plain["layers"] = {str(edit): [first, last] for edit, first, last in self.layers}
        return plain


def _number(value: object, what: str, low: float, high: float, decimals: int = DECIMALS) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:
        raise GanError(f"The {what} must be a number.")
    # + 0.0 turns -0.0 into 0.0, so that equal pictures have equal states.
    return round(float(min(high, max(low, value))), decimals) + 0.0


def _edits(value: object) -> tuple[float, ...]:
    if not isinstance(value, (list, tuple)) or len(value) > MOST_EDITS:
        raise GanError(f"The direction sliders must be a list of at most {MOST_EDITS} numbers.")
    edits = [_number(x, "direction slider", -20, 20) for x in value]
    while edits and edits[-1] == 0:
        edits.pop()
    return tuple(edits)


def _raw(value: object) -> tuple[tuple[int, float], ...]:
    if not isinstance(value, Mapping) or len(value) > 512:
        raise GanError("The raw coordinates must be an object of at most 512 numbers.")
    pairs = []
    for key, number in value.items():
        if not str(key).isdecimal() or len(str(key)) > 3:
            raise GanError("A raw coordinate is named by its number.")
        pairs.append((int(key), _number(number, "raw coordinate", -RAW_LIMIT, RAW_LIMIT)))
    return tuple(sorted(dict(pairs).items()))


def _between(value: object) -> dict[str, Any]:
    """`corners` and `place` of a state from `{"seeds": [...], "place": [x, y]}`, or nothing."""
    if value is None:
        return {}
    seeds, place = (value.get(key) for key in ("seeds", "place")) if isinstance(value, Mapping) else (0, 0)
    if not isinstance(seeds, list) or not isinstance(place, list) or (len(seeds), len(place)) != (4, 2):
        raise GanError("A place between seeds is four seeds and two numbers from 0 to 1.")
    x, y = (_number(share, "place between the seeds", 0, 1, PLACE_DECIMALS) for share in place)
    return {"corners": tuple(int(_number(s, "seed", 0, HIGHEST_SEED, 0)) for s in seeds), "place": (x, y)}


def _own(value: object) -> tuple[OwnEdit, ...]:
    if not isinstance(value, (list, tuple)) or len(value) > MOST_OWN:
        raise GanError(f"Keep at most {MOST_OWN} directions of your own in one picture.")
    return tuple(OwnEdit.from_json(each) for each in value)


def _base(value: object) -> str:
    if value != "":
        decode_latent(value if isinstance(value, str) else "?")
    return str(value)


def _layers(value: object) -> tuple[tuple[int, int, int], ...]:
    if not isinstance(value, Mapping) or len(value) > MOST_EDITS:
        raise GanError(f"The sliders' layers must be an object of at most {MOST_EDITS} ranges.")
    found = {}
    for key, between in value.items():
        if (
            not str(key).isdecimal()
            or len(str(key)) > 2
            or not isinstance(between, list)
            or len(between) != 2
        ):
            raise GanError("A slider's layers are two numbers, first and last, by the slider's number.")
        first, last = (int(_number(layer, "layer", 0, MOST_LAYERS - 1, 0)) for layer in between)
        found[int(key)] = (min(first, last), max(first, last))
    return tuple((edit, *between) for edit, between in sorted(found.items()))


def base_latent(state: ExplorerState, z_dim: int) -> Tensor:
    """Where the state starts, `[1, z_dim]`: a place between seeds, its own latent vector, or its seed's."""
    if state.corners:
        return plane(state.corners, state.place, z_dim)
    if state.base:
        z = decode_latent(state.base)
        if len(z) == z_dim:
            return z[None]
    return latents([state.seed], z_dim)


def latent_of(state: ExplorerState, directions: Sequence[Direction], z_dim: int) -> Tensor:
    """z `[1, z_dim]` = truncation z(seed) + sum edit_k direction_k; raw coordinates then replace theirs.

    A place between seeds or the state's `base` replaces the seed's z, and `own` edits are added.
    """
    z = truncate(base_latent(state, z_dim), state.truncation) + _shift(state, directions, z_dim)
    return _with_raw(z, state)


def _with_raw(z: Tensor, state: ExplorerState) -> Tensor:
    for index, value in state.raw:
        if index < z.shape[1]:
            z[0, index] = value
    return z


def _point(model: Model, state: ExplorerState, directions: Sequence[Direction]) -> Tensor:
    """The state's point: truncation and edits come after the mapping network where there is one."""
    z_dim, layers = model.config.z_dim, len(model.generator.sides)
    if not layers:
        return latent_of(state, directions, z_dim)
    return _start(model, state) + _shift(state, directions, z_dim, layers)


def _start(model: Model, state: ExplorerState) -> Tensor:
    """The styles `[1, size]` of a state's picture before its sliders are moved."""
    styles = own_styles(model, state)
    if styles is not None:
        return styles * state.truncation
    z = known_z(model, state)
    assert z is not None
    with torch.inference_mode():
        return model.generator.point(z, labels_for(model, state, 1), state.truncation)


def own_styles(model: Model, state: ExplorerState) -> Tensor | None:
    """The styles `[1, size]` that the state holds as its `base`; None where it starts from a z."""
    if state.corners or not state.base or not model.generator.sides:
        return None
    styles = decode_latent(state.base)
    return styles[None] if len(styles) == size_of(model) else None


def known_z(model: Model, state: ExplorerState) -> Tensor | None:
    """z `[1, z_dim]` before the mapping network, with raw coordinates; None where only styles are known.

    Without a mapping network it is the state's whole point, sliders and all.
    """
    if not model.generator.sides:
        return latent(model, state)
    if own_styles(model, state) is not None:
        return None
    return _with_raw(base_latent(state, model.config.z_dim), state)


def _shift(state: ExplorerState, directions: Sequence[Direction], z_dim: int, layers: int = 0) -> Tensor:
    """What all sliders add, `[z_dim]`, or `[layers * z_dim]` where each layer has a style."""
    ranges = {edit: (first, last) for edit, first, last in state.layers}
    shift = torch.zeros(z_dim * max(1, layers))
    for number, (amount, direction) in enumerate(zip(state.edits, directions, strict=False)):
        amount = min(direction.limit, max(-direction.limit, amount))
        shift += amount * step_along(direction.vector, z_dim, layers, ranges.get(number))
    for edit in state.own:
        shift += edit.amount * step_along(decode_direction(edit.vector), z_dim, layers)
    return shift


def directions_for(model: Model, state: ExplorerState) -> tuple[Direction, ...]:
    """The directions that the state's edits count through; no more are looked for than it takes."""
    if not state.edits:
        return ()
    first = directions_of(model)
    return first if len(state.edits) <= len(first) else all_directions(model)


def edit_shift(model: Model, state: ExplorerState) -> Tensor:
    """What the sliders add to every point, `[size]`. Looks for directions only when one was moved."""
    z_dim, layers = model.config.z_dim, len(model.generator.sides)
    return _shift(state, directions_for(model, state), z_dim, layers)


def labels_for(model: Model, state: ExplorerState, count: int) -> Tensor | None:
    """The state's class `count` times, int64 `[count]`, or None for a generator without classes."""
    if not model.config.classes:
        return None
    return torch.full((count,), min(state.label, model.config.classes - 1), dtype=torch.int64)


def latent(model: Model, state: ExplorerState) -> Tensor:
    """The state's point for this model: z `[1, z_dim]` or, with styles, all of them (`gan.styles`)."""
    return _point(model, state, directions_for(model, state))


def page_latent(model: Model, state: ExplorerState) -> list[float]:
    """The state's z as numbers that the page shows, to 0.01; zeros where only its styles are known."""
    z = known_z(model, state)
    z = torch.zeros(1, model.config.z_dim) if z is None else z
    return [round(value, DECIMALS) for value in z[0].tolist()]


def render(model: Model, state: ExplorerState) -> Tensor:
    """The state's picture, float `[1, C, H, W]` in [-1, 1]."""
    return model.draw(latent(model, state), labels_for(model, state, 1))


def neighbours(model: Model, state: ExplorerState, count: int = 8) -> list[tuple[ExplorerState, Tensor]]:
    """States near this one with their pictures `[C, H, W]`: the same distance away, each somewhere else.

    A neighbour is the state with other direction edits, so a link to it is short and exact. The way to each
    is a random combination of the directions, drawn from the state itself: a state always has the same ones.
    """
    directions = directions_of(model)
    if not directions:
        return []
    if len(state.edits) > len(directions):
        directions = all_directions(model)
    random = RandomState(zlib.crc32(json.dumps(replace(state, mode="").to_json()).encode()))
    count = min(count, MOST_NEIGHBOURS)
    steps = random.randn(count, len(directions))
    steps *= NEIGHBOUR_STEP / (steps**2).sum(1, keepdims=True) ** 0.5
    edits = [*state.edits, *[0.0] * len(directions)][: len(directions)]
    near = [replace(state, edits=_moved(edits, step, directions)) for step in steps]
    z = torch.cat([_point(model, each, directions) for each in near])
    pictures = model.draw(z, labels_for(model, state, count))
    return list(zip(near, pictures, strict=True))


def _moved(
    edits: Sequence[float], step: Sequence[float], directions: Sequence[Direction]
) -> tuple[float, ...]:
    """The edits after a step, to 0.1, a step that would leave a slider's range taken the other way."""
    moved = []
    for edit, change, direction in zip(edits, step, directions, strict=True):
        there = edit + change if abs(edit + change) <= direction.limit else edit - change
        moved.append(round(float(min(direction.limit, max(-direction.limit, there))), 1) + 0.0)
    return tuple(moved)


def critic_labels(model: Model, state: ExplorerState) -> Tensor | None:
    """What the discriminator is told of the state's picture: its class `[1]` or its attributes `[1, A]`.

    Nothing of a picture whose styles were mixed: nobody knows which attributes it shows.
    """
    if model.config.attributes:
        z = known_z(model, state)
        return None if z is None else chosen(z, model.config.attributes)
    return labels_for(model, state, 1)


def opinion_of(model: Model, state: ExplorerState, picture: Tensor) -> Opinion | None:
    """The discriminator's opinion of a picture `[1, C, H, W]`; None where the checkpoint holds none."""
    opinions = model.opinion(picture, critic_labels(model, state))
    return opinions[0] if opinions else None


def opinion_sentence(model: Model, opinion: Opinion | None) -> str:
    """The opinion in words; it is a comparison, because a logit alone has no meaning."""
    if opinion is None:
        return "This checkpoint came without its discriminator, so there is no opinion on the picture."
    if not model.critic.get("generated") or not model.critic.get("real"):
        return f"The discriminator gives this picture a score of {opinion.logit:.2f}."
    generated, real = round(100 * opinion.above_generated), round(100 * opinion.above_real)
    return (
        f"The discriminator finds this picture more convincing than {generated} % of this generator's "
        f"pictures and {real} % of the real ones."
    )


def opinion_json(model: Model, state: ExplorerState, picture: Tensor) -> dict[str, Any]:
    """The opinion for the page: `sentence`, and the shares `generated` and `real` (0..1) or None."""
    opinion = opinion_of(model, state, picture)
    known = opinion is not None and bool(model.critic.get("generated")) and bool(model.critic.get("real"))
    return {
        "sentence": opinion_sentence(model, opinion),
        "generated": opinion.above_generated if opinion and known else None,
        "real": opinion.above_real if opinion and known else None,
    }


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
    return "From the Hub" if reference.startswith("pulled/") else "Shipped"
