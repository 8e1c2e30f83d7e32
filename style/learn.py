"""Trains the decoder of the instant mode: `python -m style.learn`.

A photo is underpainted, its features are moved to a painting's statistics, decoded, and encoded again. What
comes back is compared

    loss = content + style_weight * style + variation_weight * variation

with what was encoded and with the painting's Gram matrices, as in the studio. At first, and in a share of the
steps after that, the painting is the photo itself, and its pixels have to come back.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional as F

from style import losses
from style.decoder import LEVELS, Decoder
from style.encoder import Encoder, load_encoder
from style.images import read_picture, to_tensor
from style.match import Gaussian, gaussian, match
from style.recipe import Recipe
from style.strokes import underpaint

CONTENT_LAYER = "relu4_1"
STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
_LONGEST = 512


@dataclass(frozen=True)
class Settings:
    """All numbers of a training."""

    steps: int = 6300
    warm_up: int = 1200
    batch: int = 3
    crop: int = 96
    lr: float = 1e-3
    style_weight: float = 10.0
    variation_weight: float = 10.0
    pixel_weight: float = 10.0
    identity: float = 0.1
    average: float = 0.995
    seed: int = 0
    save_every: int = 100


@dataclass(frozen=True, eq=False)
class Target:
    """A painting at one size, and what it asks for."""

    painting: Tensor
    statistics: dict[str, Gaussian]
    grams: dict[str, Tensor]


class Teacher:
    """Photos, paintings and the frozen encoder."""

    def __init__(self, photos: list[Path], paintings: list[Path], settings: Settings) -> None:
        self.encoder: Encoder = load_encoder("replicate")
        self.settings = settings
        self._photos = [_small(path) for path in photos]
        self._paintings = paintings
        self._targets: dict[tuple[Path, int], Target] = {}
        self._random = random.Random(settings.seed)

    def reseed(self, step: int) -> None:
        """Makes the choices of this step the same whether or not the training was interrupted."""
        self._random = random.Random(self.settings.seed * 1_000_003 + step)

    def photo(self) -> Tensor:
        """A photo that is 256 to 512 pixels long, mirrored half of the time, `[1, 3, H, W]`."""
        photo = self._random.choice(self._photos)[None].float() / 255
        scale = self._random.uniform(256, _LONGEST) / max(photo.shape[-2:])
        size = [max(self.settings.crop, round(length * scale)) for length in photo.shape[-2:]]
        photo = F.interpolate(photo, size=size, mode="bicubic", antialias=True).clamp(0, 1)
        return photo.flip(3) if self.chance(0.5) else photo

    def crops(self, picture: Tensor) -> Tensor:
        """Pieces of a picture `[1, 3, H, W]`, `[batch, 3, crop, crop]`."""
        return torch.cat([self._piece(picture) for _ in range(self.settings.batch)])

    def _piece(self, picture: Tensor) -> Tensor:
        side = self.settings.crop
        top, left = (self._random.randint(0, length - side) for length in picture.shape[-2:])
        return picture[..., top : top + side, left : left + side]

    def underpainted(self, photo: Tensor, target: Target) -> Tensor:
        """The photo as the instant mode encodes it, with strokes of any contrast."""
        amount = self._random.uniform(0, 1)
        recipe = Recipe(strokes=amount, seed=self._random.randrange(1 << 30))
        return underpaint(photo, [target.painting], recipe)

    def chance(self, share: float) -> bool:
        """True in this share of the calls."""
        return self._random.random() < share

    def target(self) -> Target:
        """A painting at one of three sizes."""
        path = self._random.choice(self._paintings)
        size = self._random.choice((256, 384, 512))
        if (path, size) not in self._targets:
            self._targets[path, size] = self.describe(to_tensor(read_picture(path), size))
        return self._targets[path, size]

    @torch.no_grad()
    def describe(self, picture: Tensor) -> Target:
        """What a painting `[1, 3, H, W]` asks for."""
        found = self.encoder.features(picture, STYLE_LAYERS)
        grams = {layer: losses.gram_matrix(found[layer]) for layer in STYLE_LAYERS}
        return Target(picture, {level: gaussian(found[level]) for level in LEVELS}, grams)


def _small(path: Path) -> Tensor:
    return (to_tensor(read_picture(path), _LONGEST)[0] * 255).round().to(torch.uint8)


def find_gain(teacher: Teacher, count: int = 24) -> Tensor:
    """Mean activation of each level over some crops, `[3]`."""
    with torch.no_grad():
        crops = [teacher.crops(teacher.photo()) for _ in range(count)]
        found = [teacher.encoder.features(crop, LEVELS) for crop in crops]
    return torch.stack([torch.stack([f[level].mean() for f in found]).mean() for level in LEVELS])


def learn_step(decoder: Decoder, teacher: Teacher, step: int) -> dict[str, Tensor]:
    """The weighted losses of one batch, whose gradients are left in the decoder."""
    if step < teacher.settings.warm_up or teacher.chance(teacher.settings.identity):
        parts = _rebuild(decoder, teacher)
    else:
        parts = _paint(decoder, teacher)
    torch.stack(list(parts.values())).sum().backward()
    return {name: value.detach() for name, value in parts.items()}


def _rebuild(decoder: Decoder, teacher: Teacher) -> dict[str, Tensor]:
    photo = teacher.crops(teacher.photo())
    with torch.no_grad():
        shown = teacher.encoder.features(photo, (*LEVELS, CONTENT_LAYER))
    painted = decoder(_without_details(shown, teacher))
    found = teacher.encoder.features(painted, [CONTENT_LAYER])
    distance = (painted - photo).square().mean().add(1e-4).sqrt()
    return {
        "rebuilt": losses.balanced_content(found[CONTENT_LAYER], shown[CONTENT_LAYER]),
        "pixels": teacher.settings.pixel_weight * distance,
    }


def _paint(decoder: Decoder, teacher: Teacher) -> dict[str, Tensor]:
    settings, target = teacher.settings, teacher.target()
    with torch.no_grad():
        shown = teacher.encoder.features(
            teacher.crops(teacher.underpainted(teacher.photo(), target)), (*LEVELS, CONTENT_LAYER)
        )
        moves = {level: match(gaussian(shown[level]), target.statistics[level]) for level in LEVELS}
        matched = {level: move(shown[level]) for level, move in moves.items()}
    painted = decoder(matched)
    found = teacher.encoder.features(painted, STYLE_LAYERS)
    grams = {layer: losses.gram_matrix(found[layer]).mean(0, keepdim=True) for layer in STYLE_LAYERS}
    return {
        "content": losses.balanced_content(found[CONTENT_LAYER], shown[CONTENT_LAYER]),
        "style": settings.style_weight * losses.balanced_style(grams, target.grams),
        "variation": settings.variation_weight * losses.balanced_variation(painted),
    }


def _without_details(features: dict[str, Tensor], teacher: Teacher) -> dict[str, Tensor]:
    """Leaves out each of the fine levels half of the time.

    Else the finest level alone would rebuild the photo, and the coarser ones would learn nothing.
    """
    kept = dict(features)
    for level in LEVELS[:2]:
        if teacher.chance(0.5):
            kept[level] = torch.zeros_like(kept[level])
    return kept


def learn(teacher: Teacher, out: Path) -> Iterator[dict[str, float]]:
    """Trains until the steps are done; goes on from what lies in `out`."""
    settings = teacher.settings
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        decoder, average = Decoder(), Decoder()
    decoder.gain.copy_(find_gain(teacher))
    optimiser = torch.optim.Adam(decoder.parameters(), lr=settings.lr, betas=(0.9, 0.99))
    begun = _resume(out, decoder, average, optimiser)
    if not begun:
        average.load_state_dict(decoder.state_dict())
    for step in range(begun, settings.steps):
        teacher.reseed(step)
        for group in optimiser.param_groups:
            group["lr"] = settings.lr * min(1, (step + 1) / 100) * _falling(step / settings.steps)
        optimiser.zero_grad()
        parts = learn_step(decoder, teacher, step)
        torch.nn.utils.clip_grad_norm_(decoder.parameters(), 1.0)
        optimiser.step()
        keep = min(settings.average, (step + 1) / (step + 10))
        for mine, theirs in zip(average.state_dict().values(), decoder.state_dict().values(), strict=True):
            mine.lerp_(theirs, 1 - keep)
        yield {"step": step + 1, **{name: float(value) for name, value in parts.items()}}
        if (step + 1) % settings.save_every == 0 or step + 1 == settings.steps:
            _save(out, decoder, average, optimiser, step + 1)


def _falling(share: float) -> float:
    """1, then from the middle on half a cosine down to a tenth."""
    return 1.0 if share < 0.5 else 0.1 + 0.45 * (1 + math.cos(math.pi * (2 * share - 1)))


def _save(out: Path, decoder: Decoder, average: Decoder, optimiser: torch.optim.Adam, step: int) -> None:
    tensors = {f"decoder.{name}": value for name, value in decoder.state_dict().items()}
    tensors |= {f"average.{name}": value for name, value in average.state_dict().items()}
    for index, state in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{index}.{name}": state[name] for name in ("step", "exp_avg", "exp_avg_sq")}
    tensors["step"] = torch.tensor(step)
    save_file({name: value.contiguous().clone() for name, value in tensors.items()}, out / "new.safetensors")
    os.replace(out / "new.safetensors", out / "training.safetensors")
    light = {name: value.half().contiguous() for name, value in average.state_dict().items()}
    save_file(light, out / "new.safetensors")
    os.replace(out / "new.safetensors", out / "decoder.safetensors")


def _resume(out: Path, decoder: Decoder, average: Decoder, optimiser: torch.optim.Adam) -> int:
    path = out / "training.safetensors"
    if not path.exists():
        return 0
    tensors = load_file(path)
    for prefix, network in (("decoder.", decoder), ("average.", average)):
        network.load_state_dict(
            {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
        )
    state = optimiser.state_dict()
    for index in range(len(list(decoder.parameters()))):
        names = ("step", "exp_avg", "exp_avg_sq")
        state["state"][index] = {name: tensors[f"optimiser.{index}.{name}"] for name in names}
    optimiser.load_state_dict(state)
    return int(tensors["step"])


def main() -> int:
    """Trains as the command line says, with a line of losses every 20 steps."""
    parser = argparse.ArgumentParser(prog="python -m style.learn", description=__doc__.split("\n")[0])
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--paintings", type=Path, required=True)
    parser.add_argument("--without", nargs="*", default=[], help="stems of paintings to hold out")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    for name, value in asdict(Settings()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    settings = Settings(**{name: getattr(options, name) for name in asdict(Settings())})
    options.out.mkdir(parents=True, exist_ok=True)
    found = [
        sorted(p for p in folder.iterdir() if p.suffix in _SUFFIXES)
        for folder in (options.photos, options.paintings)
    ]
    paintings = [path for path in found[1] if path.stem not in options.without]
    teacher = Teacher(found[0], paintings, settings)
    began = time.monotonic()
    sums: dict[str, float] = {}
    count: dict[str, int] = {}
    with (options.out / "training-log.jsonl").open("a", encoding="utf-8") as log:
        for row in learn(teacher, options.out):
            for name, value in row.items():
                sums[name] = sums.get(name, 0.0) + value
                count[name] = count.get(name, 0) + 1
            if int(row["step"]) % 20 == 0:
                means = {name: round(sums[name] / count[name], 4) for name in sums if name != "step"}
                line = {"step": int(row["step"]), "seconds": round(time.monotonic() - began), **means}
                log.write(json.dumps(line) + "\n")
                log.flush()
                sums, count = {}, {}
    return 0


if __name__ == "__main__":
    sys.exit(main())
