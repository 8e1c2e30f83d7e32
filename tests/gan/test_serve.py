from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from explorer_helpers import cats_in
from starlette.applications import Starlette
from starlette.testclient import TestClient

from gan import export, serve

WASM = f"/{serve.runtime_address()}/ort-wasm-simd-threaded.wasm"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATELIER_HOME", str(home))
        yield home


@pytest.fixture(scope="module")
def client(home: Path) -> TestClient:
    return TestClient(Starlette(routes=serve.routes()))


@pytest.mark.parametrize("accepted", ["br", "gzip, deflate, br;q=0.8", "GZIP,BR"])
def test_the_runtime_comes_packed_and_is_kept(client: TestClient, accepted: str) -> None:
    with client.stream("GET", WASM, headers={"Accept-Encoding": accepted}) as answer:
        assert answer.headers["content-encoding"] == "br"
        assert answer.headers["content-type"] == "application/wasm"
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["vary"] == "Accept-Encoding"
        assert int(answer.headers["content-length"]) < 3_000_000


@pytest.mark.parametrize("accepted", ["identity", "gzip", "br;q=0", "gzip, br; q=0.0"])
def test_who_does_not_take_brotli_gets_the_file_as_it_is(client: TestClient, accepted: str) -> None:
    answer = client.get(WASM, headers={"Accept-Encoding": accepted})
    assert "content-encoding" not in answer.headers
    assert answer.content[:4] == b"\0asm"


def test_scripts_are_scripts(client: TestClient) -> None:
    answer = client.get(f"/{serve.runtime_address()}/ort.wasm.min.mjs")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert b"ONNX Runtime Web v" + serve.RUNTIME_VERSION.encode() in answer.content
    assert len(serve.runtime_names()) == 3


@pytest.mark.parametrize(
    "path",
    [
        f"/{serve.runtime_address()}/LICENSE",
        f"/{serve.runtime_address()}/..%2f..%2fexplorer.js",
        "/atelier/runtime/0.0.1/ort.wasm.min.mjs",
        "/atelier/model/generator",
        "/atelier/model/generator?checkpoint=../../etc",
        "/atelier/model/generator?checkpoint=vgg16",
        "/atelier/model/training?checkpoint=cats",
    ],
)
def test_what_is_not_there_is_said_in_a_sentence(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.headers.get("cache-control", "no-store") == "no-store"


def test_a_graph_is_kept_under_the_address_of_its_version_only(client: TestClient, home: Path) -> None:
    reference = cats_in(home)
    asked = {"checkpoint": reference, "version": export.version_of(reference)}
    answer = client.get("/atelier/model/generator", params=asked)
    assert answer.content == export.part_bytes(reference, "generator")
    assert "immutable" in answer.headers["cache-control"]
    stale = client.get("/atelier/model/critic", params={**asked, "version": "0"})
    assert (stale.status_code, stale.headers["cache-control"]) == (200, "no-store")
