"""What a network and a training run are made of: frozen dataclasses that feed JSON, command line and page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, asdict, dataclass, field, fields, replace
from typing import Any, TypeVar

from gan.errors import GanError

# Those whose weights are stored at one length and whose scale their layers know.
EQUALISED = ("progressive", "multiscale")
ARCHITECTURES = (
    "compact",
    "swift",
    "style",
    "progressive",
    "multiscale",
    "dcgan",
    "mlp",
)
# Those that can be told attributes; the others are the lesson's.
OWN_ARCHITECTURES = (
    "compact",
    "swift",
    "style",
    "progressive",
    "multiscale",
)
# Those whose latent space can be laid out before training; w of a style-based one is laid out by learning.
LAID_OUT_ARCHITECTURES = tuple(name for name in OWN_ARCHITECTURES if name != "style")
# Networks of others, which are pulled and explored (gan.foreign).
FOREIGN_ARCHITECTURES = ("transposed",)
PLAN_ENTRY = 4
MOST_PLANNED = 12 * PLAN_ENTRY
LOSSES = ("relativistic", "soft-hinge", "hinge", "bce", "least-squares")
PENALTIES = ("none", "r1", "r1+r2")
RESOLUTIONS = (28, 32, 64)
FOREIGN_RESOLUTIONS = (16, 128, 256)
INITIALISATIONS = ("default", "normal")
UPSAMPLINGS = ("bilinear", "transposed")
ACTIVATIONS = ("default", "leaky-relu", "relu")
OUTPUTS = ("tanh", "linear")
MOST_ATTRIBUTES = 16
MOST_LAYOUT_NUMBERS = 1 << 24

Configuration = TypeVar("Configuration", "NetworkConfig", "TrainConfig")


def setting(
    default: Any,
    help: str,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[Any, ...] | None = None,
    most: int = MOST_ATTRIBUTES,
) -> Any:
    """A dataclass field whose default, explanation and limits the command line and the page both read."""
    metadata = {"help": help, "minimum": minimum, "maximum": maximum, "choices": choices, "most": most}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class NetworkConfig:
    """Sizes of a generator and its discriminator; the same numbers rebuild both from a checkpoint."""

    architecture: str = setting("compact", "kind of network", choices=ARCHITECTURES + FOREIGN_ARCHITECTURES)
    resolution: int = setting(
        64, "height and width of a picture in pixels", choices=RESOLUTIONS + FOREIGN_RESOLUTIONS
    )
    channels: int = setting(3, "1 for grey pictures, 3 for colour", choices=(1, 3))
    z_dim: int = setting(
        64,
        "length of the latent vector: longer leaves more to choose, shorter learns sooner; it follows "
        "where the space is laid out",
        2,
        512,
    )
    width: int = setting(
        16, "channels at half the picture's resolution: wider draws finer and takes longer", 4, 128
    )
    critic_width: int = setting(
        0,
        "the same for the discriminator, 0 for as many: a wider one judges better, and wins more easily",
        0,
        128,
    )
    classes: int = setting(0, "number of classes that the generator is told, 0 for none", 0, 1000)
    attributes: tuple[int, ...] = setting(
        (), "values of each attribute that the latent vector chooses among (not the lesson's)", 2, 100
    )
    components: int = setting(
        0,
        "principal components of the pictures that the latent vector stands for: more keep more "
        "detail; 0 for a space that is not laid out",
        0,
        128,
    )
    halvings: int = setting(
        0,
        "how often the pictures are halved into parts of the space that is laid out: more parts fit "
        "closer, each to fewer pictures",
        0,
        8,
    )
    gain: float = setting(
        1.0,
        "factor of the discriminator's output: more lets one with spectral normalisation be surer",
        0.1,
        100,
    )
    spectral: bool = setting(
        False, "spectral normalisation in the discriminator: it cannot become much too sure"
    )
    batch_norm: bool = setting(
        False,
        "batch normalisation in the discriminator: it compares the pictures of a batch, so that "
        "sameness gives fakes away; a step takes longer",
    )
    designed_norm: bool = setting(
        True,
        "batch normalisation where the design has it: in the generator, in the DCGAN also in the "
        "discriminator; without it the start is slow and pictures soon look alike",
    )
    activation: str = setting(
        "default",
        "what the generator does with numbers below 0: leaky-relu keeps a fifth of them, relu nothing; "
        "default is relu in the DCGAN, else leaky-relu",
        choices=ACTIVATIONS,
    )
    critic_activation: str = setting(
        "default",
        "the same for the discriminator: with relu it tells the generator nothing where it is silent; "
        "default is leaky-relu",
        choices=ACTIVATIONS,
    )
    output: str = setting(
        "tanh",
        "how pictures end: tanh bends every pixel into the range of real ones; linear lets them leave "
        "it, which gives fakes away, and what leaves it is cut off when it is shown",
        choices=OUTPUTS,
    )
    dropout: float = setting(
        0.0,
        "share of its last features that the discriminator does without, others each time: more makes "
        "it weaker, and slower to learn pictures by heart",
        0,
        0.9,
    )
    initialisation: str = setting(
        "default",
        "how weights begin: at the usual size, or normal, N(0, 0.02), near zero: a slow start, and "
        "without norm layers pictures may stay alike",
        choices=INITIALISATIONS,
    )
    upsampling: str = setting(
        "bilinear",
        "how the generator doubles: bilinear is smooth, transposed convolutions may leave a chequer",
        choices=UPSAMPLINGS,
    )
    plan: tuple[int, ...] = setting(
        (),
        "outputs, kernel, stride and padding of each layer, one after the other (transposed)",
        0,
        4096,
        most=MOST_PLANNED,
    )
    slope: float = setting(0.0, "what is left of a number below 0 between the layers (transposed)", 0, 0.9)


@dataclass(frozen=True)
class TrainConfig:
    """One training run. Stops at whichever of `seconds` and `steps` comes first; 0 means no limit."""

    network: NetworkConfig = field(default_factory=NetworkConfig)
    seconds: float = setting(60.0, "time budget in seconds of training, 0 for none", 0, 1e6)
    steps: int = setting(
        0, "stop after so many steps, where the time has not ended before; 0: by the time alone", 0, 10**9
    )
    batch: int = setting(16, "pictures in one step: more make steadier and slower steps", 2, 1024)
    loss: str = setting(
        "relativistic",
        "the question of the game: relativistic compares real with generated pictures and seldom "
        "collapses; bce asks of each whether it is real, as in the lesson; hinge leaves alone what is "
        "clearly right",
        choices=LOSSES,
    )
    penalty: str = setting(
        "r1+r2",
        "keeps the discriminator's slopes gentle, around real pictures (r1) or around all (r1+r2): the "
        "game calms down, and a step takes longer; none lets it swing",
        choices=PENALTIES,
    )
    gamma: float = setting(
        2.0, "strength of the gradient penalty: more calms the game, too much blurs it", 0, 1000
    )
    penalty_share: float = setting(
        0.25, "share of each batch on which the penalty is estimated: less is faster and rougher", 0, 1
    )
    at_once: bool = setting(
        True,
        "both players learn from one look at a batch, where the loss allows it: faster than taking turns",
    )
    generator_lr: float = setting(
        2e-3, "learning rate of the generator: lower when samples look alike or jump", 1e-6, 0.1
    )
    discriminator_lr: float = setting(
        1e-3, "learning rate of the discriminator: lower when D(G(z)) stays near 0", 1e-6, 0.1
    )
    discriminator_steps: int = setting(
        1, "steps of the discriminator in each step of the generator: more when D(G(z)) stays high", 1, 10
    )
    skip_below: float = setting(
        0.0,
        "the discriminator does not learn while its loss is below this, so that it cannot run away",
        0,
        100,
    )
    smoothing: float = setting(
        0.0,
        "share of real pictures that the discriminator should doubt (one-sided label smoothing): a "
        "little keeps it from becoming too sure, much lets bad pictures pass",
        0,
        0.5,
    )
    noise: float = setting(
        0.0, "noise on all that the discriminator sees, fading to nothing over the run: a gentler start", 0, 2
    )
    beta1: float = setting(
        0.0,
        "how much of the steps before goes on in each step (momentum): more is smoother and "
        "overshoots, so that the players circle",
        0,
        0.999,
    )
    beta2: float = setting(
        0.99,
        "how long the sizes of earlier steps count (the second average of Adam): nearer to 1 is "
        "steadier, and slower to notice a change",
        0,
        0.9999,
    )
    weight_decay: float = setting(
        0.0,
        "how strongly weights are pulled towards 0 in each step: a little cannot be seen, much keeps "
        "both players from learning",
        0,
        1,
    )
    final_lr: float = setting(
        0.2,
        "share of the learning rates that is left at the end: little lets the pictures settle, 1 keeps "
        "them moving",
        0,
        1,
    )
    likeness: float = setting(
        0.0,
        "how strongly a generated picture is pulled towards the real one of the same attributes or "
        "address: shapes come sooner, and softer",
        0,
        1000,
    )
    naming: float = setting(
        0.0,
        "how much the discriminator also learns to name what real pictures show: what is asked for "
        "shows sooner",
        0,
        100,
    )
    anchored: float = setting(
        1.0,
        "share of each batch drawn from the codes of real pictures: more covers them all sooner, less "
        "practises what lies between",
        0,
        1,
    )
    growth: float = setting(
        0.6,
        "share of the run after which a network that grows has its full size: less grows early, more "
        "gives each size its time",
        0,
        1,
    )
    told: bool = setting(
        True,
        "the networks are told what the labels say: they learn sooner, and Explore can choose what is drawn",
    )
    augment: float = setting(
        0.0,
        "share of pictures that are recoloured, moved and cut before the discriminator sees them: against "
        "learning a few by heart",
        0,
        1,
    )
    only_first: int = setting(
        0,
        "learn from the first so many of the pictures alone, 0 for all: few are soon known by heart",
        0,
        1_000_000,
    )
    frozen: int = setting(
        0,
        "early layers of the discriminator that do not learn, where a run starts from a checkpoint: "
        "more keeps what it knows of edges and colours",
        0,
        4,
    )
    average: float = setting(
        10_000.0, "half-life of the averaged generator in pictures: longer is calmer and later", 1, 1e7
    )
    stop_at_copies: bool = setting(
        True, "own pictures: stop when most generated pictures have become copies, and keep what was before"
    )
    seed: int = setting(
        0,
        "which random numbers the run begins with: other weights, another order. In a running training "
        "another number begins anew, with fresh networks",
        0,
        2**31 - 1,
    )


def setting_choices(field_: Field[Any]) -> tuple[Any, ...] | None:
    """The allowed values of a field made by `setting`, or None where any value within its limits will do."""
    return field_.metadata.get("choices")


def _checked_value(field_: Field[Any], value: Any) -> Any:
    """`value` for `field_`, converted to the default's type. Raises GanError when it does not fit."""
    default: Any = field_.default
    if isinstance(default, tuple):
        return _checked_sizes(field_, value)
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


def _checked_sizes(field_: Field[Any], values: Any) -> tuple[int, ...]:
    low, high, most = (field_.metadata[key] for key in ("minimum", "maximum", "most"))
    whole = isinstance(values, (list, tuple)) and all(type(value) is int for value in values)
    if not whole or len(values) > most or not all(low <= value <= high for value in values):
        raise GanError(
            f"The setting {field_.name} must be a list of at most {most} whole numbers, each from "
            f"{low} to {high}."
        )
    return tuple(values)


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
    made = kind(**checked)
    if isinstance(made, NetworkConfig) and made.attributes:
        _check_attributes(made)
    if isinstance(made, NetworkConfig) and made.components:
        _check_layout(made)
        return kind(**checked | {"z_dim": made.components + made.halvings})
    return made


def _check_attributes(network: NetworkConfig) -> None:
    if network.architecture not in OWN_ARCHITECTURES or network.classes:
        raise GanError("Attributes need a network of our own without classes.")
    if sum(network.attributes) > network.z_dim:
        raise GanError("Attributes need a latent vector with a coordinate for each of their values.")


def _check_layout(network: NetworkConfig) -> None:
    if network.architecture not in LAID_OUT_ARCHITECTURES or network.attributes:
        raise GanError(
            "A latent space that is laid out needs a network of our own without styles and attributes."
        )
    if max(1, network.classes) * 2**network.halvings * network.components**2 > MOST_LAYOUT_NUMBERS:
        raise GanError("A latent space of so many parts and components does not fit; ask for fewer.")


def to_mapping(config: NetworkConfig | TrainConfig) -> dict[str, Any]:
    """The configuration as plain values for JSON."""
    return asdict(config)


LABELS_TELL = ("nothing", "classes", "attributes")
FROM_A_CHECKPOINT = "from-a-checkpoint"

_LESSON = TrainConfig(
    batch=256, loss="bce", penalty="none", told=False, final_lr=1.0, average=5_000.0,
    generator_lr=2e-4, discriminator_lr=2e-4, beta1=0.5, beta2=0.999, weight_decay=8e-9,
)  # fmt: skip


def _laid_out(components: int, halvings: int, **sizes: Any) -> NetworkConfig:
    z_dim = components + halvings
    return NetworkConfig(components=components, halvings=halvings, z_dim=z_dim, **sizes)


_SHORT = {
    "nothing": TrainConfig(network=_laid_out(64, 7, width=32, critic_width=8), batch=8, likeness=30.0),
    "classes": TrainConfig(
        network=_laid_out(64, 5, architecture="swift", width=16, spectral=True, gain=4.0),
        loss="soft-hinge", penalty="none", generator_lr=4e-3, discriminator_lr=2e-3, likeness=30.0,
        naming=1.0, batch=32, anchored=0.5,
    ),
    "attributes": TrainConfig(network=NetworkConfig(width=32, critic_width=8), batch=8, likeness=30.0),
}  # fmt: skip
_LONGER = {
    "nothing": replace(_SHORT["nothing"], batch=16, likeness=20.0),
    "classes": replace(
        _SHORT["classes"],
        network=_laid_out(64, 5, architecture="swift", width=24, spectral=True, gain=4.0),
    ),
    "attributes": replace(_SHORT["attributes"], batch=16, likeness=20.0),
}


# The same games with a style-based generator, whose space is not laid out before training but learned as w.
_STYLED = {
    "nothing": TrainConfig(
        network=NetworkConfig(architecture="style", width=32, critic_width=8), seconds=300.0
    ),
    "classes": TrainConfig(
        network=NetworkConfig(architecture="style", width=16, spectral=True, gain=4.0),
        loss="soft-hinge", penalty="none", generator_lr=4e-3, discriminator_lr=2e-3, seconds=300.0,
    ),
    "attributes": TrainConfig(
        network=NetworkConfig(architecture="style", width=32, critic_width=8), seconds=300.0, likeness=20.0
    ),
}  # fmt: skip


def _longer(**changes: Any) -> dict[str, TrainConfig]:
    return {told: replace(config, **changes) for told, config in _LONGER.items()}


def _lesson(architecture: str) -> dict[str, TrainConfig]:
    network = NetworkConfig(architecture=architecture, z_dim=100)
    return dict.fromkeys(LABELS_TELL, replace(_LESSON, network=network))


def _of_several_scales(architecture: str, **sizes: Any) -> dict[str, TrainConfig]:
    """Five minutes with another network, by the relativistic loss with both penalties for all pictures."""
    sizes = {"architecture": architecture, **sizes}
    # Weights are stored about ten times as large as they are used, so these rates are ten times the others'.
    config = TrainConfig(seconds=300.0, likeness=20.0, generator_lr=0.03, discriminator_lr=0.015)
    return {
        "nothing": replace(config, network=_laid_out(64, 7, **sizes)),
        "classes": replace(config, network=_laid_out(64, 5, **sizes), anchored=0.5),
        "attributes": replace(config, network=NetworkConfig(**sizes)),
    }


# By name, which is a promise, and by what the labels of the pictures tell.
PRESETS: dict[str, dict[str, TrainConfig]] = {
    "in-a-minute": _SHORT,
    "in-five-minutes": _longer(seconds=300.0),
    FROM_A_CHECKPOINT: _longer(seconds=300.0, generator_lr=5e-4, discriminator_lr=5e-4, frozen=2),
    "style-based": _STYLED,
    "growing": _of_several_scales("progressive", width=16),
    "all-scales": _of_several_scales("multiscale", width=16),
    "lesson-dcgan": _lesson("dcgan"),
    "lesson-mlp": _lesson("mlp"),
}


def preset_config(preset: str, labels_tell: str) -> TrainConfig:
    """The settings that a preset means for pictures whose labels tell nothing, classes or attributes.

    With classes the soft hinge and spectral normalisation learn fastest, in colour the relativistic loss with
    both penalties; what each choice gave is in `tests/bench/RESULTS.md`.

    Raises:
        GanError: when there is no such preset.
    """
    if preset not in PRESETS:
        raise GanError(f"There is no recipe {preset!r}; choose one of {', '.join(PRESETS)}.")
    return PRESETS[preset][labels_tell]
