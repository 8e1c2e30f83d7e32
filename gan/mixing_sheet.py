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
        caption: which pictures it comes from.
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
    heads = [_tile(model, column, f"column, {_origin(column)}") for column in columns]
    corner = Tile("rows ↓ columns →", torch.ones_like(heads[0].picture), None)
    tiles = [corner, *heads]
    for row in rows:
        tiles.append(_tile(model, row, f"row, {_origin(row)}"))
        for column in columns:
            mixed = mixed_state(model, row, column, names)
            tiles.append(_tile(model, mixed, f"{_short(row)} with {_short(column)}"))
    return tiles


def _origin(state: ExplorerState) -> str:
    return "your picture" if state.base or state.corners else f"seed {state.seed}"


def _short(state: ExplorerState) -> str:
    return "yours" if state.base or state.corners else f"{state.seed}"


def _tile(model: Model, state: ExplorerState, caption: str) -> Tile:
    return Tile(caption, render(model, state)[0], state)
