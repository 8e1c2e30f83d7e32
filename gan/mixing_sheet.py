"""A mixing grid with its heads: the columns' own pictures above it, the rows' own before it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gan.explorer import ExplorerState, render
from gan.mixing import mixed_state
from gan.model import Model


@dataclass(frozen=True, eq=False)
class Tile:
    """One picture of a sheet.

    Attributes:
        caption: which seeds it comes from.
        picture: `[C, H, W]` in [-1, 1].
        state: what draws it; None for the empty corner.
    """

    caption: str
    picture: Tensor
    state: ExplorerState | None


def mixing_tiles(
    model: Model, rows: Sequence[ExplorerState], columns: Sequence[ExplorerState], names: Collection[str]
) -> list[Tile]:
    """Corner and columns first, then every row with its own picture before its mixtures."""
    heads = [_tile(model, column, f"column, seed {column.seed}") for column in columns]
    corner = Tile("rows ↓ columns →", torch.ones_like(heads[0].picture), None)
    tiles = [corner, *heads]
    for row in rows:
        tiles.append(_tile(model, row, f"row, seed {row.seed}"))
        for column in columns:
            mixed = mixed_state(model, row, column, names)
            tiles.append(_tile(model, mixed, f"{row.seed} with {column.seed}"))
    return tiles


def _tile(model: Model, state: ExplorerState, caption: str) -> Tile:
    return Tile(caption, render(model, state)[0], state)
