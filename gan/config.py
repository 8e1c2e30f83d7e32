"""What a network and a training run are made of: frozen dataclasses that feed JSON, command line and page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, asdict, dataclass, field, fields, replace
from typing import Any, TypeVar

from gan.errors import GanError

ARCHITECTURES = ("compact", "dcgan", "mlp")
LOSSES = ("relativistic", "hinge", "bce", "least-squares")
PENALTIES = ("none", "r1", "r1+r2")
RESOLUTIONS = (28, 32, 64)

Configuration = TypeVar("Configuration", "NetworkConfig", "TrainConfig")


def setting(
    default: Any,
    help: str,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[Any, ...] | None = None,
) -> Any:
    """A dataclass field whose default, explanation and limits the command line and the page both read."""
    metadata = {"help": help, "minimum": minimum, "maximum": maximum, "choices": choices}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class NetworkConfig:
    """Sizes of a generator and its discriminator; the same numbers rebuild both from a checkpoint."""

    architecture: str = setting("compact", "kind of network", choices=ARCHITECTURES)
    resolution: int = setting(64, "height and width of a picture in pixels", choices=RESOLUTIONS)
    channels: int = setting(3, "1 for grey pictures, 3 for colour", choices=(1, 3))
    z_dim: int = setting(64, "length of the latent vector", 2, 512)
    width: int = setting(32, "channels at half the picture's resolution (compact network)", 4, 128)
    classes: int = setting(0, "number of classes that the generator is told, 0 for none", 0, 1000)
    spectral: bool = setting(False, "spectral normalisation in the discriminator (compact network)")


@dataclass(frozen=True)
class TrainConfig:
    """One training run. Stops at whichever of `seconds` and `steps` comes first; 0 means no limit."""

    network: NetworkConfig = field(default_factory=NetworkConfig)
    seconds: float = setting(60.0, "time budget in seconds of training, 0 for none", 0, 1e6)
    steps: int = setting(0, "number of steps, 0 for none", 0, 10**9)
    batch: int = setting(32, "pictures in one step", 2, 1024)
    loss: str = setting("relativistic", "adversarial loss", choices=LOSSES)
    penalty: str = setting("r1+r2", "gradient penalty on real (r1) and generated (r2)", choices=PENALTIES)
    gamma: float = setting(2.0, "strength of the gradient penalty", 0, 1000)
    generator_lr: float = setting(1e-3, "learning rate of the generator", 1e-6, 0.1)
    discriminator_lr: float = setting(1e-3, "learning rate of the discriminator", 1e-6, 0.1)
    beta1: float = setting(0.0, "Adam's first decay", 0, 0.999)
    beta2: float = setting(0.99, "Adam's second decay", 0, 0.9999)
    weight_decay: float = setting(0.0, "Adam's weight decay", 0, 1)
    final_lr: float = setting(0.2, "share of the learning rates that is left at the end", 0, 1)
    average: float = setting(10_000.0, "half-life of the averaged generator in pictures", 1, 1e7)
    seed: int = setting(0, "seed of weights, order and latent vectors", 0, 2**31 - 1)


def setting_choices(field_: Field[Any]) -> tuple[Any, ...] | None:
    """The allowed values of a field made by `setting`, or None where any value within its limits will do."""
    return field_.metadata.get("choices")


def _checked_value(field_: Field[Any], value: Any) -> Any:
    """`value` for `field_`, converted to the default's type. Raises GanError when it does not fit."""
    default: Any = field_.default
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise GanError(f"The setting {field_.name} must be true or false.")
        return value
    if isinstance(default, str) != isinstance(value, str) or isinstance(value, bool):
        raise GanError(f"The setting {field_.name} has the wrong type; it should look like {default!r}.")
    try:
        value = type(default)(value)
    except (TypeError, ValueError, OverflowError):
        raise GanError(f"The setting {field_.name} should look like {default!r}.") from None
    choices, low, high = (field_.metadata.get(key) for key in ("choices", "minimum", "maximum"))
    if choices is not None and value not in choices:
        raise GanError(f"The setting {field_.name} must be one of {', '.join(map(str, choices))}.")
    if low is not None and not low <= value <= high:
        raise GanError(f"The setting {field_.name} must lie between {low:g} and {high:g}.")
    return value


def from_mapping(kind: type[Configuration], values: Mapping[str, Any]) -> Configuration:
    """A checked configuration from JSON-like values; missing keys take their defaults.

    Raises:
        GanError: on an unknown key, a wrong type, or a value outside its limits.
    """
    if not isinstance(values, Mapping):
        raise GanError("The configuration is not a JSON object.")
    known = {f.name: f for f in fields(kind)}
    unknown = set(values) - set(known)
    if unknown:
        raise GanError(f"The configuration has the unknown setting {sorted(map(str, unknown))[0]!r}.")
    checked: dict[str, Any] = {}
    for name, value in values.items():
        nested = name == "network" and kind is TrainConfig
        if nested and isinstance(value, NetworkConfig):
            checked[name] = value
        elif nested:
            checked[name] = from_mapping(NetworkConfig, value)
        else:
            checked[name] = _checked_value(known[name], value)
    return kind(**checked)


def to_mapping(config: NetworkConfig | TrainConfig) -> dict[str, Any]:
    """The configuration as plain values for JSON."""
    return asdict(config)


LESSON = TrainConfig(
    batch=256, loss="bce", penalty="none", generator_lr=2e-4, discriminator_lr=2e-4,
    beta1=0.5, beta2=0.999, weight_decay=8e-9, final_lr=1.0, average=5_000.0,
)  # fmt: skip

PRESETS: dict[str, TrainConfig] = {
    "compact": TrainConfig(),
    "compact-hinge": TrainConfig(
        network=NetworkConfig(spectral=True), batch=64, loss="hinge", penalty="none",
        generator_lr=2e-3, discriminator_lr=2e-3,
    ),
    "dcgan": replace(LESSON, network=NetworkConfig(architecture="dcgan", z_dim=100)),
    "mlp": replace(LESSON, network=NetworkConfig(architecture="mlp", z_dim=100)),
}  # fmt: skip


def preset_for(data: str, network: str) -> str:
    """The preset that suits a data set best among those of one kind of network.

    With classes to tell, hinge and spectral normalisation learn several times as much in the same seconds as
    the relativistic loss with its penalties (`tests/bench/gan_quality.py`); without classes they collapsed.
    """
    return "compact-hinge" if (data, network) == ("fashion", "compact") else network
