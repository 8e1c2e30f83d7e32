"""A short name for a state, the same wherever the state is the same."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import blake2b

from gan.explorer import ExplorerState


def key_of(state: ExplorerState) -> str:
    """16 hexadecimal digits from what makes the picture; which sliders are shown (`mode`) does not count."""
    plain = json.dumps(replace(state, mode="directions").to_json(), sort_keys=True)
    return blake2b(plain.encode(), digest_size=8).hexdigest()
