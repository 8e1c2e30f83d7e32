"""What the search of the Hub shows: a card for each network, with a button. Text is escaped here."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

from checkpoints.browse import Shared
from checkpoints.share_view import note

HINT = """Networks that carry the tag latent-atelier are found here, with pictures that they draw. Press
Search for all of them; Get it brings one to this machine, and then it opens in Explore."""
NOTHING = "Nothing was found. Try other words, or none at all; yours may be the first that is shared."
CSS = """
.shared { display: grid; grid-template-columns: repeat(auto-fill, minmax(128px, 1fr)); gap: .7rem;
  margin: 0; padding: 0; list-style: none; }
.shared li { display: flex; flex-direction: column; gap: .25rem; margin: 0; padding: .5rem;
  border-radius: 8px; min-width: 0;
  border: 1px solid var(--border-color-primary); background: var(--background-fill-primary); }
.shared img, .shared .blank { width: 100%; aspect-ratio: 2 / 1; object-fit: cover; border-radius: 6px;
  margin: 0; background: var(--background-fill-secondary); }
.shared .blank { display: grid; place-items: center; font-size: .8rem; opacity: .7; }
.shared b { overflow-wrap: anywhere; line-height: 1.25; }
.shared small { opacity: .75; overflow-wrap: anywhere; }
.shared small span { display: inline-block; }
.shared button { margin-top: auto; padding: .35rem .6rem; min-height: 36px; border-radius: 6px;
  cursor: pointer; border: 1px solid var(--button-primary-background-fill); color: var(--body-text-color);
  background: transparent; }
.shared button:hover, .shared button:focus-visible { background: var(--button-primary-background-fill);
  color: var(--button-primary-text-color); }
"""
# Get it does what a visitor would: it writes the name into the field above and presses the button beside it.
JS = """
element.addEventListener("click", (event) => {
  const name = event.target.closest?.("button[data-repository]")?.dataset.repository;
  const field = document.querySelector("#share-pull-repo input, #share-pull-repo textarea");
  if (!name || !field) return;
  field.value = name;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.scrollIntoView({ block: "center", behavior: "smooth" });
  setTimeout(() => document.querySelector("#share-pull").click(), 150);
});
"""


def found_html(found: Sequence[Shared], pictures: Sequence[bytes | None]) -> str:
    """A list of cards; `pictures` are JPEG, in the same order, None where there is none."""
    if not found:
        return note(NOTHING)
    cards = "".join(_card(each, picture) for each, picture in zip(found, pictures, strict=True))
    return f'<ul class="shared">{cards}</ul>'


def _card(shared: Shared, picture: bytes | None) -> str:
    title, name = escape(shared.title), escape(shared.repository, quote=True)
    shown = '<span class="blank">no preview</span>'
    if picture is not None:
        content = base64.b64encode(picture).decode()
        shown = f'<img alt="Pictures drawn by {title}" src="data:image/jpeg;base64,{content}">'
    facts = [f"♥ {shared.likes}", shared.licence, shared.updated]
    facts += ["gated"] * shared.gated + ["private"] * shared.private
    about = " · ".join(f"<span>{escape(fact)}</span>" for fact in facts if fact)
    return (
        f"<li>{shown}<b>{title}</b><small>by {escape(shared.author)}</small><small>{about}</small>"
        f'<button type="button" data-repository="{name}" aria-label="Get {name}">Get it</button></li>'
    )
