"""How many pictures are enough, said plainly, and where a run of the visitor's own pictures should begin."""

from __future__ import annotations

from gan.datasets import Dataset

COPIES_BELOW = 100
FEW = 2_000
MANY = 10_000
BEGINNING = "cats"
BEGINNING_SIDE = 64


def advice(pictures: int) -> str:
    """What to expect of so many pictures, in one or two sentences for a beginner."""
    if pictures < COPIES_BELOW:
        return (
            f"{pictures} pictures are very few: expect copies of them, and little in between. 500 of one "
            "kind give something new; below 2,000 a run should begin with a checkpoint."
        )
    if pictures < FEW:
        return (
            f"{pictures:,} pictures are few: begin with a checkpoint, which can draw already. The run stops "
            "by itself when it begins to learn them by heart."
        )
    if pictures < MANY:
        return f"{pictures:,} pictures are enough for one kind of thing, seen from one side, such as faces."
    return f"{pictures:,} pictures are plenty."


def beginning_for(dataset: Dataset) -> str:
    """The checkpoint with which a run on these pictures should begin; empty for fresh networks.

    Few pictures of one's own teach a network that can draw already more than one that knows nothing; a
    checkpoint fits only pictures of its size and colours.
    """
    few = len(dataset) < FEW and not dataset.attributes
    fits = tuple(dataset.images.shape[1:]) == (3, BEGINNING_SIDE, BEGINNING_SIDE)
    return BEGINNING if few and fits else ""
