"""Painting with a GPU that is lent: a ZeroGPU Space has one inside decorated functions alone.

`spaces` must have been imported before torch (`app.py` does it, on such a Space); elsewhere `stylise` is the
plain one. Only painting is worth it: a slider's picture takes less than the way to the GPU, and training runs
in a process of its own, to which none is lent.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

from style import optimise
from style.iterate import Iterate

# Reading the weights and painting the first picture.
BESIDES_SECONDS = 20
MOST_SECONDS = 120


def gpu_seconds(photo: Any, paintings: Any, recipe: Any, **_: Any) -> int:
    """For how long to ask for a GPU; arguments as for `stylise`."""
    wanted = 0 if recipe.mode == "instant" else recipe.seconds
    return min(MOST_SECONDS, BESIDES_SECONDS + wanted)


def _on_a_lent_gpu(function: Callable[..., Iterator[Iterate]]) -> Callable[..., Iterator[Iterate]]:
    spaces = sys.modules.get("spaces")
    if spaces is None:
        return function
    lent: Callable[..., Iterator[Iterate]] = spaces.GPU(duration=gpu_seconds)(function)
    return lent


# Decorated when this is imported: the Space looks for such functions when it starts.
stylise = _on_a_lent_gpu(optimise.stylise)
