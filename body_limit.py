"""Bounds what a request may send before anybody reads it: a size, and how long it may stay silent."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MEBIBYTE = 1 << 20
# A zip of own pictures and a few photos; everything else is numbers, and one sheet of favourites.
MOST_UPLOADED = 300 * MEBIBYTE
MOST_ELSEWHERE = 16 * MEBIBYTE
LONGEST_SILENCE = 60.0
TOO_LARGE = "This is more than is taken at once; send less."
TOO_SLOW = "Nothing has arrived for a minute; please send it again."


class _GoneError(Exception):
    """Whoever sent the body has hung up: nobody is there for an answer, and it is nothing to log."""


class _RefusedError(Exception):
    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


class BodyLimit:
    """An ASGI middleware. It answers 413 to what is too large and 408 to who falls silent in the middle.

    Args:
        silence: seconds without a byte before the end of a body.
    """

    def __init__(self, app: ASGIApp, silence: float = LONGEST_SILENCE) -> None:
        self._app, self._silence = app, silence

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = MOST_UPLOADED if scope["path"].rstrip("/").endswith("/upload") else MOST_ELSEWHERE
        body = _Body(receive, most, self._silence)
        started = False

        async def noticing(message: Message) -> None:
            nonlocal started
            started = True
            # Whoever reads a body may turn our refusal into an answer of its own.
            if body.refused is not None and message["type"] == "http.response.start":
                message = {**message, "status": body.refused.status}
            await send(message)

        try:
            body.check_promise(dict(scope["headers"]).get(b"content-length", b"0"))
            await self._app(scope, body.receive, noticing)
        except (_GoneError, _RefusedError, ExceptionGroup):
            # What is raised inside another middleware's tasks arrives in a group.
            if body.gone:
                return
            if body.refused is None:
                raise
            if not started:
                refused = body.refused
                await JSONResponse({"detail": refused.sentence}, refused.status)(scope, receive, send)


class _Body:
    """A request's body, counted while it is read."""

    def __init__(self, receive: Receive, most: int, silence: float) -> None:
        self._receive, self._most, self._silence = receive, most, silence
        self._size, self._whole = 0, False
        self.refused: _RefusedError | None = None
        self.gone = False

    def check_promise(self, length: bytes) -> None:
        """Raises _RefusedError when the request says that it is too large."""
        if length.isdigit() and int(length) > self._most:
            raise self._refuse(413, TOO_LARGE)

    async def receive(self) -> Any:
        """The next part; behind the last one there is silence for as long as the answer takes."""
        if self._whole:
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), self._silence)
        except TimeoutError:
            raise self._refuse(408, TOO_SLOW) from None
        if message["type"] == "http.disconnect":
            self.gone = True
            raise _GoneError
        self._size += len(message.get("body", b""))
        self._whole = not message.get("more_body", False)
        if self._size > self._most:
            raise self._refuse(413, TOO_LARGE)
        return message

    def _refuse(self, status: int, sentence: str) -> _RefusedError:
        self.refused = _RefusedError(status, sentence)
        return self.refused
