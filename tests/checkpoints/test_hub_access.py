"""Who may read and write at the loopback Hub, whose token is used, and that no token is ever told."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import pytest

from checkpoints import hub, private, store
from checkpoints.errors import CheckpointError
from tests.checkpoints.conftest import Make
from tests.checkpoints.hub_helpers import ALICE, BOB, Files
from tests.hub_server import HubServer

pytestmark = pytest.mark.usefixtures("no_waits")


def test_private_repositories_need_their_owners_token(hub_server: HubServer, repository_files: Files) -> None:
    hub_server.add("alice/secret", repository_files, private=True)
    for token in (False, BOB):
        with pytest.raises(CheckpointError, match="There is no alice/secret on the Hub, or it is private"):
            hub.pull("alice/secret", token=token)
    assert hub.pull("alice/secret", token=ALICE).folder.is_dir()


def test_what_is_not_public_is_its_readers_alone(
    hub_server: HubServer, repository_files: Files, home: Path
) -> None:
    hub_server.add("alice/secret", repository_files, private=True)
    first = hub.pull("alice/secret", token=ALICE)
    with pytest.raises(CheckpointError, match="is not here"):
        store.find("pulled/alice/secret")
    again = hub.pull("alice/secret", token=hub_server.add_user("alice"))
    assert again.reference == first.reference, "another token of the same reader"
    hub_server.publish("alice/secret")
    assert hub.pull("alice/secret", token=BOB).reference == "pulled/alice/secret"

    hub_server.add("alice/gated", repository_files, gated=True)
    hers, digits = hub.pull("alice/gated", token=ALICE), set("0123456789abcdef")
    assert hers.reference != first.reference
    assert set(hers.folder.name) <= digits
    with pytest.raises(CheckpointError, match="gated"):
        hub.pull("alice/gated", token=BOB)
    assert (home / "private" / ".secret").stat().st_mode & 0o077 == 0


def test_what_has_arrived_of_a_gated_one_helps_nobody_else(
    hub_server: HubServer, repository_files: Files, home: Path
) -> None:
    hub_server.add("alice/gated", repository_files, gated=True)
    steps = hub.pulling("alice/gated", token=ALICE)
    while "Checking" not in next(steps).text:
        pass
    steps.close()
    for token in (BOB, False):
        with pytest.raises(CheckpointError, match="gated: ask for access"):
            hub.pull("alice/gated", token=token)  # type: ignore[arg-type]


def test_by_this_machines_login_it_is_found_by_its_name_and_without_a_network(
    hub_server: HubServer, repository_files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub_server.add("alice/secret", repository_files, private=True)
    monkeypatch.setenv("HF_TOKEN", ALICE)
    mine = hub.pull("alice/secret").reference
    assert store.find_anywhere("alice/secret").reference == mine
    assert mine in store.local_references()
    nowhere = "http://127.0.0.1:9"
    assert hub.pull("alice/secret", endpoint=nowhere).reference == mine
    for token in (BOB, False):
        with pytest.raises(CheckpointError, match="cannot be reached"):
            hub.pull("alice/secret", endpoint=nowhere, token=token)  # type: ignore[arg-type]


def test_copies_that_nobody_pulled_for_long_are_cleared_away(
    hub_server: HubServer, repository_files: Files
) -> None:
    hub_server.add("alice/secret", repository_files, private=True)
    copy = hub.pull("alice/secret", token=ALICE)
    os.utime(copy.folder, (1, 1))
    assert hub.pull("alice/secret", token=ALICE).reference == copy.reference
    assert private.remove_old() == 0, "its time began anew"
    os.utime(copy.folder, (1, 1))
    assert private.remove_old() == 1
    assert private.reference_for("alice/secret", "alice") == copy.reference, "the secret stays"
    with pytest.raises(CheckpointError, match="is not here"):
        store.find(copy.reference)


def test_gated_repositories_say_so(hub_server: HubServer, repository_files: Files, home: Path) -> None:
    hub_server.add("alice/gated", repository_files, gated=True)
    with pytest.raises(CheckpointError, match="gated: ask for access"):
        hub.pull("alice/gated", token=BOB)
    assert not (home / "pulled" / "alice" / "gated").exists()


def test_gated_repositories_open_for_those_who_have_access(
    hub_server: HubServer, repository_files: Files
) -> None:
    hub_server.add("alice/gated", repository_files, gated=True)
    for token in (BOB, False):
        with pytest.raises(CheckpointError, match="gated: ask for access"):
            hub.pull("alice/gated", token=token)  # type: ignore[arg-type]
    assert hub.pull("alice/gated", token=ALICE).folder.is_dir()


def test_nobody_writes_to_others_repositories(
    hub_server: HubServer, make: Make, repository_files: Files
) -> None:
    hub_server.add("alice/cats", repository_files)
    with pytest.raises(CheckpointError, match="may not write to alice/cats"):
        hub.push(make(), "alice/cats", token=BOB, private=False)
    with pytest.raises(CheckpointError, match="may not write to alice/new"):
        hub.push(make(), "alice/new", token=BOB)
    assert hub_server.files("alice/cats") == repository_files


def test_without_a_token_nothing_is_pushed(hub_server: HubServer, make: Make) -> None:
    for token in (None, False, ""):
        with pytest.raises(CheckpointError, match="sign in"):
            hub.push(make(), "alice/cats", token=token)  # type: ignore[arg-type]
    assert hub_server.repositories == {}


def test_locally_the_machines_own_login_is_used(
    hub_server: HubServer, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", ALICE)
    assert hub.push(make(), "cats").repository == "alice/cats"
    assert hub.pull("alice/cats").folder.is_dir()


@pytest.mark.parametrize("variable", [{"SPACE_ID": "owner/space"}, {"SYSTEM": "spaces"}])
def test_on_a_space_the_owners_token_is_never_used(
    hub_server: HubServer, make: Make, monkeypatch: pytest.MonkeyPatch, variable: dict[str, str]
) -> None:
    monkeypatch.setenv("HF_TOKEN", ALICE)
    hub.push(make(), "cats")
    for name, value in variable.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(CheckpointError, match="sign in"):
        hub.push(make(), "cats")
    with pytest.raises(CheckpointError, match="or it is private"):
        hub.pull("alice/cats")
    assert hub.pull("alice/cats", token=ALICE)


def test_a_revoked_token_says_so(hub_server: HubServer, repository_files: Files, make: Make) -> None:
    token = hub_server.add_user("carol")
    hub.push(make(), "cats", token=token)
    del hub_server.tokens[token]
    for attempt in (lambda: hub.pull("carol/cats", token=token), lambda: hub.push(make(), "x", token=token)):
        with pytest.raises(CheckpointError, match="does not accept this token; make a new one"):
            attempt()


def test_a_token_is_never_told(
    hub_server: HubServer, make: Make, repository_files: Files, caplog: pytest.LogCaptureFixture, capsys: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "hf_verysecretverysecret"
    hub_server.add("alice/cats", repository_files)
    nowhere = "http://127.0.0.1:9"
    for attempt in (
        lambda: hub.pull("alice/cats", token=secret),
        lambda: hub.pull("alice/cats", token=secret, endpoint=nowhere),
        lambda: hub.push(make(), "cats", token=secret),
        lambda: hub.push(make(), "cats", token=secret, endpoint=nowhere),
        lambda: hub.whoami(secret + " \n x"),
    ):
        with pytest.raises(CheckpointError) as caught:
            attempt()
        error: BaseException | None = caught.value
        assert error.__context__ is None
        assert error.__cause__ is None
        assert secret not in repr(error) + str(error)
    hub_server.tokens[secret] = "carol"
    result = hub.push(make(), "cats", token=secret)
    assert secret not in repr(result)
    printed = capsys.readouterr()
    assert secret not in caplog.text + printed.out + printed.err


@pytest.mark.parametrize("token", ["hf a", "hf_\u00e9", "hf_a\nb", "x" * 3000])
def test_what_is_no_token_is_not_sent(hub_server: HubServer, token: str) -> None:
    with pytest.raises(CheckpointError, match="not a token"):
        hub.pull("alice/cats", token=token)
    assert hub_server.requests == []
