"""The levers of a run: what its visitor has changed since the start, and changes while it trains."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any

from gan.config import TrainConfig
from gan.errors import GanError
from gan.levers import lever_values, value_of, with_levers
from gan.run_files import read_json, read_request, run_folder, write_json
from gan.run_status import status

_CHANGING = Lock()


def levers(run_id: str) -> dict[str, Any]:
    """The levers of a run and the values that are asked for, by name.

    Raises:
        GanError: when there is no such run.
    """
    folder = run_folder(run_id)
    return lever_values(changed_config(folder, read_request(folder).config))


def changed_config(folder: Path, config: TrainConfig) -> TrainConfig:
    """`config` with what `levers.json` in a run's folder changes; the same object where nothing."""
    with suppress(GanError):  # written by `set_lever` alone, which checks; a damaged file changes nothing
        return with_levers(config, read_json(folder / "levers.json"))
    return config


def set_lever(run_id: str, name: str, value: Any) -> None:
    """Change one setting of a run, as `set_levers`."""
    set_levers(run_id, {name: value})


def set_levers(run_id: str, values: Mapping[str, Any]) -> None:
    """Change settings of a run that has not ended; its worker follows before its next step, in all at once.

    Raises:
        GanError: when there is no such run, it has ended, or a value is not allowed.
    """
    folder = run_folder(run_id)
    if not status(run_id).active:
        raise GanError("This run has ended; continue it before you change its levers.")
    with _CHANGING:
        config = with_levers(read_request(folder).config, values)
        moved = {name: value_of(config, name) for name in values}
        changed = {**read_json(folder / "levers.json"), **moved}
        write_json(folder / "levers.json", changed)
