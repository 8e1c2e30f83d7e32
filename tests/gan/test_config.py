from __future__ import annotations

import json
from dataclasses import MISSING, fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan.config import (
    LABELS_TELL,
    PRESETS,
    NetworkConfig,
    TrainConfig,
    from_mapping,
    preset_config,
    setting_choices,
    to_mapping,
)
from gan.errors import GanError


def value_of(setting: Any) -> st.SearchStrategy[Any]:
    if setting.name == "components":
        return st.just(0)  # a space that is laid out binds other settings; it has tests of its own
    choices = setting_choices(setting)
    low, high = setting.metadata["minimum"], setting.metadata["maximum"]
    if choices:
        return st.sampled_from(choices)
    if isinstance(setting.default, tuple):
        return st.just(())  # attributes bind other settings; they have tests of their own
    if isinstance(setting.default, bool):
        return st.booleans()
    if isinstance(setting.default, int):
        return st.integers(low, high)
    return st.floats(low, high)


def settings_of(kind: type) -> dict[str, st.SearchStrategy[Any]]:
    return {f.name: value_of(f) for f in fields(kind) if f.default is not MISSING}


networks = st.builds(NetworkConfig, **settings_of(NetworkConfig))
trainings = st.builds(TrainConfig, network=networks, **settings_of(TrainConfig))


@given(trainings)
def test_every_allowed_config_survives_the_round_trip(config: TrainConfig) -> None:
    assert from_mapping(TrainConfig, to_mapping(config)) == config


@given(st.sampled_from([f for f in fields(TrainConfig) if f.metadata.get("maximum") is not None]))
def test_a_value_outside_its_limits_is_refused_by_name(setting: Any) -> None:
    for value in (setting.metadata["minimum"] - 1, setting.metadata["maximum"] * 2 + 1, float("nan")):
        with pytest.raises(GanError, match=setting.name):
            from_mapping(TrainConfig, {setting.name: value})


@pytest.mark.parametrize(
    "values",
    [
        {"loss": "wasserstein"},
        {"loss": 3},
        {"batch": "many"},
        {"batch": None},
        {"seed": True},
        {"network": {"spectral": 1}},
        {"network": {"resolution": 31}},
        {"network": {"attributes": "3,4"}},
        {"network": {"attributes": [3, 4.0]}},
        {"network": {"attributes": [3, True]}},
        {"network": {"attributes": [3, 1]}},
        {"network": {"attributes": [2] * 17}},
        {"network": {"attributes": [60, 60]}},
        {"network": {"attributes": [3, 4], "classes": 2}},
        {"network": {"attributes": [3, 4], "architecture": "mlp"}},
        {"network": "compact"},
        {"colour": "blue"},
    ],
)
def test_wrong_values_are_refused_with_one_sentence(values: dict[str, Any]) -> None:
    with pytest.raises(GanError) as caught:
        from_mapping(TrainConfig, values)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("values", [None, [], "compact", 3])
def test_only_a_mapping_is_a_configuration(values: Any) -> None:
    with pytest.raises(GanError, match="JSON object"):
        from_mapping(TrainConfig, values)


def test_attributes_survive_json() -> None:
    network = NetworkConfig(attributes=(3, 4))
    document = json.loads(json.dumps(to_mapping(network)))
    assert from_mapping(NetworkConfig, document) == network


@pytest.mark.parametrize("told", LABELS_TELL)
def test_every_recipe_is_a_valid_config(told: str) -> None:
    for preset in PRESETS:
        config = preset_config(preset, told)
        assert from_mapping(TrainConfig, to_mapping(config)) == config
    with pytest.raises(GanError, match="in-a-minute"):
        preset_config("in-a-second", told)


def test_missing_settings_take_their_defaults() -> None:
    assert from_mapping(TrainConfig, {}) == TrainConfig()
    assert from_mapping(TrainConfig, {"network": {"width": 8}}).network == NetworkConfig(width=8)


def test_every_setting_explains_itself() -> None:
    for kind in (NetworkConfig, TrainConfig):
        for setting in fields(kind):
            assert setting.name == "network" or setting.metadata["help"]
