"""What the pictures of a data set on the Hub show, where it says so: the kinds of a column of labels.

A column of labels holds whole numbers; what they are called stands in the data set's card or in its parquet
files, as the `datasets` library writes it. Nothing of it is trusted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from gan.datasets import Attribute, Dataset
from gan.errors import GanError

MOST_KINDS = 1_000
# A network that is told more than these hears each too seldom to learn what it means.
MOST_TOLD = 100
LONGEST_NAME = 60
USUAL_COLUMNS = ("label", "labels")
NAMED = 5


@dataclass(frozen=True)
class Label:
    """A column of labels: its name, and what its numbers 0, 1, ... are called."""

    column: str
    kinds: tuple[str, ...]


def labels_of_card(card: Any) -> list[Label]:
    """The columns of labels that the metadata of a README describe; of several versions the first."""
    information = _mapping(card).get("dataset_info")
    versions = information if isinstance(information, list) else [information]
    features = _mapping(versions[0]).get("features") if versions else None
    found = []
    for feature in features if isinstance(features, list) else ():
        kind = _mapping(_mapping(feature).get("dtype")).get("class_label")
        found.append(_label(_mapping(feature).get("name"), _mapping(kind).get("names")))
    return [label for label in found if label]


def labels_of_schema(metadata: Mapping[bytes, bytes] | None) -> list[Label]:
    """The columns of labels that a parquet file describes."""
    try:
        document = json.loads((metadata or {}).get(b"huggingface", b"{}"))
    except ValueError:
        return []
    features = _mapping(_mapping(_mapping(document).get("info")).get("features"))
    found = [_label(name, _mapping(feature).get("names")) for name, feature in features.items()]
    return [label for label in found if label]


def _mapping(value: Any) -> Mapping[Any, Any]:
    return value if isinstance(value, Mapping) else {}


def _label(column: Any, names: Any) -> Label | None:
    """A card has its names by their numbers as texts, a file has them as a list."""
    if isinstance(names, Mapping):
        names = [names.get(str(number), names.get(number)) for number in range(len(names))]
    if not isinstance(column, str) or not isinstance(names, list) or not 2 <= len(names) <= MOST_KINDS:
        return None
    kinds = tuple(_plain(name) for name in names)
    return Label(column, kinds) if all(kinds) and len(set(kinds)) == len(kinds) else None


def _plain(name: Any) -> str:
    text = str(name) if isinstance(name, str | int) else ""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:LONGEST_NAME]


def chosen(labels: Sequence[Label], kind: str) -> tuple[Label | None, int | None]:
    """The column that counts, and the number of the one kind that is wanted; without one, the usual column.

    Raises:
        GanError: when no column knows this kind.
    """
    if not kind:
        usual = [label for label in labels if label.column in USUAL_COLUMNS]
        return next(iter([*usual, *labels]), None), None
    for label in labels:
        lower = [each.lower() for each in label.kinds]
        if kind.lower() in lower:
            return label, lower.index(kind.lower())
    if not labels:
        raise GanError("This data set does not say what its pictures show, so no kind can be chosen.")
    raise GanError(f"This data set has no {kind!r}; it has {_some(labels[0].kinds)}.")


def told(dataset: Dataset, label: Label, answers: Sequence[int | None]) -> Dataset:
    """The data set with the kind of each picture, where all are known and differ, less those that none is of.

    Args:
        answers: one for each picture; None, or a number that has no name, where it is not known.
    """
    known = [answer for answer in answers if answer is not None and 0 <= answer < len(label.kinds)]
    present = sorted(set(known))
    if len(known) < len(dataset) or not 2 <= len(present) <= MOST_TOLD:
        return dataset
    numbers = {answer: number for number, answer in enumerate(present)}
    kinds = tuple(label.kinds[answer] for answer in present)
    note = f"They are of {len(kinds)} kinds, and the networks are told which: {_some(kinds)}."
    return replace(
        dataset,
        labels=torch.tensor([[numbers[answer]] for answer in known], dtype=torch.int64),
        attributes=(Attribute(label.column, kinds),),
        condition=label.column,
        note=f"{dataset.note} {note}",
    )


def _some(kinds: Sequence[str]) -> str:
    return ", ".join(kinds) if len(kinds) <= 2 * NAMED else f"{', '.join(kinds[:NAMED])} and others"
