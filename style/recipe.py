"""The recipe: every control of a stylisation, defined once for the page, the command line and saved files."""

from __future__ import annotations

import json
import math
from dataclasses import Field, asdict, dataclass, field, fields
from typing import Any, Literal

from style.errors import StyleError

MOST_PAINTINGS = 4


def _number(default: float, minimum: float, maximum: float, step: float, label: str, info: str) -> Any:
    kind = {"minimum": minimum, "maximum": maximum, "step": step}
    return field(default=default, metadata={"label": label, "help": info, **kind})


def _several(minimum: float, maximum: float, step: float, label: str, info: str) -> Any:
    kind = {"minimum": minimum, "maximum": maximum, "step": step, "most": MOST_PAINTINGS}
    return field(default=(), metadata={"label": label, "help": info, **kind})


def _choice(default: str, choices: tuple[str, ...], label: str, info: str) -> Any:
    return field(default=default, metadata={"label": label, "help": info, "choices": choices})


@dataclass(frozen=True)
class Recipe:
    """All that is needed to make a stylised picture again, besides the photo and the painting.

    Each field's metadata holds a label, a sentence of help and either choices or a range.

    Raises:
        StyleError: if a value has the wrong type or lies outside its range.
    """

    mode: Literal["instant", "studio", "lesson"] = _choice(
        "studio",
        ("instant", "studio", "lesson"),
        "Mode",
        "Instant paints at once; the studio works from coarse to fine for as long as you let it; the lesson "
        "repeats the course notebook step by step.",
    )
    lesson_run: Literal["a", "b", "c"] = _choice(
        "c",
        ("a", "b", "c"),
        "Lesson run",
        "Which run of the notebook: a rebuilds the photo, b adds the painting, c smooths as well.",
    )
    lesson_pace: Literal["notebook", "quick"] = _choice(
        "notebook",
        ("notebook", "quick"),
        "Pace of the lesson",
        "The notebook's own Adam, or L-BFGS: the same losses from the same start in a tenth of the steps.",
    )
    size: int = _number(
        512,
        128,
        2048,
        64,
        "Size",
        "Longer side in pixels. Twice the size takes four times the work.",
    )
    seconds: int = _number(
        60, 5, 900, 5, "Time budget", "Seconds to paint. 30 gives a first impression, 120 finer strokes."
    )
    content_weight: float = _number(
        1.4, 0.0, 10.0, 0.1, "Keep the photo", "Higher keeps shapes and faces; 0 paints pure texture."
    )
    style_weight: float = _number(
        30.0,
        0.0,
        100.0,
        1.0,
        "Follow the painting",
        "Higher brings more of its brush strokes and colours.",
    )
    variation_weight: float = _number(
        10.0, 0.0, 200.0, 5.0, "Smoothness", "Higher irons out grain; too much looks like watercolour."
    )
    edge_weight: float = _number(
        0.5, 0.0, 3.0, 0.1, "Keep lines", "Higher keeps the photo's fine lines, as in faces and lettering."
    )
    style_scale: float = _number(
        1.0, 0.25, 2.0, 0.05, "Brush size", "How large the painting's strokes are beside the photo."
    )
    strokes: float = _number(
        0.25,
        0.0,
        1.5,
        0.05,
        "Strokes",
        "How strongly the painting's strokes fill quiet areas at once. 0 leaves them clear.",
    )
    weights: tuple[float, ...] = _several(
        0.0, 1.0, 0.05, "Mix", "How much each painting counts; none given mixes all alike."
    )
    start: Literal["both", "instant", "photo", "noise"] = _choice(
        "both",
        ("both", "instant", "photo", "noise"),
        "Start from",
        "Both: the photo with colours and large shapes of the instant picture. The instant picture is "
        "bolder, the photo more of itself; noise lets the painting decide.",
    )
    seed: int = _number(0, 0, 2**31 - 1, 1, "Seed", "Another number gives other noise to start from.")
    steps: int = _number(
        0,
        0,
        2000,
        1,
        "Steps per scale",
        "Steps on each scale; 0 lets the time budget decide.",
    )

    colours: Literal["painting", "photo", "palette"] = _choice(
        "painting",
        ("painting", "photo", "palette"),
        "Colours",
        "As painted, those of the photo, or nothing but the painting's palette on the photo.",
    )
    brightness: Literal["painting", "photo"] = _choice(
        "painting",
        ("painting", "photo"),
        "Brightness",
        "As painted, or as light and as rich in contrast as the photo.",
    )
    strength: float = _number(
        1.0, 0.0, 1.0, 0.05, "Strength", "How much of the painted picture lies over the photo."
    )

    def __post_init__(self) -> None:
        if isinstance(self.weights, list):
            object.__setattr__(self, "weights", tuple(self.weights))
        for item in fields(self):
            _check(item, getattr(self, item.name))

    def to_json(self) -> str:
        """Returns the recipe as one JSON object with a key for each field."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> Recipe:
        """Reads what `to_json` wrote; absent fields take their defaults.

        Raises:
            StyleError: if it is not such an object, or names an unknown field, or a value is not allowed.
        """
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise StyleError("This recipe is not valid JSON; please use one that was saved here.") from error
        if not isinstance(values, dict):
            raise StyleError("A recipe is a JSON object; please use one that was saved here.")
        if unknown := sorted(set(values).difference(item.name for item in fields(cls))):
            raise StyleError(f"A recipe has no setting {unknown[0]!r}; please remove it.")
        return cls(**values)


def _check(item: Field[Any], value: object) -> None:
    """Raises StyleError unless `value` fits the field's type and its choices or range."""
    metadata = item.metadata
    if choices := metadata.get("choices"):
        if value not in choices:
            raise StyleError(f"The setting {item.name} must be one of {', '.join(choices)}.")
        return
    low, high = metadata["minimum"], metadata["maximum"]
    if most := metadata.get("most"):
        if isinstance(value, tuple) and len(value) <= most and all(_lies(each, low, high) for each in value):
            return
        raise StyleError(f"The setting {item.name} must be at most {most} numbers from {low} to {high}.")
    whole = isinstance(item.default, int)
    if (whole and not isinstance(value, int)) or not _lies(value, low, high):
        kind = "a whole number" if whole else "a number"
        raise StyleError(f"The setting {item.name} must be {kind} from {low} to {high}.")


def _lies(value: object, low: float, high: float) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return math.isfinite(value) and low <= value <= high
