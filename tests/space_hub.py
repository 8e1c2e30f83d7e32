"""The loopback Hub, with Spaces: their routes are those of models under another name."""

from __future__ import annotations

from typing import Any

from tests.hub_server import HubServer


class SpaceHub(HubServer):
    """A Hub that also keeps Spaces, each under `owner/name`."""

    def __init__(self) -> None:
        super().__init__()
        config = self._server.config
        config.app = _spaces_as_models(config.app)


def _spaces_as_models(app: Any) -> Any:
    async def rewritten(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            path = scope["path"].replace("/api/spaces/", "/api/models/", 1)
            if path.startswith("/spaces/"):
                path = path.removeprefix("/spaces")
            scope = {**scope, "path": path, "raw_path": path.encode()}
        await app(scope, receive, send)

    return rewritten
