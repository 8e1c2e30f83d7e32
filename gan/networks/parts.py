"""What all generators and discriminators share: how they are called and how they are told a class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from gan.attributes import granted
from gan.config import NetworkConfig
from gan.growth import Growth
from gan.layout import Layout


class Generator(nn.Module):
    """z and an optional class to a picture, in two halves: `stem` (first layer) and `body` (the rest).

    With `attributes` (number of values of each) z itself chooses what is to be seen, see `gan.attributes`;
    with a `layout` z is an address, and the stem gets the code that lies there, see `gan.layout`.
    """

    layout: Layout | None
    # The grid of each layer that can have a style of its own; none where z alone says everything.
    sides: tuple[int, ...] = ()
    several_scales = False

    def __init__(self, config: NetworkConfig, stem: nn.Module, body: nn.Module) -> None:
        super().__init__()
        self.z_dim, self.classes, self.attributes = config.z_dim, config.classes, config.attributes
        self.stem, self.body, self.layout = stem, body, None
        if config.components:
            groups = max(1, config.classes)
            self.layout = Layout(
                config.channels, config.resolution, groups, config.halvings, config.components
            )

    def first_layer(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Activations of the first layer, `[N, features]`, where PCA looks for directions."""
        return self.stem(self._with_class(self.code(z, labels), labels)).flatten(1)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Pictures `[N, C, H, W]`, nominally in [-1, 1], from z `[N, z_dim]` and labels `[N]` (int64)."""
        return self.draw(self.code(z, labels), labels)

    def code(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """What z stands for: the attributes that are granted, the code at an address, or z itself."""
        if self.attributes:
            return granted(z, self.attributes)
        return z if self.layout is None else self.layout(z, labels if self.classes else None)

    def draw(self, code: Tensor, labels: Tensor | None = None) -> Tensor:
        """Pictures `[N, C, H, W]` from what their z stand for."""
        return self.body(self.stem(self._with_class(code, labels)))

    def point(self, z: Tensor, labels: Tensor | None = None, truncation: float = 1.0) -> Tensor:
        """Where z lies in the space that sliders move in, truncated: psi z. It can be drawn like z itself."""
        del labels
        return z * truncation

    def presented(self, code: Tensor, labels: Tensor | None = None) -> Tensor:
        """What the discriminator sees of a picture while both learn; for most networks the picture."""
        return self.draw(code, labels)

    def scales(self, code: Tensor, labels: Tensor | None = None) -> list[Tensor]:
        """Pictures `[N, C, h, w]` of all scales that it draws at once, smallest first; for most one."""
        return [self.draw(code, labels)]

    def grow(self, progress: float, share: float) -> None:
        """Be as large as `gan.growth.grown_after` says; most networks are grown up from the start."""

    @property
    def growth(self) -> Growth | None:
        """How far it has grown; None for a network that does not grow."""
        return None

    def _with_class(self, code: Tensor, labels: Tensor | None) -> Tensor:
        if not self.classes:
            return code
        if labels is None:
            raise ValueError("this generator needs a class for every latent vector")
        return torch.cat([code, one_hot(labels, self.classes).to(code.dtype)], dim=1)


def stem_inputs(config: NetworkConfig) -> int:
    """How many numbers the first layer gets: z or the code for which it stands, and the class."""
    return (config.components or config.z_dim) + config.classes


class Named(NamedTuple):
    """What a discriminator says of pictures that it is also to name.

    Attributes:
        logits: `[N]`.
        scores: what each value of an attribute would add to a logit, gain V_y . h(x), `[N, values]` for every
            attribute. Where classes are told they are the one attribute; where nothing is told there is none.
    """

    logits: Tensor
    scores: list[Tensor]


class Discriminator(nn.Module):
    """A picture and an optional class to one logit: linear head, plus a projection onto the class.

    D(x, y) = gain (a . h(x) + b + V_y . h(x)); Miyato and Koyama 2018 (arXiv 1802.05637). Of pictures whose
    attributes nobody knows it judges the first part alone.
    """

    def __init__(
        self, features: nn.Sequential, head: nn.Module, projection: nn.Module | None = None, gain: float = 1.0
    ) -> None:
        super().__init__()
        self.features, self.head, self.projection, self.gain = features, head, projection, gain
        self.dropout: nn.Module | None = None

    def leave_out(self, share: float) -> None:
        """Do without this share of the last features, others each time, from now on."""
        self.dropout = nn.Dropout(share) if share else None

    def forward(
        self, pictures: Tensor, labels: Tensor | None = None, drop: bool = True, named: bool = False
    ) -> Tensor | Named:
        """Logits `[N]` from pictures `[N, C, H, W]` and labels `[N]` or, of attributes, `[N, A]` (int64).

        Without `drop` no feature is dropped, where two logits are to differ by their pictures alone. `named`
        (for a discriminator that is told labels) tells what the features say of every label, too.
        """
        h = self.features(pictures)
        if self.dropout is not None and drop:
            h = self.dropout(h)
        logits, features = self.gain * self.head(h).flatten(1).squeeze(1), h.flatten(1)
        if named:
            scores = self._names(features)
            return Named(logits + _of_labels(scores, labels), scores)
        if self.projection is not None and labels is not None:
            return logits + self.gain * (self.projection(labels) * features).sum(1)
        if self.projection is not None and not isinstance(self.projection, AttributeEmbedding):
            raise ValueError("this discriminator needs the class of every picture")
        return logits

    def _names(self, features: Tensor) -> list[Tensor]:
        embedding = self.projection
        if isinstance(embedding, AttributeEmbedding):
            sizes, embedding = embedding.sizes, embedding.values
        elif isinstance(embedding, nn.Embedding):
            sizes = [embedding.num_embeddings]
        else:
            return []
        every = torch.arange(sum(sizes), device=features.device)
        return list((self.gain * features @ embedding(every).T).split(sizes, 1))

    def presented(self, real: Tensor) -> Tensor:
        """Real pictures `[N, C, H, W]` the way the generator presents its own (`Generator.presented`)."""
        return real

    def changed(self, pictures: Tensor, change: Callable[[Tensor], Tensor]) -> Tensor:
        """What is presented, after a change of pictures `[N, C, H, W]` such as `gan.augmentation`'s."""
        return change(pictures)

    def grow(self, progress: float, share: float) -> None:
        """As `Generator.grow`."""


def _of_labels(scores: Sequence[Tensor], labels: Tensor | None) -> Tensor | float:
    """What the labels `[N]` or `[N, A]` add to the logits, `[N]`, where each value's part is known."""
    if labels is None:
        return 0.0
    columns = labels.reshape(len(labels), -1, 1).unbind(1)
    added = [each.gather(1, column) for each, column in zip(scores, columns, strict=True)]
    return torch.cat(added, 1).sum(1)


def told_vectors(count: int, features: int) -> nn.Embedding:
    """A vector V_y for each of `count` labels, of length about 1 at first.

    What it adds to a logit is then no louder than what the head says, and it turns faster.
    """
    embedding = nn.Embedding(count, features)
    nn.init.normal_(embedding.weight, 0.0, features**-0.5)
    return embedding


class AttributeEmbedding(nn.Module):
    """Labels `[N, A]` of attributes to the sum of their values' vectors, `[N, features]`."""

    offsets: Tensor

    def __init__(self, sizes: Sequence[int], features: int) -> None:
        super().__init__()
        self.values, self.sizes = told_vectors(sum(sizes), features), list(sizes)
        starts = torch.tensor([0, *sizes[:-1]]).cumsum(0)
        self.register_buffer("offsets", starts, persistent=False)

    def forward(self, labels: Tensor) -> Tensor:
        return self.values(labels + self.offsets).sum(1)


class Reshape(nn.Module):
    """`[N, ...]` to `[N, *shape]`."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(x.shape[0], *self.shape)


def rectifier(choice: str, designed: str = "leaky-relu") -> nn.Module:
    """The activation between layers that a config asks for; "default" is the one of the network's design."""
    kind = designed if choice == "default" else choice
    return nn.ReLU(inplace=True) if kind == "relu" else nn.LeakyReLU(0.2, inplace=True)


def ending(config: NetworkConfig) -> nn.Module:
    """What makes pixels of a generator's last numbers: into (-1, 1), or as they are."""
    return nn.Tanh() if config.output == "tanh" else nn.Identity()


def initialise_normal(module: nn.Module) -> None:
    """DCGAN's start: weights N(0, 0.02), batch norm N(1, 0.02). Radford et al. 2015 (1511.06434)."""
    for part in module.modules():
        if isinstance(part, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
            # With spectral normalisation `weight` is calculated from the first of these.
            weight = next(p for name, p in part.named_parameters() if "weight" in name)
            nn.init.normal_(weight, 0.0, 0.02)
        elif isinstance(part, (nn.BatchNorm1d, nn.BatchNorm2d)):
            nn.init.normal_(part.weight, 1.0, 0.02)
            nn.init.zeros_(part.bias)


def count_parameters(module: nn.Module) -> int:
    """Number of trainable numbers."""
    return sum(p.numel() for p in module.parameters())
