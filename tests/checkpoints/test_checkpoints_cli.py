"""`python -m checkpoints`: results on stdout, everything else on stderr, exit statuses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from checkpoints import hub, store
from checkpoints.__main__ import main
from tests.checkpoints.conftest import Make
from tests.hub_server import HubServer

ROOT = Path(__file__).resolve().parents[2]
Output = pytest.CaptureFixture[str]


def test_list_tells_reference_kind_and_title(make: Make, capsys: Output) -> None:
    checkpoint = make(title="Small cats")
    assert main(["list"]) == 0
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        *([c.reference, "gan", c.title] for c in store.shipped()),
        [checkpoint.reference, "gan", "Small cats"],
    ]


def test_push_and_pull(
    hub_server: HubServer, make: Make, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_alice")
    checkpoint = make()
    assert main(["push", checkpoint.reference, "small-cats"]) == 0
    printed = capsys.readouterr()
    assert printed.out == f"{hub_server.url}/alice/small-cats\n"
    assert "Uploading" in printed.err
    assert hub_server.repositories["alice/small-cats"].private
    assert "training.safetensors" not in hub_server.files("alice/small-cats")

    assert main(["pull", "https://huggingface.co/alice/small-cats", "--revision", "main"]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("private/")
    assert "Downloading" in printed.err
    assert (store.find_anywhere("alice/small-cats").folder / "generator.safetensors").read_bytes() == (
        checkpoint.folder / "generator.safetensors"
    ).read_bytes()


def test_push_can_be_public_and_hold_the_training_state(
    hub_server: HubServer, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_alice")
    folder = str(make().folder)
    assert main(["push", folder, "alice/cats", "--public", "--training"]) == 0
    assert not hub_server.repositories["alice/cats"].private
    assert "training.safetensors" in hub_server.files("alice/cats")


def test_card_is_printed(make: Make, capsys: Output) -> None:
    assert main(["card", make().reference, "--repository", "alice/cats"]) == 0
    card = capsys.readouterr().out
    assert card.startswith("---\n")
    assert "python -m checkpoints pull alice/cats" in card


@pytest.mark.parametrize(
    "arguments",
    [
        ["pull", "nothing"],
        ["pull", "alice/cats"],
        ["card", "nothing"],
        ["card", "runs/" + "0" * 32],
        ["push", "nothing", "alice/cats"],
    ],
)
def test_a_mistake_is_one_line_and_status_2(
    hub_server: HubServer, arguments: list[str], capsys: Output
) -> None:
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    last = printed.err.splitlines()[-1]
    assert last.endswith((".", "/settings/tokens."))
    assert "Traceback" not in printed.err


def test_no_network_is_one_line_and_status_2(
    make: Make, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_alice")
    for arguments in (["pull", "alice/cats"], ["push", make().reference, "alice/cats"]):
        assert main(arguments) == 2
        printed = capsys.readouterr()
        assert "cannot be reached" in printed.err
        assert "hf_alice" not in printed.err


def test_ctrl_c_is_status_130(make: Make, capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(hub, "pulling", interrupted)
    assert main(["pull", "alice/cats"]) == 130
    assert "Interrupted" in capsys.readouterr().err


def test_the_module_runs_without_importing_gradio_or_the_hub() -> None:
    program = (
        "import sys; from checkpoints.__main__ import main; main(['list']); "
        "print([m for m in ('gradio', 'huggingface_hub') if m in sys.modules], file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0
    assert ended.stderr.splitlines()[-1] == "[]"


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["pull"]])
def test_wrong_usage_is_status_2(arguments: list[str], capsys: Output) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: python -m checkpoints" in capsys.readouterr().err


def test_it_runs_as_a_module() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "checkpoints", "--help"], cwd=ROOT, capture_output=True, text=True
    )
    assert ended.returncode == 0
    assert "pull" in ended.stdout
