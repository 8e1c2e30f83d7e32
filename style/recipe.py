"""The recipe: every control of a stylisation, defined once for the page, the command line and saved files."""

from __future__ import annotations

import json
import math
from dataclasses import Field, asdict, dataclass, field, fields
from typing import Any, Literal

from style.errors import StyleError


def _number(default: float, minimum: float, maximum: float, step: float, label: str, info: str) -> Any:
    kind = {"minimum": minimum, "maximum": maximum, "step": step}
    return field(default=default, metadata={"label": label, "help": info, **kind})


def _choice(default: str, choices: tuple[str, ...], label: str, info: str) -> Any:
    return field(default=default, metadata={"label": label, "help": info, "choices": choices})


@dataclass(frozen=True)
class Recipe:
    """All that is needed to make a stylised picture again, besides the photo and the painting.

    Each field's metadata holds a label, a sentence of help and either choices or a range.

    Raises:
        StyleError: if a value has the wrong type or lies outside its range.
    """

    mode: Literal["studio", "lesson"] = _choice(
        "studio",
        ("studio", "lesson"),
        "Mode",
        "The studio works from coarse to fine; the lesson repeats the course notebook step by step.",
    )
    lesson_run: Literal["a", "b", "c"] = _choice(
        "c",
        ("a", "b", "c"),
        "Lesson run",
        "Which run of the notebook: a rebuilds the photo, b adds the painting, c smooths as well.",
    )
    size: int = _number(
        512,
        128,
        1024,
        64,
        "Size",
        "Longer side in pixels. Twice the size takes four times the work.",
    )
    seconds: int = _number(
        60, 5, 900, 5, "Time budget", "Seconds to paint. 30 gives a first impression, 120 finer strokes."
    )
    content_weight: float = _number(
        1.0, 0.0, 10.0, 0.1, "Keep the photo", "Higher keeps shapes and faces; 0 paints pure texture."
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
        20.0, 0.0, 200.0, 5.0, "Smoothness", "Higher irons out grain; too much looks like watercolour."
    )
    start: Literal["photo", "noise"] = _choice(
        "photo",
        ("photo", "noise"),
        "Start from",
        "The photo is quicker and keeps more of it; noise lets the painting decide more.",
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
    whole = isinstance(item.default, int)
    fits = isinstance(value, int) if whole else isinstance(value, (int, float))
    if isinstance(value, bool) or not fits or not (math.isfinite(value) and low <= value <= high):  # type: ignore
        kind = "a whole number" if whole else "a number"
        raise StyleError(f"The setting {item.name} must be {kind} from {low} to {high}.")
