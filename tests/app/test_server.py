"""A busy machine may take its time: the server is waited for, and given up only when it has ended."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from gradio import http_server
from gradio.exceptions import ServerFailedToStartError
from starlette.applications import Starlette

import app
import tab_server
from tests.app.conftest import free_port


def server(port: int, seconds: float) -> tab_server.PatientServer:
    @asynccontextmanager
    async def slow(_: Starlette) -> AsyncIterator[None]:
        await asyncio.sleep(seconds)
        yield

    config = uvicorn.Config(Starlette(lifespan=slow), port=port, host="127.0.0.1", log_level="critical")
    return tab_server.PatientServer(config)


def test_a_slow_start_is_waited_for() -> None:
    """Gradio's own patience ends after five seconds."""
    slow = server(free_port(), 5.5)
    slow.run_in_thread()
    assert slow.started
    slow.close()


def test_a_server_that_ends_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(ServerFailedToStartError):
        server(taken.getsockname()[1], 0).run_in_thread()


def test_the_app_starts_patiently(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "Server", http_server.Server)  # put back afterwards
    launched: dict[str, object] = {}
    for background in (app.upkeep, app.allocator):
        monkeypatch.setattr(background, "start", lambda: None)
    monkeypatch.setattr("gradio.Blocks.launch", lambda _, **options: launched.update(options))
    app.main()
    assert launched["_frontend"] is False
    assert http_server.Server is tab_server.PatientServer
