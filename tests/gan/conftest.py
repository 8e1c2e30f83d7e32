from __future__ import annotations

import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """Networks this small are slower on two threads than on one, and much slower when a core is busy."""
    torch.set_num_threads(1)
