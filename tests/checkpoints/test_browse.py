"""The search of the Hub: what is found, in which order, and pictures that are not what they say."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image

from checkpoints import browse, tab_api
from checkpoints.__main__ import main
from checkpoints.errors import CheckpointError
from tests.checkpoints.conftest import preview_png
from tests.hub_server import HubServer

CARD = b"---\ntags:\n- gan\n- latent-atelier\nlicense: cc-by-4.0\n---\n# Hi\n"


def shared(preview: bytes = b"", tags: bytes = CARD) -> dict[str, bytes]:
    return {"README.md": tags, "config.json": b"{}"} | ({"preview.png": preview} if preview else {})


def test_only_this_format_is_found_with_what_its_page_says(hub_server: HubServer) -> None:
    hub_server.add("alice/small-cats", shared(preview_png()))
    hub_server.add("bob/language-model", shared(tags=b"---\ntags: [text]\n---\n"))
    hub_server.add("alice/secret", shared(), private=True)
    hub_server.repositories["alice/small-cats"].likes = 3
    (found,) = browse.search()
    assert (found.repository, found.title, found.author) == ("alice/small-cats", "Small cats", "alice")
    assert (found.likes, found.licence, found.has_preview, found.gated) == (3, "cc-by-4.0", True, False)
    assert found.updated == "2026-01-01"
    assert len(browse.search(token="hf_alice")) == 2


def test_programs_search_as_nobody(hub_server: HubServer) -> None:
    hub_server.add("alice/small-cats", shared(preview_png()))
    hub_server.add("alice/secret", shared(), private=True)
    (found,) = tab_api.search_hub("alice/")
    assert found["repository"] == "alice/small-cats"
    assert found["licence"] == "cc-by-4.0"
    assert set(found).isdisjoint({"private", "has_preview"})
    for wrong in ({"sort": "price"}, {"limit": True}, {"limit": 1.5}, {"words": ["a"]}):
        with pytest.raises(CheckpointError):
            tab_api.search_hub(**wrong)  # type: ignore[arg-type]


def test_words_authors_order_and_limit(hub_server: HubServer) -> None:
    for likes, name in enumerate(("alice/cats", "alice/dogs", "bob/cats-too")):
        hub_server.add(name, shared())
        hub_server.repositories[name].likes = likes
    assert [each.repository for each in browse.search("CATS")] == ["bob/cats-too", "alice/cats"]
    assert {each.repository for each in browse.search("alice/")} == {"alice/cats", "alice/dogs"}
    assert [each.repository for each in browse.search("alice/do")] == ["alice/dogs"]
    assert [each.likes for each in browse.search(limit=2)] == [2, 1]
    assert browse.search("nothing at all") == ()
    for wrong in ({"sort": "price"}, {"limit": 0}, {"limit": 1000}):
        with pytest.raises(CheckpointError):
            browse.search(**wrong)  # type: ignore[arg-type]


def test_names_that_cannot_be_pulled_are_not_shown(hub_server: HubServer) -> None:
    hub_server.add("alice/--<script>", shared())
    assert browse.search() == ()


@pytest.mark.parametrize(
    ("status", "says"),
    [(429, "too many requests"), (503, "has trouble"), (401, "does not accept this token")],
)
def test_trouble_is_one_sentence(hub_server: HubServer, status: int, says: str) -> None:
    hub_server.fail("GET /api/models", status, times=99)
    with pytest.raises(CheckpointError, match=says):
        browse.search()


def test_a_preview_is_made_small_and_carries_nothing_else(hub_server: HubServer) -> None:
    stream = BytesIO()
    Image.linear_gradient("L").resize((900, 600)).save(stream, "PNG", comment="secret")
    hub_server.add("alice/cats", shared(stream.getvalue()))
    (content,) = browse.previews(browse.search())
    assert content is not None
    with Image.open(BytesIO(content)) as picture:
        assert (picture.format, picture.size) == ("JPEG", (320, 213))
    assert b"secret" not in content
    hub_server.requests.clear()
    assert browse.previews(browse.search()) == [content]
    assert hub_server.requests == ["GET /api/models"], "the same picture is not fetched twice"


def bomb() -> bytes:
    """A PNG of a few bytes that says it has 60000 x 60000 pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + chunk


@pytest.mark.parametrize(
    "content",
    [b"<svg onload=alert(1)>", b"GIF89a" + b"\0" * 99, preview_png()[:60], bomb(), b"\x89PNG" * 2_000_000],
    ids=["svg", "gif", "cut", "bomb", "huge"],
)  # fmt: skip
def test_what_is_no_picture_is_not_shown(hub_server: HubServer, content: bytes) -> None:
    hub_server.add("alice/cats", shared(content))
    hub_server.add("bob/cats", shared(preview_png()))
    found = {each.author: each for each in browse.search()}
    assert browse.preview(found["alice"]) is None
    assert browse.preview(found["bob"]) is not None


def test_a_picture_that_fails_once_is_asked_for_again(hub_server: HubServer) -> None:
    hub_server.add("alice/cats", shared(preview_png()))
    hub_server.fail("preview.png", 500)
    (found,) = browse.search()
    assert browse.preview(found) is None
    assert browse.preview(found) is not None


def test_the_command_prints_one_line_each(hub_server: HubServer, capsys: pytest.CaptureFixture[str]) -> None:
    hub_server.add("alice/small-cats", shared())
    assert main(["search", "small"]) == 0
    assert capsys.readouterr().out == "alice/small-cats\t0\tcc-by-4.0\t2026-01-01\n"
    assert main(["search", "nothing"]) == 0
    assert "Nothing was found" in capsys.readouterr().err
    assert main(["search", "--sort", "price"]) == 2
