"""The repository as a whole: what README, Space and rules promise must hold."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import yaml
from huggingface_hub import ModelCard

from checkpoints import store
from gan.model import load

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("gan", "style", "checkpoints")
SOURCES = [
    *ROOT.glob("*.py"),
    *(p for name in PACKAGES for p in (ROOT / name).rglob("*.py")),
]


def front_matter() -> dict[str, object]:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text.split("---")[1]))


def test_the_space_runs_what_the_requirements_pin() -> None:
    space = front_matter()
    assert space["sdk"] == "gradio"
    assert (ROOT / str(space["app_file"])).is_file()
    requirements = (ROOT / "requirements.txt").read_text()
    assert f"gradio[mcp,oauth]=={space['sdk_version']}" in requirements
    assert space["hf_oauth"] is True
    assert len(str(space["short_description"])) <= 60


def test_every_picture_and_file_that_the_readme_names_is_there() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for path in re.findall(r"!\[[^]]*]\(([^)]+)\)", text):
        assert (ROOT / path).is_file(), path
    for path in re.findall(r"`((?:data|checkpoints)/[\w./-]+)`", text):
        assert (ROOT / path).exists(), path


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_only_tabs_import_gradio_and_nobody_reads_a_pickle(path: Path) -> None:
    modules = {name.split(".")[0] for name in imports(path)}
    if path.name != "app.py" and not path.name.startswith("tab"):
        assert "gradio" not in modules
    assert "pickle" not in modules
    assert "torch.load(" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("package", "forbidden"), [("checkpoints", ("gan", "style")), ("style", ("gan",))], ids=str
)
def test_imports_run_one_way(package: str, forbidden: tuple[str, ...]) -> None:
    for path in (ROOT / package).glob("*.py"):
        top = {name.split(".")[0] for name in imports(path)}
        assert not top & set(forbidden), path.name


@pytest.mark.parametrize("checkpoint", store.shipped(), ids=lambda c: c.folder.name)
def test_a_shipped_checkpoint_is_complete_and_draws(checkpoint: store.Checkpoint) -> None:
    for name in ("preview.png", "README.md", "training-log.jsonl", "discriminator.safetensors"):
        assert checkpoint.has(name), name
    card = ModelCard.load(checkpoint.folder / "README.md")
    assert card.data.to_dict()["license"] == checkpoint.config["data"]["licence"]
    assert checkpoint.config["data"]["attribution"] in card.text
    assert "python -m gan train" in card.text
    pictures = load(checkpoint.folder.name).sample(seeds=range(16))
    assert pictures.std(axis=0).mean() > 10, "all seeds give the same picture"


def test_two_generators_ship() -> None:
    assert [c.folder.name for c in store.shipped()] == ["cats", "fashion"]
