"""The Share tab: what its functions show, keep and refuse, against a Hub on the loopback address."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import gradio as gr
import pytest
import torch
from starlette.requests import Request

from checkpoints import collected, share_view, store, tab, tab_common, tab_pictures, tab_pull, tab_push
from checkpoints.hub import PushResult, Step
from tests.checkpoints.conftest import Make, preview_png
from tests.hub_server import HubServer

PRIVATE, PUBLIC = tab_common.PRIVATE, tab_common.PUBLIC
PARTS = {"training": False, "sliders": True, "film": None, "favourites": [], "rights": ""}


def last(values: Iterator[tuple[Any, ...]]) -> tuple[Any, ...]:
    return list(values)[-1]


def show_card(
    reference: str, name: str, visibility: str, training: bool, token: str = "", request: Any = None,
    **chosen: Any,
) -> tuple[Any, ...]:  # fmt: skip
    """`tab_push.show_card` with what else goes along left as it is."""
    return tab_push.show_card(reference, name, visibility, training, token=token, request=request, **chosen)


def show_card_signed_in(
    reference: str, name: str, visibility: str, training: bool, login: Any
) -> tuple[Any, ...]:
    return tab_push.show_card_signed_in(
        reference, name, visibility, training, True, False, None, "", "", login
    )


def test_a_pull_tells_its_steps_and_adds_to_the_library(
    hub_server: HubServer, repository_files: dict[str, bytes]
) -> None:
    hub_server.add("bob/kittens", repository_files)
    shown = list(tab_pull.pull_here("bob/kittens", "", ["runs/" + "0" * 32, 3, "pulled/bob/kittens"], ""))
    assert len(shown) > 2
    for html, _, _, button, _ in shown[:-1]:
        assert "<progress" in html
        assert button.interactive is False
    html, library, reference, button, stop = shown[-1]
    assert stop.visible is False
    assert library == ["runs/" + "0" * 32, "pulled/bob/kittens"]
    assert reference == "pulled/bob/kittens"
    assert button == gr.skip()
    assert "Small cats" in html
    assert 'src="data:image/png;base64,' in html


def test_a_failed_pull_is_one_sentence_in_the_page(hub_server: HubServer) -> None:
    html, library, reference, _, _ = last(tab_pull.pull_here("bob/none", "", [], ""))
    assert "There is no bob/none" in html
    assert 'role="alert"' in html
    assert reference == ""
    assert library == gr.skip()


def test_what_was_typed_is_escaped(hub_server: HubServer) -> None:
    html = last(tab_pull.pull_here("<img src=x onerror=alert(1)>", "", [], ""))[0]
    assert "<img" not in html
    hub_server.add("bob/kittens", {"config.json": b"{}", "generator.safetensors": b"{}"})
    assert "<script" not in last(tab_pull.pull_here("bob/kittens", "<script>", [], ""))[0]


def test_titles_are_escaped(hub_server: HubServer, make: Make) -> None:
    folder = make(title="<script>alert(1)</script>").folder
    hub_server.add("bob/evil", {path.name: path.read_bytes() for path in folder.iterdir()})
    html = last(tab_pull.pull_here("bob/evil", "", [], ""))[0]
    assert "&lt;script&gt;" in html
    assert "<script" not in html


def test_on_a_space_only_public_repositories_are_pulled(
    hub_server: HubServer, repository_files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Space's own token could read it, and everybody could then open it."""
    hub_server.add("alice/secret", repository_files, private=True)
    monkeypatch.setenv("HF_TOKEN", "hf_alice")
    assert "There is no alice/secret" in last(tab_pull.pull_on_a_space("alice/secret", "", []))[0]
    shown = last(tab_pull.pull_here("alice/secret", "", [], ""))[0]
    assert "open in Explore" in shown
    assert "It is not public" in shown


def test_the_card_comes_first_and_the_push_sends_exactly_that(hub_server: HubServer, make: Make) -> None:
    checkpoint = make()
    values = show_card(checkpoint.reference, "my-cats", PRIVATE, False, "hf_alice")
    files, panel, card, button, agreed, _ = values
    assert hub_server.repositories == {}
    assert panel.visible is True
    assert "# Small cats" in card
    assert "alice/my-cats" in card
    assert (button.interactive, button.value) == (True, "Push to alice/my-cats (private)")
    for name in ("README.md", "config.json", "generator.safetensors"):
        assert name in files
    assert "training.safetensors" not in files
    result, button, left, stop = last(tab_push.push_agreed(agreed, "hf_alice"))
    assert (button.interactive, left, stop.visible) == (False, {}, False)
    assert f'href="{hub_server.url}/alice/my-cats"' in result
    assert "Only you" in result
    repository = hub_server.repositories["alice/my-cats"]
    assert repository.private
    sent = hub_server.files("alice/my-cats")
    assert sent.keys() - {".gitattributes"} == {
        name
        for name in ("README.md", *(path.name for path in checkpoint.folder.iterdir()))
        if "training" not in name
    }
    pushed_card = sent["README.md"].decode()
    assert share_view.card_markdown(pushed_card) == card


def test_a_public_push_with_training_state_goes_round(hub_server: HubServer, make: Make) -> None:
    checkpoint = make()
    agreed = show_card(checkpoint.reference, "alice/open", PUBLIC, True, "hf_alice")[4]
    assert "Everybody" in last(tab_push.push_agreed(agreed, "hf_alice"))[0]
    assert last(tab_pull.pull_on_a_space("alice/open", "", []))[2] == "pulled/alice/open"
    pulled = store.find("pulled/alice/open")
    for name in ("generator.safetensors", "training.safetensors"):
        before, after = checkpoint.tensors(name), pulled.tensors(name)
        assert before.keys() == after.keys()
        assert all(torch.equal(before[key], after[key]) for key in before)


def visitor(client: str, host: str, **headers: str) -> gr.Request:
    scope = {
        "type": "http",
        "client": (client, 1234),
        "headers": [(k.encode(), v.encode()) for k, v in {"host": host, **headers}.items()],
    }
    return gr.Request(Request(scope))


HERE = [("127.0.0.1", "127.0.0.1:7860"), ("127.0.0.1", "localhost:7860"), ("::1", "[::1]:7860")]
ELSEWHERE = [("127.0.0.1", "abc.gradio.live"), ("192.168.0.7", "192.168.0.2:7860"), ("10.0.0.1", "localhost"),
             ("127.0.0.1", "")]  # fmt: skip


@pytest.mark.parametrize(("client", "host"), HERE)
def test_whoever_sits_at_this_machine_may_use_its_login(
    hub_server: HubServer, make: Make, monkeypatch: pytest.MonkeyPatch, client: str, host: str
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_alice")
    request = visitor(client, host)
    agreed = show_card(make().reference, "cats", PRIVATE, False, "", request)[4]
    assert "It is on the Hub" in last(tab_push.push_agreed(agreed, "", request))[0]
    assert last(tab_pull.pull_here("alice/cats", "", [], "", request))[2].startswith("private/")


@pytest.mark.parametrize(("client", "host"), ELSEWHERE)
def test_visitors_from_elsewhere_may_not(
    hub_server: HubServer, make: Make, monkeypatch: pytest.MonkeyPatch, client: str, host: str
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_alice")
    request = visitor(client, host)
    assert "sign in" in show_card(make().reference, "cats", PRIVATE, False, "", request)[0]
    agreed = show_card(make().reference, "alice/cats", PRIVATE, False, "", request)[4]
    assert "sign in" in last(tab_push.push_agreed(agreed, "", request))[0]
    assert hub_server.repositories == {}
    assert "It is on the Hub" in last(tab_push.push_agreed(agreed, "hf_alice", request))[0]
    assert "or it is private" in last(tab_pull.pull_here("alice/cats", "", [], "", request))[0]
    assert last(tab_pull.pull_here("alice/cats", "", [], "hf_alice", request))[2].startswith("private/")


def test_a_proxy_on_this_machine_speaks_for_visitors_from_elsewhere() -> None:
    assert not tab_common.sits_here(visitor("127.0.0.1", "localhost", **{"x-forwarded-for": "203.0.113.9"}))


def test_nothing_is_sent_without_a_card(hub_server: HubServer) -> None:
    html, button, *_ = last(tab_push.push_agreed({}, "hf_alice"))
    assert "Look at the card first" in html
    assert button.interactive is False
    assert hub_server.requests == []


@pytest.mark.parametrize(
    ("reference", "name", "token", "says"),
    [
        ("", "my-cats", "hf_alice", "not the name of a checkpoint"),
        ("../../etc", "my-cats", "hf_alice", "not the name of a checkpoint"),
        (f"runs/{1:032x}", "", "hf_alice", "owner/name"),
        (f"runs/{1:032x}", "a b", "hf_alice", "owner/name"),
        (f"runs/{1:032x}", "my-cats", "hf_wrong", "does not accept this token"),
        (f"runs/{1:032x}", "my-cats", "two words", "not a token"),
        (f"runs/{1:032x}", "my-cats", "", "sign in"),
    ],
)
def test_a_card_that_cannot_be_shown_says_why(
    hub_server: HubServer, make: Make, reference: str, name: str, token: str, says: str
) -> None:
    make()
    html, panel, card, button, agreed, _ = show_card(reference, name, PRIVATE, False, token)
    assert says in html
    assert 'role="alert"' in html
    assert (panel.visible, card, button.interactive, agreed) == (False, "", False, {})


def test_a_push_that_fails_can_be_tried_again(hub_server: HubServer, make: Make) -> None:
    agreed = show_card(make().reference, "alice/cats", PRIVATE, False, "hf_alice")[4]
    hub_server.fail("POST /api/repos/create", 500)
    html, _, kept, _ = last(tab_push.push_agreed(agreed, "hf_alice"))
    assert "trouble" in html
    assert kept == gr.skip()
    assert "It is on the Hub" in last(tab_push.push_agreed(agreed, "hf_alice"))[0]


def test_foreign_accounts_are_refused(hub_server: HubServer, make: Make) -> None:
    agreed = show_card(make().reference, "bob/cats", PRIVATE, False, "hf_alice")[4]
    html = last(tab_push.push_agreed(agreed, "hf_alice"))[0]
    assert 'role="alert"' in html
    assert "bob/cats" in html
    assert "bob/cats" not in hub_server.repositories


def test_the_token_is_neither_shown_nor_logged(
    hub_server: HubServer, make: Make, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    token = "hf_aVerySecretTokenOfCarol"
    hub_server.tokens[token] = "carol"
    shown: list[Any] = list(show_card(make().reference, "cats", PRIVATE, False, token))
    shown += list(tab_push.push_agreed(shown[4], token))
    hub_server.fail("/api/whoami-v2", 500, times=9)
    shown += list(
        tab_push.push_agreed(
            {"reference": make().reference, "repository": "carol/x", "private": True, "parts": PARTS},
            token,
        )
    )
    del hub_server.tokens[token]
    shown += list(tab_pull.pull_here("carol/cats", "", [], token))
    assert "carol/cats" in repr(shown)
    assert token not in repr(shown)
    assert token not in caplog.text
    assert token not in "".join(capfd.readouterr())


def test_favourites_leave_the_browser_only_when_they_are_wanted(hub_server: HubServer, make: Make) -> None:
    checkpoint = make()
    entry = {"key": "0" * 16, "state": {"checkpoint": checkpoint.reference, "seed": 3}, "note": "<b>"}
    kept = json.dumps([entry])
    for wanted in (False, True):
        values = show_card(
            checkpoint.reference, "alice/liked", PUBLIC, False, "hf_alice", liked=wanted, favourites=kept
        )
        assert ("favourites.json" in values[0]) == wanted
    list(tab_push.push_agreed(values[4], "hf_alice"))
    html = last(tab_pull.pull_on_a_space("alice/liked", "", []))[0]
    assert "favourites (1)" in html
    for nonsense in ("", "null", "[", "{}", "x" * 2_000_000):
        values = show_card(
            checkpoint.reference, "alice/x", PUBLIC, False, "hf_alice", liked=True, favourites=nonsense
        )
        assert "You like no picture yet" in values[0]


def test_a_search_shows_cards_with_pictures_and_escapes_them(
    hub_server: HubServer, repository_files: dict[str, bytes]
) -> None:
    card = b"---\ntags: [latent-atelier]\nlicense: <script>alert(1)</script>\n---\n"
    hub_server.add("bob/kittens", {**repository_files, "README.md": card})
    shown = list(tab_pull.search_on_a_space("kit", "likes"))
    assert "Asking" in shown[0][0]
    assert "no preview" in shown[1][0]
    html = shown[-1][0]
    assert 'src="data:image/jpeg;base64,' in html
    assert 'data-repository="bob/kittens"' in html
    assert "<script" not in html
    assert "Nothing was found" in last(tab_pull.search_on_a_space("dogs", "likes"))[0]
    assert 'role="alert"' in last(tab_pull.search_on_a_space("", "nonsense"))[0]


def test_a_search_without_a_network_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert "cannot be reached" in last(tab_pull.search_here("", "likes", ""))[0]


def test_private_networks_are_found_by_their_owner_alone(
    hub_server: HubServer, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    agreed = show_card(make().reference, "alice/secret", PRIVATE, False, "hf_alice")[4]
    list(tab_push.push_agreed(agreed, "hf_alice"))
    monkeypatch.setenv("HF_TOKEN", "hf_alice")
    assert "alice/secret" in last(tab_pull.search_here("", "likes", ""))[0]
    for html in (
        last(tab_pull.search_on_a_space("", "likes"))[0],
        last(tab_pull.search_here("", "likes", "", visitor("10.0.0.1", "localhost")))[0],
    ):
        assert "alice/secret" not in html


def test_whose_own_pictures_they_are_is_asked_and_told(hub_server: HubServer, make: Make) -> None:
    mine = make(2, data={"name": "own", "title": "Holidays", "licence": "other"})
    assert tab_push.asked_for_rights(mine.reference).visible is True
    assert tab_push.asked_for_rights(make().reference).visible is False
    assert tab_push.asked_for_rights("nonsense").visible is False
    said = "My own photos, CC-BY 4.0.\n---\n<script>" + "x" * 1000
    card, agreed = show_card(mine.reference, "mine", PRIVATE, False, "hf_alice", rights=said)[2::2]
    assert "says of the pictures: My own photos, CC-BY 4.0. ---" in card
    assert "<script" not in card
    assert "x" * 600 not in card
    list(tab_push.push_agreed(agreed, "hf_alice"))
    assert "My own photos" in hub_server.files("alice/mine")["README.md"].decode()
    assert "says of the pictures" not in show_card(mine.reference, "mine", PRIVATE, False, "hf_alice")[2]


def test_pictures_are_shown_before_they_are_pushed(hub_server: HubServer, tmp_path: Any) -> None:
    path = tmp_path / "boat.png"
    path.write_bytes(preview_png())
    chosen = ("", [str(path)], "Boats <b>", "my-boats", "Photo by me", "cc0-1.0", PUBLIC, "hf_alice")
    shown, _, card, button, agreed, _ = tab_pictures.show_card(*chosen)
    assert "001-boat.png" in shown
    assert "<b>" not in card
    assert button.value == "Push to alice/my-boats (public)"
    assert hub_server.repositories == {}
    result = last(tab_pictures.push_agreed(agreed, "hf_alice"))[0]
    assert f'href="{hub_server.url}/datasets/alice/my-boats"' in result
    assert "Look at the card first" in last(tab_pictures.push_agreed({}, "hf_alice"))[0]
    for wrong, says in (
        (("", [], *chosen[2:]), "Choose 1 to"),
        ((*chosen[:2], " ", *chosen[3:]), "a title"),
        ((*chosen[:5], "mine", *chosen[6:]), "licence"),
        (("", ["/etc/hostname"], *chosen[2:]), "no PNG"),
        ((*chosen[:7], ""), "sign in"),
    ):
        values = tab_pictures.show_card(*wrong)
        assert says in values[0]
        assert values[4] == {}


def test_collected_pictures_are_pushed_with_those_that_are_chosen(
    hub_server: HubServer, tmp_path: Any
) -> None:
    path = tmp_path / "boat.png"
    path.write_bytes(preview_png())
    key, _, _ = collected.add("", path)
    more = [str(path)]
    agreed = tab_pictures.show_card(key, more, "Boats", "boats", "", "cc0-1.0", PRIVATE, "hf_alice")[4]
    assert "It is on the Hub" in last(tab_pictures.push_agreed(agreed, "hf_alice"))[0]
    sent = hub_server.files("datasets/alice/boats")
    assert {"001-boat.png", "002-boat.png"} < sent.keys()

    agreed = tab_pictures.show_card(key, [], "Boats", "boats", "", "cc0-1.0", PRIVATE, "hf_alice")[4]
    collected.take_out(key, ["001-boat.png"])
    assert "missing" in last(tab_pictures.push_agreed(agreed, "hf_alice"))[0]


def test_the_choice_follows_the_library(make: Make) -> None:
    first, second = make(1, title="First"), make(2, title="Second")
    library = [first.reference, second.reference, "runs/" + "f" * 32, 7, None]
    shipped = [c.reference for c in store.shipped()]
    choices = tab_common.checkpoint_choices(library)
    assert [reference for _, reference in choices] == [second.reference, first.reference, *shipped]
    assert choices[0][0] == f"Second (trained here, {second.reference[5:11]})"
    assert tab_common.checkpoint_choices("no list") == tab_common.checkpoint_choices([])
    assert tab_push.refreshed_choice(library, first.reference).value == first.reference
    assert tab_push.refreshed_choice(library, "runs/" + "e" * 32).value == second.reference


def build(**options: Any) -> gr.Blocks:
    with gr.Blocks(analytics_enabled=False) as page:
        library = gr.BrowserState([], storage_key="library", secret="secret")
        tab.build(library, gr.BrowserState(""), **options)
    return page


def element_ids(page: gr.Blocks) -> set[str]:
    return {c["props"].get("elem_id") for c in page.get_config_file()["components"]}


def test_the_layout_has_a_token_field_on_a_machine_of_ones_own() -> None:
    page = build()
    ids = element_ids(page)
    assert ids >= {
        "share-pull-repo", "share-pull", "share-pull-result", "share-push-choice", "share-push-repo",
        "share-token", "share-card-button", "share-card", "share-files", "share-push", "share-push-result",
    }  # fmt: skip
    config = page.get_config_file()
    token = next(c for c in config["components"] if c["props"].get("elem_id") == "share-token")
    push = next(c for c in config["components"] if c["props"].get("elem_id") == "share-push")
    assert token["props"]["type"] == "password"
    assert push["props"]["interactive"] is False
    hidden = [d["api_visibility"] for d in config["dependencies"]]
    assert hidden
    assert set(hidden) == {"private"}


def test_a_space_never_asks_for_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACE_ID", "alice/atelier")
    monkeypatch.setenv("SYSTEM", "spaces")
    assert element_ids(build()) & {"share-token", "share-login", "share-no-login"} == {"share-no-login"}


def test_a_space_with_login_uses_the_visitors_own(
    monkeypatch: pytest.MonkeyPatch, hub_server: HubServer, make: Make
) -> None:
    space = {"SYSTEM": "spaces", "SPACE_ID": "bob/atelier", "HF_TOKEN": "hf_bob", "OAUTH_CLIENT_ID": "client"}
    for name, value in space.items():
        monkeypatch.setenv(name, value)
    for name in ("OAUTH_CLIENT_ID", "OAUTH_CLIENT_SECRET", "OAUTH_SCOPES", "OPENID_PROVIDER_URL"):
        monkeypatch.setattr(f"gradio.oauth.{name}", "anything")  # Gradio reads them when it is imported
    page = build()
    assert element_ids(page) & {"share-token", "share-login", "share-no-login"} == {"share-login"}
    used = {function.fn for function in page.fns.values()}
    assert {tab_push.show_card_signed_in, tab_push.push_agreed_signed_in} <= used
    assert {tab_pull.pull_signed_in, tab_pull.search_signed_in} <= used
    assert "sign in" in show_card_signed_in(make().reference, "cats", PRIVATE, False, None)[0]
    login = gr.OAuthToken(token="hf_alice", scope="contribute-repos", expires_at=0)
    agreed = show_card_signed_in(make().reference, "cats", PRIVATE, False, login)[4]
    assert agreed["repository"] == "alice/cats"
    assert "sign in" in last(tab_push.push_agreed_signed_in(agreed, None))[0]
    assert "It is on the Hub" in last(tab_push.push_agreed_signed_in(agreed, login))[0]
    assert list(hub_server.repositories) == ["alice/cats"]
    assert "or it is private" in last(tab_pull.pull_signed_in("alice/cats", "", [], None))[0]
    _, library, reference, *_ = last(tab_pull.pull_signed_in("alice/cats", "", [], login))
    assert library == [reference]
    assert reference.startswith("private/")
    assert "alice/cats" in last(tab_pull.search_signed_in("", "likes", login))[0]
    assert "alice/cats" not in last(tab_pull.search_signed_in("", "likes", None))[0]


def test_exploring_is_offered_where_the_page_can() -> None:
    with gr.Blocks(analytics_enabled=False) as page:
        library = gr.BrowserState([], storage_key="library", secret="secret")
        wanted = gr.Textbox(elem_id="explore-open")
        tab.build(library, gr.BrowserState(""), None, wanted)
    without = len(build().fns)
    outputs = [block.elem_id for function in page.fns.values() for block in function.outputs]
    assert "explore-open" in outputs
    assert len(page.fns) == without + 2


def test_boxes_bars_and_tables_escape_their_text() -> None:
    evil = '<b onclick="x">'
    for html in (
        share_view.note(evil, "bad"),
        share_view.step_html(Step(0.5, evil)),
        share_view.files_html([(evil, 1)]),
        share_view.pushed_html(PushResult(evil, 'https://x/"><b', "a" * 40), False),
    ):
        assert "<b o" not in html
        assert '"><b' not in html


def test_pictures_that_are_none_are_not_shown(make: Make) -> None:
    checkpoint = make()
    assert "data:image/png" in share_view.preview_html(checkpoint)
    (checkpoint.folder / "preview.png").write_bytes(b"<svg onload=alert(1)>")
    assert share_view.preview_html(checkpoint) == ""
    (checkpoint.folder / "preview.png").unlink()
    assert share_view.preview_html(checkpoint) == ""


def test_sizes_are_readable() -> None:
    assert [share_view.size_text(n) for n in (0, 512, 45_000, 2_660_000)] == [
        "0.1 kB",
        "0.5 kB",
        "45.0 kB",
        "2.7 MB",
    ]


def test_the_agreement_is_plain_json(hub_server: HubServer, make: Make) -> None:
    agreed = show_card(make().reference, "alice/cats", PRIVATE, True, "hf_alice")[4]
    assert json.loads(json.dumps(agreed)) == agreed
    assert "hf_alice" not in json.dumps(agreed)
