"""The instant mode on every shipped photo with every shipped painting; run this file.

Scores are those of `style.scores` (texture of the painting, structure of the photo), medians over all pairs,
beside the same decoder fed by AdaIN, by whitening and colouring, and by transport without strokes. Seconds
are given in passes of the encoder to relu3_1 at the same size in the same run, each the median of some turns.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from style import instant  # noqa: E402
from style.decoder import LEVELS, load_decoder  # noqa: E402
from style.encoder import load_encoder  # noqa: E402
from style.images import Picture, read_picture, to_tensor  # noqa: E402
from style.instant import encode  # noqa: E402
from style.match import Matching, gaussian, match  # noqa: E402
from style.scores import Scores, score  # noqa: E402
from style.shipped import paintings, photos  # noqa: E402

STROKES = (0.0, 0.25, 0.5, 1.0)
# Not among the paintings that the decoder was trained with.
HELD_OUT = ("great_wave", "composition_viii", "garden_at_bougival")
Paint = Callable[[Picture, Picture, int], Tensor]


def plain(matching: Matching) -> Paint:
    """The decoder alone: no palette, no strokes, no margin."""

    @torch.inference_mode()
    def paint(photo: Picture, painting: Picture, size: int) -> Tensor:
        encoder = load_encoder("replicate")
        shown, wanted = (encode(encoder, to_tensor(picture, size)) for picture in (photo, painting))
        moved = {
            level: match(gaussian(shown[level]), gaussian(wanted[level]), matching)(shown[level])
            for level in LEVELS
        }
        return load_decoder()(moved).clamp(0, 1)

    return paint


def whole(strokes: float) -> Paint:
    """The instant mode as it is, with strokes of this contrast."""
    return lambda photo, painting, size: instant(photo, [painting], size=size, strokes=strokes)


def tell_scores(size: int) -> None:
    """Prints a row for each way to paint."""
    ways: dict[str, Paint] = {f"decoder, {name}": plain(name) for name in ("adain", "whitening", "transport")}
    ways |= {f"instant, strokes {strokes}": whole(strokes) for strokes in STROKES}
    pictures = [read_picture(item.path) for item in photos()]
    styles = {item.path.stem: read_picture(item.path) for item in paintings()}
    print(f"{len(pictures)} photos x {len(styles)} paintings at {size} px: texture, structure")
    print(f"{'':28}{'all pairs':>16}{'held-out paintings':>22}")
    for name, paint in ways.items():
        found: dict[str, list[Scores]] = {stem: [] for stem in styles}
        for stem, painting in styles.items():
            for photo in pictures:
                painted = paint(photo, painting, size)
                found[stem].append(score(painted, to_tensor(photo, size), [to_tensor(painting, size)]))
        every = [each for scores in found.values() for each in scores]
        unseen = [each for stem in HELD_OUT for each in found[stem]]
        print(f"{name:28}{_median(every):>16}{_median(unseen):>22}", flush=True)


def _median(scores: list[Scores]) -> str:
    texture, structure = (
        statistics.median(getattr(each, name) for each in scores) for name in ("texture", "structure")
    )
    return f"{texture:.2f}  {structure:.2f}"


def tell_seconds(size: int, turns: int) -> None:
    """Prints how long the instant mode takes, with a painting that it knows and with a new one."""
    photo, painting = (read_picture(items()[0].path) for items in (photos, paintings))
    picture, encoder = torch.rand(1, 3, size, size), load_encoder("replicate")
    square = Picture(
        rgb=photo.rgb[: min(photo.rgb.shape[:2]), : min(photo.rgb.shape[:2])], alpha=None, note=""
    )
    style = to_tensor(painting, size)

    @torch.inference_mode()
    def one_pass() -> None:
        encode(encoder, picture)

    def known() -> None:
        instant(square, [painting], size=size)

    def new() -> None:
        instant(square, [torch.lerp(style, torch.rand_like(style), 0.02)], size=size)

    seconds: dict[str, list[float]] = {"one pass": [], "known painting": [], "new painting": []}
    for turn in range(turns + 1):
        for name, work in zip(seconds, (one_pass, known, new), strict=True):
            began = time.perf_counter()
            work()
            if turn:
                seconds[name].append(time.perf_counter() - began)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    for name, value in medians.items():
        print(
            f"{size:>5} px  {name:<16}{value:>7.2f} s{value / medians['one pass']:>7.2f} passes", flush=True
        )


def main() -> None:
    """Prints both tables."""
    parser = argparse.ArgumentParser(description="Measures the instant mode.")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--size", type=int, default=256, help="of the pictures that are scored")
    parser.add_argument("--sizes", type=int, nargs="+", default=[512, 1024], help="of those that are timed")
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    for size in options.sizes:
        tell_seconds(size, options.turns)
    tell_scores(options.size)


if __name__ == "__main__":
    main()
