"""A training run as a checkpoint folder and back: everything that going on needs, in safetensors and JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.optim import Adam

from checkpoints import store
from gan.config import NetworkConfig, TrainConfig, from_mapping, to_mapping
from gan.datasets import Dataset, to_unit
from gan.direction_files import save_directions, visitors_directions
from gan.directions import FOUND_BY, FOUND_BY_CODE
from gan.errors import GanError
from gan.model import DISCRIMINATOR, GENERATOR, load_checkpoint, load_tensors, with_prefix
from gan.pictures import grid_image
from gan.state import TrainState, fits, network_for, new_state
from gan.steps import known_labels
from gan.training import preview, preview_latents

TRAINING = "training.safetensors"
# Both generators share it, so it is saved once.
LAYOUT = "layout."
CRITIC_PICTURES = 256
CRITIC_QUANTILES = 41
# More than any training here will ever count to.
LARGEST_COUNT = 10**12


@dataclass(frozen=True)
class Progress:
    """How far a saved run is; the names are those of `TrainState`."""

    step: int
    images_seen: int
    seconds: float
    calm: float
    skipped: int


def save_run(
    folder: Path | str,
    config: TrainConfig,
    state: TrainState,
    dataset: Dataset,
    title: str,
    preset: str = "custom",
) -> store.Checkpoint:
    """Write the run as a checkpoint that can be explored and resumed (atomic; replaces an older one).

    Directions that visitors saved with the older one stay: a generator that goes on learning moves little.
    """
    theirs = visitors_directions(folder, config.network.z_dim)
    document: dict[str, Any] = {
        "format": 1,
        "kind": "gan",
        "title": title,
        "network": to_mapping(config.network),
        "data": {
            "name": dataset.name,
            "title": dataset.title,
            "licence": dataset.licence,
            "attribution": dataset.attribution,
            "classes": list(dataset.classes),
            "attributes": [asdict(attribute) for attribute in dataset.attributes],
            "pictures": len(dataset),
        },
        "training": {
            **{k: v for k, v in to_mapping(config).items() if k != "network"},
            "preset": preset,
            "step": state.step,
            "images_seen": state.images_seen,
            "trained_seconds": round(state.seconds, 1),
        },
        "critic": critic_quantiles(config, state, dataset),
        FOUND_BY: FOUND_BY_CODE,
    }
    training = {
        "config": to_mapping(config),
        "step": state.step,
        "images_seen": state.images_seen,
        "seconds": state.seconds,
        "calm": state.calm,
        "skipped": state.skipped,
    }
    picture = BytesIO()
    grid_image(preview(state), columns=8).save(picture, "PNG")
    tensors = {
        GENERATOR: _plain(state.average.state_dict()),
        DISCRIMINATOR: _plain(state.discriminator.state_dict()),
        TRAINING: _training_tensors(state),
    }
    documents: dict[str, Mapping[str, Any] | bytes] = {
        "training.json": training,
        "preview.png": picture.getvalue(),
    }
    saved = store.save(folder, document, tensors, documents)
    if theirs:
        save_directions(saved.folder, theirs)
    return saved


@torch.inference_mode()
def critic_quantiles(config: TrainConfig, state: TrainState, dataset: Dataset) -> dict[str, list[float]]:
    """Quantiles of the discriminator's logits on real and on the averaged generator's pictures, ascending."""
    trains = state.discriminator.training
    discriminator = state.discriminator.eval()
    count = min(CRITIC_PICTURES, len(dataset))
    index = torch.linspace(0, len(dataset) - 1, count).long()
    known = known_labels(dataset, config)
    real_labels = None if known is None else known[index].to(state.device)
    real = discriminator(to_unit(dataset.images[index]).to(state.device), real_labels)
    z, labels = preview_latents(config.network, count)
    labels = None if labels is None else labels.to(state.device)
    # As they will be shown: a network with a linear end may leave the range.
    drawn = state.average.eval()(z.to(state.device), labels).clamp(-1, 1)
    generated = discriminator(drawn, labels)
    # A run that goes on after saving must not go on with frozen batch statistics.
    discriminator.train(trains)
    levels = torch.linspace(0, 1, CRITIC_QUANTILES, device=state.device)
    both = {"real": real, "generated": generated}
    return {kind: torch.quantile(logits.float(), levels).tolist() for kind, logits in both.items()}


def _plain(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """On the CPU and in standard layout, as safetensors wants them."""
    return {
        name: value.detach().cpu().contiguous(memory_format=torch.contiguous_format).clone()
        for name, value in tensors.items()
    }


def _training_tensors(state: TrainState) -> dict[str, Tensor]:
    tensors = {"random": state.random.get_state()}
    own = state.generator.state_dict().items()
    tensors |= {f"generator.{k}": v for k, v in own if not k.startswith(LAYOUT)}
    for player, optimiser in _optimisers(state):
        for index, values in optimiser.state_dict()["state"].items():
            tensors |= {f"{player}_optimiser.{index}.{k}": v for k, v in values.items()}
    return _plain(tensors)


def _optimisers(state: TrainState) -> list[tuple[str, Adam]]:
    return [
        ("generator", state.generator_optimiser),
        ("discriminator", state.discriminator_optimiser),
    ]


def read_training(checkpoint: store.Checkpoint) -> tuple[TrainConfig, Progress]:
    """The settings of a saved run and how far it is, by its documents alone.

    Raises:
        GanError: when the checkpoint holds no training state, or one that cannot be that of its network.
    """
    if not checkpoint.has(TRAINING) or not checkpoint.has("training.json"):
        raise GanError(f"{checkpoint.title} holds no training state, so it cannot be trained further.")
    document = checkpoint.document("training.json")
    config = from_mapping(TrainConfig, document.get("config", {}))
    if config.network != from_mapping(NetworkConfig, checkpoint.config.get("network", {})):
        raise GanError(f"The training state of {checkpoint.title} is that of another network.")
    return config, _progress_in(document)


def _progress_in(document: Mapping[str, Any]) -> Progress:
    damaged = GanError("This checkpoint's training.json is damaged, so it cannot be trained further.")
    try:
        progress = Progress(
            step=int(document["step"]),
            images_seen=int(document["images_seen"]),
            seconds=float(document["seconds"]),
            calm=float(document.get("calm", 1.0)),
            skipped=int(document.get("skipped", 0)),
        )
    except (KeyError, TypeError, ValueError, OverflowError):
        raise damaged from None
    counters = (progress.step, progress.images_seen, progress.seconds, progress.skipped)
    # No number that is none is between two others.
    if not (all(0 <= count <= LARGEST_COUNT for count in counters) and 0 < progress.calm <= 1):
        raise damaged
    return progress


def load_run(checkpoint: store.Checkpoint) -> tuple[TrainConfig, TrainState]:
    """The config and the complete state of a saved run, ready for `train` to go on.

    Raises:
        GanError: when the checkpoint holds no training state or one of another network.
        CheckpointError: when a file is not what it claims to be.
    """
    config, progress = read_training(checkpoint)
    state = new_state(config)
    tensors = checkpoint.tensors(TRAINING)
    average = checkpoint.tensors(GENERATOR)
    load_tensors(state.average, average, "averaged generator")
    shared = {name: value for name, value in average.items() if name.startswith(LAYOUT)}
    load_tensors(state.generator, shared | with_prefix(tensors, "generator."), "generator")
    load_tensors(state.discriminator, checkpoint.tensors(DISCRIMINATOR), "discriminator")
    for player, optimiser in _optimisers(state):
        values = with_prefix(tensors, f"{player}_optimiser.")
        _load_optimiser(optimiser, values, grows=state.generator.growth is not None)
    try:
        state.random.set_state(tensors["random"])
    except (KeyError, TypeError, RuntimeError):
        raise GanError(
            "This checkpoint's random state is damaged, so it cannot be trained further."
        ) from None
    for name, value in asdict(progress).items():
        setattr(state, name, value)
    return config, state


def network_to_start_from(checkpoint: store.Checkpoint, dataset: Dataset, told: bool = True) -> NetworkConfig:
    """The checkpoint's network, for a run that begins with it and learns from `dataset`.

    Raises:
        GanError: when the pictures have another size, other colours or other labels than the network's.
    """
    network = from_mapping(NetworkConfig, checkpoint.config.get("network", {}))
    expected = network_for(dataset, network, told)
    check_beginning(checkpoint.title, network, expected.resolution, expected.channels, expected.classes)
    if not fits(dataset, TrainConfig(network=network, told=told)):
        raise GanError(f"{checkpoint.title} knows other labels than these pictures have; choose another one.")
    return network


def check_beginning(title: str, network: NetworkConfig, side: int, channels: int, classes: int) -> None:
    """Whether a checkpoint's network draws pictures of this kind. Raises GanError, saying which it draws."""
    if (network.resolution, network.channels, network.classes) != (side, channels, classes):
        raise GanError(
            f"{title} draws pictures of {network.resolution} px, "
            f"{'grey' if network.channels == 1 else 'in colour'}, with {network.classes or 'no'} classes; "
            "choose pictures and a resolution like these, or another checkpoint."
        )


def start_from(state: TrainState, config: TrainConfig, checkpoint: store.Checkpoint) -> None:
    """Give a fresh run the networks of a finished one: both players go on from what visitors see of it.

    Unlike `load_run` this wants no training state, and optimisers, step and settings are the new run's own.

    Raises:
        GanError: when the checkpoint holds no discriminator, or networks of another size or kind.
    """
    model = load_checkpoint(checkpoint)
    if model.discriminator is None:
        raise GanError(f"{checkpoint.title} came without its discriminator, so it cannot be trained further.")
    # Dropout has no weights, and may be changed while a run trains.
    if replace(model.config, dropout=config.network.dropout) != config.network:
        raise GanError(f"{checkpoint.title} has another network than this run.")
    for network in (state.generator, state.average):
        network.load_state_dict(model.generator.state_dict())
    state.discriminator.load_state_dict(model.discriminator.state_dict())
    if state.generator.layout is not None:
        # Other pictures lie elsewhere among the same components.
        state.generator.layout.factors.zero_()


def _load_optimiser(optimiser: Adam, tensors: Mapping[str, Tensor], grows: bool) -> None:
    if not tensors:
        return  # saved before its first step
    parameters = optimiser.param_groups[0]["params"]
    state: dict[int, dict[str, Tensor]] = {}
    for index, parameter in enumerate(parameters):
        values = with_prefix(tensors, f"{index}.")
        if grows and not values:
            continue  # of a scale that is not reached yet
        expected = {"step": torch.Size([]), "exp_avg": parameter.shape, "exp_avg_sq": parameter.shape}
        if {name: value.shape for name, value in values.items()} != expected:
            raise GanError("This checkpoint's optimiser belongs to another network.")
        if (values["exp_avg_sq"] < 0).any() or values["step"] < 0:
            raise GanError("This checkpoint's optimiser is damaged, so it cannot be trained further.")
        moments = ("exp_avg", "exp_avg_sq")
        # In the parameter's own memory layout: the fused optimiser walks through both side by side.
        state[index] = {name: torch.empty_like(parameter).copy_(values[name]) for name in moments}
        state[index]["step"] = values["step"].to(torch.float32)
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
