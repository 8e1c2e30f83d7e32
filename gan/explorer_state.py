"""What makes a picture of the explorer again: a small state that fits into a link, read from anybody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gan.codes import decode_direction, decode_latent
from gan.direction_files import MOST_LAYERS
from gan.errors import GanError
from gan.latent import HIGHEST_SEED

MODES = ("directions", "raw")
MOST_EDITS = 64
HIGHEST_TRUNCATION = 2.0
RAW_LIMIT = 4.0
DECIMALS = 2
PLACE_DECIMALS = 4
MOST_OWN = 8
OWN_LIMIT = 8.0
LONGEST_NAME = 40


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
