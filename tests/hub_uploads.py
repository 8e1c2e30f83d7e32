"""Uploads to the loopback Hub that are slow, or break off in the middle."""

from __future__ import annotations

import asyncio
from typing import Any


def with_trouble(hub: Any, app: Any) -> Any:
    """The app, but for bodies that are PUT: `hub.slow` waits before each piece, `hub.cut` hangs up."""

    async def troubled(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["method"] != "PUT":
            await app(scope, receive, send)
            return
        line = f"PUT {scope['path']}"
        cut, seconds, arrived = hub.cut_at(line), hub.wait(line), 0

        async def piece() -> Any:
            nonlocal arrived
            await asyncio.sleep(seconds)
            message = await receive()
            arrived += len(message.get("body", b""))
            if cut is not None and arrived > cut:
                # The server's own object of this request knows its connection.
                receive.__self__.transport.abort()
                return {"type": "http.disconnect"}
            return message

        await app(scope, piece, send)

    return troubled
