"""A Space from this folder: what it holds, one commit, private, checked; against the loopback Hub."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from checkpoints import deploy
from checkpoints.__main__ import main
from checkpoints.errors import CheckpointError
from tests.space_hub import SpaceHub

Output = pytest.CaptureFixture[str]
README = (deploy.ROOT / "README.md").read_text(encoding="utf-8")
REQUIREMENTS = (deploy.ROOT / "requirements.txt").read_text(encoding="utf-8")
SMALL = {"README.md": b"---\ntitle: x\n---\n", "app.py": b"print()", "weights.safetensors": b"\0" * 600}


@pytest.fixture(scope="module")
def running() -> Iterator[SpaceHub]:
    with SpaceHub() as server:
        yield server


@pytest.fixture
def hub_server(running: SpaceHub, monkeypatch: pytest.MonkeyPatch) -> SpaceHub:
    running.reset()
    monkeypatch.setenv("HF_ENDPOINT", running.url)
    monkeypatch.setenv("HF_TOKEN", "hf_alice")
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", running.url)
    return running


def send(files: dict[str, bytes], repository: str = "alice/atelier", **options: bool) -> deploy.Deployed:
    steps = deploy.deploying(files, repository, "gradio", **options)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def test_only_what_runs_is_sent() -> None:
    files = deploy.app_files()
    assert {"app.py", "README.md", "requirements.txt", "gan/model.py", "style/tab.py"} <= set(files)
    assert "checkpoints/vgg16/encoder.safetensors" in files
    parts = {part for name in files for part in name.split("/")}
    assert not parts & {
        "tests",
        "docs",
        ".git",
        "__pycache__",
        ".ci",
        "requirements-dev.txt",
        "pyproject.toml",
    }
    assert not [name for name in files if name.endswith((".pyc", ".pyi"))]
    assert b"docs/" not in files["README.md"]


def test_requirements_follow_the_hardware() -> None:
    assert "whl/cpu" in deploy.requirements_for(REQUIREMENTS, None)
    assert "whl/cpu" in deploy.requirements_for(REQUIREMENTS, "cpu-upgrade")
    zero = deploy.requirements_for(REQUIREMENTS, "zero-a10g")
    assert "torch>=2.8,<2.12" in zero.splitlines()
    assert zero.count("torch") == 1
    assert deploy.requirements_for(REQUIREMENTS, "t4-small") == REQUIREMENTS


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("---\ntitle", "title", "does not begin with metadata"),
        ("app_file: app.py", "app_file: gone.py", "app_file"),
        ("sdk_version: ", "sdk_version: 9", "another Gradio"),
        ("license: mit\n", "", "lacks license"),
        ("colorTo: pink", "colorTo: mauve", "colorTo"),
        ("short_description: ", "short_description: " + "very " * 20, "at most 60"),
        ("emoji: ", "emoji: [", "metadata"),
    ],
)
def test_front_matter_that_would_not_start_is_refused(old: str, new: str, sentence: str) -> None:
    assert deploy.check_front_matter(README, {"app.py": b""}, REQUIREMENTS)["sdk"] == "gradio"
    with pytest.raises(CheckpointError, match=sentence):
        deploy.check_front_matter(README.replace(old, new, 1), {"app.py": b""}, REQUIREMENTS)


def test_a_space_is_made_private_and_updated_in_one_commit_each(hub_server: SpaceHub) -> None:
    made = send(SMALL)
    repository = hub_server.repositories["alice/atelier"]
    assert repository.private
    assert made.url == f"{hub_server.url}/spaces/alice/atelier"
    assert len(repository.commits) == 2  # the Hub's own first one, and ours
    assert hub_server.files("alice/atelier")["weights.safetensors"] == SMALL["weights.safetensors"]
    assert any(line.startswith("PUT /lfs/") for line in hub_server.requests)

    send({"README.md": SMALL["README.md"], "app.py": b"print(2)"})
    assert len(repository.commits) == 3
    held = hub_server.files("alice/atelier")
    assert held["app.py"] == b"print(2)"
    assert "weights.safetensors" not in held, "what an older version left is deleted"


def test_nothing_of_others_is_overwritten_or_shown(hub_server: SpaceHub) -> None:
    hub_server.add("alice/blog", {"index.html": b"<p>", "style.css": b"p {}", "README.md": b""}, private=True)
    with pytest.raises(CheckpointError, match="something else"):
        send(SMALL, "alice/blog")
    hub_server.add("alice/atelier", SMALL, private=False)
    with pytest.raises(CheckpointError, match="public"):
        send(SMALL)
    send(SMALL, private=False)
    with pytest.raises(CheckpointError, match="may not write"):
        send(SMALL, "bob/atelier")


def test_a_failed_upload_leaves_the_space_as_it_was(hub_server: SpaceHub) -> None:
    send(SMALL)
    before = hub_server.files("alice/atelier")
    hub_server.fail("POST .*/commit/", 500, times=9)
    with pytest.raises(CheckpointError, match="trouble"):
        send({**SMALL, "app.py": b"print(3)"})
    assert hub_server.files("alice/atelier") == before


def test_where_the_hub_wants_money_the_free_ways_are_named(hub_server: SpaceHub) -> None:
    hub_server.fail("POST /api/repos/create", 402)
    with pytest.raises(CheckpointError, match="zero-a10g"):
        send(SMALL)


def test_the_command_deploys_this_very_program(hub_server: SpaceHub, capsys: Output) -> None:
    assert main(["deploy", "atelier", "--public", "--hardware", "cpu-basic"]) == 0
    printed = capsys.readouterr()
    assert printed.out == f"{hub_server.url}/spaces/alice/atelier\n"
    assert "Uploading" in printed.err
    held = hub_server.files("alice/atelier")
    assert held["app.py"] == Path(deploy.ROOT, "app.py").read_bytes()
    assert not hub_server.repositories["alice/atelier"].private


def test_an_update_keeps_to_the_hardware_that_the_space_has(hub_server: SpaceHub) -> None:
    def torch_of() -> str:
        return hub_server.files("alice/atelier")["requirements.txt"].decode()

    assert main(["deploy", "atelier", "--hardware", "zero-a10g"]) == 0
    assert hub_server.repositories["alice/atelier"].hardware == "zero-a10g"
    assert deploy.ZERO_TORCH in torch_of()
    assert main(["deploy", "alice/atelier"]) == 0
    assert deploy.ZERO_TORCH in torch_of()
    assert "whl/cpu" not in torch_of()
    assert main(["deploy", "alice/atelier", "--hardware", "cpu-basic"]) == 0
    assert "whl/cpu" in torch_of()


def test_a_new_space_of_no_special_hardware_gets_the_cpu_build(hub_server: SpaceHub) -> None:
    assert deploy.hardware_of("spaces/alice/atelier") is None
    assert main(["deploy", "atelier"]) == 0
    assert b"whl/cpu" in hub_server.files("alice/atelier")["requirements.txt"]


def test_an_exported_page_becomes_a_static_space(
    hub_server: SpaceHub, tmp_path: Path, capsys: Output
) -> None:
    from gan.__main__ import main as gan_main

    assert gan_main(["export", "fashion", str(tmp_path / "page"), "--space", "alice/garments"]) == 0
    assert capsys.readouterr().out == f"{hub_server.url}/spaces/alice/garments\n"
    held = hub_server.files("alice/garments")
    assert b"sdk: static" in held["README.md"]
    assert {"index.html", "generator.onnx", "runtime.bin"} <= set(held)
    assert hub_server.repositories["alice/garments"].private
