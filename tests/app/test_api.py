"""The app for programs: endpoints are named and documented, the README's examples run, agents find tools."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from inspect import isfunction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gradio.utils import get_function_description
from gradio_client import Client, handle_file
from PIL import Image

from checkpoints import tab_api as share_api
from gan import tab_api_lab, tab_api_looks, tab_api_pictures
from gan import tab_api_train as train_api
from style import tab_api as stylise_api

ROOT = Path(__file__).resolve().parents[2]
MODULES = (share_api, tab_api_pictures, tab_api_looks, train_api, tab_api_lab, stylise_api)
NO_TIME_LIMIT = {"timeout": None}
PHOTO = ROOT / "data" / "pictures" / "photos" / "cat.jpg"
CHAPTER = (
    (ROOT / "README.md").read_text(encoding="utf-8").split("## Use it from a program")[1].split("\n## ")[0]
)


@pytest.fixture(scope="module")
def client(app_url: str, tmp_path_factory: pytest.TempPathFactory) -> Client:
    return Client(
        app_url, verbose=False, download_files=str(tmp_path_factory.mktemp("got")), httpx_kwargs=NO_TIME_LIMIT
    )


def test_every_endpoint_says_what_it_does_and_what_it_takes(client: Client) -> None:
    endpoints = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert {"/sample", "/render_state", "/stylise", "/train_start", "/checkpoints", "/pull"} <= set(endpoints)
    for name, told in endpoints.items():
        assert told["description"].endswith("."), name
    functions = {f"/{f.__name__}": f for module in MODULES for f in vars(module).values() if isfunction(f)}
    for name in set(endpoints) - {"/sample"}:  # whose arguments are those of a picture's state
        _, arguments, _ = get_function_description(functions[name])
        arguments.pop("progress", None)
        assert all(arguments.values()), f"{name} does not explain all of {list(arguments)}"


def test_the_readme_names_only_endpoints_that_are_there(client: Client) -> None:
    endpoints = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    named = set(re.findall(r"`(/[a-z_]+)`", CHAPTER)) | set(re.findall(r'api_name="(/\w+)"', CHAPTER))
    assert len(named) > 12
    assert named <= set(endpoints)


def test_the_readme_examples_run(app_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All blocks in one name space, in order, as a reader would type them."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(PHOTO, "photo.jpg")
    names: dict[str, Any] = {}
    blocks = re.findall(r"```python\n(.*?)```", CHAPTER, re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        here = block.replace('"http://127.0.0.1:7860"', f'"{app_url}", httpx_kwargs={NO_TIME_LIMIT}')
        exec(compile(here, "README.md", "exec"), names)
    assert Image.open(names["picture"]).size == (28, 28)
    assert Image.open(names["film"]).n_frames == 16
    assert max(Image.open(names["painted"]).size) == 256
    assert "latent-atelier-recipe" in Image.open(names["painted"]).info
    assert names["sliders"][0]["limit"] > 0


@pytest.mark.parametrize(
    ("name", "values", "sentence"),
    [
        ("/render_state", [{"checkpoint": "../../etc"}], "not the name of a checkpoint"),
        ("/render_state", [{"checkpoint": "cats", "edits": "many"}], "list of at most"),
        ("/film", [[{"checkpoint": "cats"}], "gif", 4], "2 to 12 pictures"),
        ("/mix_pictures", [{"checkpoint": "cats"}, {"checkpoint": "cats"}, ["nose"]], "body"),
        ("/train_start", ["my disk", "in-a-minute"], "fashion"),
        ("/train_start", ["fashion", "in-a-minute", 1, 32, {"batch": "all"}], "batch"),
        ("/train_status", ["0" * 32], "no longer here"),
        ("/train_status", ["../../x"], "no longer here"),
        ("/train_verdict", ["0" * 32], "no longer here"),
        ("/train_break", ["boredom"], "failures that the page offers"),
        ("/train_break", ["divergence", "/etc"], "Choose the pictures first"),
        ("/train_film", ["0" * 32, "exe"], "mp4"),
        ("/train_film", ["../../x"], "no longer here"),
        ("/versus_start", ["nose", "1"], "nose"),
        ("/versus_start", ["batch", "8", "own"], "fashion or cats"),
        ("/versus_status", ["../../x"], "no longer here"),
        ("/search_hub", ["cats", "price"], "Sort by"),
        ("/card", ["/etc/passwd"], "not the name of a checkpoint"),
        ("/pull", ["../../etc/passwd"], "owner/name"),
    ],
)
def test_a_mistake_is_answered_with_a_sentence(
    client: Client, name: str, values: list[Any], sentence: str
) -> None:
    with pytest.raises(Exception, match=sentence):
        client.predict(*values, api_name=name)


def test_a_studio_job_tells_how_far_it_is_and_can_be_cancelled(client: Client) -> None:
    settings = {"size": 256, "seconds": 300}
    job = client.submit(handle_file(PHOTO), ["starry_night"], None, settings, api_name="/stylise")
    while not job.outputs():
        assert not job.done()
    job.cancel()
    # The queue paints one picture at a time: this one has its turn only when the other has ended.
    settings = {"size": 128, "seconds": 5}
    painted = client.predict(handle_file(PHOTO), ["starry_night"], None, settings, api_name="/stylise")
    assert max(Image.open(painted).size) == 128


def test_a_broken_run_gets_a_verdict_and_a_film(client: Client) -> None:
    run_id = client.predict("discriminator too strong", "fashion", api_name="/train_break")["run_id"]
    while True:
        verdicts = client.predict(run_id, api_name="/train_verdict")
        if verdicts[0]["name"] != "too early to say":
            break
        assert client.predict(run_id, api_name="/train_status")["state"] in ("waiting", "running", "finished")
        time.sleep(0.5)
    assert {"healthy", "sentence", "evidence", "remedy", "levers"} <= set(verdicts[0])
    if verdicts[0]["levers"]:
        assert verdicts[0]["name"] in client.predict(run_id, api_name="/train_mend")
    client.predict(run_id, api_name="/train_stop")
    while client.predict(run_id, api_name="/train_status")["state"] in ("waiting", "running"):
        time.sleep(0.5)
    film = client.predict(run_id, "gif", api_name="/train_film")
    assert Image.open(film).n_frames > 1


def test_two_runs_side_by_side_and_one_is_kept(client: Client) -> None:
    run_id = client.predict("generator_lr", "0.0005", api_name="/versus_start")["run_id"]
    while len((now := client.predict(run_id, api_name="/versus_status"))["b"]) < 2:
        assert now["state"] in ("waiting", "running")
        time.sleep(0.5)
    client.predict(run_id, api_name="/train_stop")
    while (now := client.predict(run_id, api_name="/versus_status"))["state"] == "running":
        time.sleep(0.5)
    assert now["a"][-1]["step"] == now["b"][-1]["step"] > 0
    assert [each["name"] for each in now["different"]] == ["generator_lr"]
    mine = client.predict(run_id, "b", "Slow", api_name="/versus_keep")["checkpoint"]
    assert Image.open(client.predict({"checkpoint": mine, "seed": 3}, api_name="/render_state")).size == (
        28,
        28,
    )


def test_what_is_brushed_white_stays_the_photo(client: Client, tmp_path: Path) -> None:
    photo = Image.open(PHOTO).convert("RGB")
    brushed = Image.new("RGBA", photo.size)
    brushed.paste((255, 255, 255, 255), (0, 0, photo.width // 2, photo.height))
    brushed.save(tmp_path / "brushed.png")
    painted = client.predict(
        handle_file(PHOTO),
        ["starry_night"],
        settings={"size": 128},
        brushed=handle_file(tmp_path / "brushed.png"),
        api_name="/stylise_instantly",
    )
    after = np.asarray(Image.open(painted).convert("RGB"), np.float32)
    before = np.asarray(photo.resize(after.shape[1::-1], Image.Resampling.LANCZOS), np.float32)
    apart, middle = np.abs(after - before).mean((0, 2)), after.shape[1] // 2
    assert apart[: middle - 8].max() < 0.2 * apart[middle + 8 :].mean()


def test_a_run_of_the_lesson_and_a_film_of_the_studio(client: Client) -> None:
    photo, settings = handle_file(PHOTO), {"lesson_pace": "quick"}
    job = client.submit(photo, ["starry_night"], None, "b", settings, api_name="/stylise_lesson")
    while not job.outputs():
        assert not job.done()
    job.cancel()
    settings = {"size": 128, "seconds": 5}
    film = client.predict(photo, ["starry_night"], None, settings, kind="gif", api_name="/stylise_film")
    assert Image.open(film).n_frames > 1
    with pytest.raises(Exception, match="mp4"):
        client.predict(photo, ["starry_night"], None, settings, kind="exe", api_name="/stylise_film")
    with pytest.raises(Exception, match="a, b, c"):
        client.predict(photo, ["starry_night"], run="d", api_name="/stylise_lesson")


def test_agents_find_the_endpoints_as_tools(app_url: str) -> None:
    if find_spec("mcp") is None:
        if os.environ.get("CI"):
            pytest.fail("The package mcp is missing; gradio[mcp] brings it.")
        pytest.skip("wants gradio[mcp]")
    # In a thread of its own: the browser of other tests has a loop in this one.
    with ThreadPoolExecutor(1) as pool:
        asked = _ask_as_an_agent(f"{app_url}/gradio_api/mcp/")
        tools, drawn = pool.submit(asyncio.run, asked).result()
    described = {tool.name: tool for tool in tools}
    assert {"render_state", "stylise", "train_start", "checkpoints"} <= set(described)
    assert "seed" in described["sample"].inputSchema["properties"]
    assert all(tool.description for tool in tools)
    assert drawn.content[0].type == "image"


async def _ask_as_an_agent(url: str) -> tuple[Any, Any]:
    from mcp import ClientSession
    from mcp.client.streamable_http import streamablehttp_client

    async with streamablehttp_client(url) as (read, write, _), ClientSession(read, write) as session:
        await session.initialize()
        tools = (await session.list_tools()).tools
        drawn = await session.call_tool("render_state", {"state": {"checkpoint": "cats", "seed": 5}})
        return tools, drawn
