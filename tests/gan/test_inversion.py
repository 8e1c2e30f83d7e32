from __future__ import annotations

import json
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from explorer_helpers import cats_in
from PIL import Image

from gan.attributes import chosen
from gan.datasets import fashion, to_unit
from gan.errors import GanError
from gan.explorer import ExplorerState, latent, render
from gan.inversion import Search, best_of, layout_starts, prepared, project
from gan.latent import latents
from gan.model import Model, load, load_reference
from style.images import read_picture

QUICK = Search(samples=8, rounds=1, starts=1, steps=20)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Model:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ATELIER_HOME", str(home))
        return load_reference(cats_in(home))


def test_a_search_only_ever_gets_nearer_and_tells_how_far_it_is() -> None:
    model = load("fashion")
    found = list(project(model, to_unit(fashion(embedded=True).images[5:6]), replace(QUICK, starts=2)))
    distances = [snapshot.distance for snapshot in found]
    assert distances == sorted(distances, reverse=True)
    assert found[-1].distance < found[1].distance < found[0].distance
    assert found[-1].step == found[-1].steps
    assert found[-1].picture.shape == (1, 28, 28)
    assert [snapshot.seconds_left is None for snapshot in found] == [s.step == 0 for s in found]


def test_what_was_found_is_a_state_on_which_sliders_work(small: Model) -> None:
    best = best_of(project(small, small.draw(latents([5], 16)), QUICK))
    state = best.state(small.reference)
    again = ExplorerState.from_json(json.loads(json.dumps(state.to_json())))
    torch.testing.assert_close(render(small, again)[0], best.picture, atol=0.02, rtol=0)
    moved = ExplorerState.from_json({**state.to_json(), "edits": [3.0]})
    assert not torch.equal(latent(small, moved), latent(small, state))


def test_the_same_search_finds_the_same(small: Model) -> None:
    target = small.draw(latents([6], 16))
    one, other = (best_of(project(small, target, QUICK)) for _ in range(2))
    assert torch.equal(one.z, other.z)


def test_closing_the_search_keeps_the_best_so_far(small: Model) -> None:
    search = project(small, small.draw(latents([7], 16)), QUICK)
    best = best_of(islice(search, 2))
    search.close()
    assert best.distance < 1
    with pytest.raises(GanError, match="stopped before"):
        best_of(iter(()))


def test_a_search_leaves_the_shared_model_as_it_was(small: Model) -> None:
    before = small.draw(latents([1], 16))
    best_of(project(small, before, QUICK))
    assert all(p.grad is None and not p.requires_grad for p in small.generator.parameters())
    assert torch.equal(small.draw(latents([1], 16)), before)


def test_a_cat_is_found_by_its_attributes() -> None:
    model = load("cats")
    z = latents([1234], model.config.z_dim)
    best = best_of(project(model, model.draw(z), Search(samples=4, rounds=1, starts=1, steps=1)))
    asked, found = chosen(z, model.config.attributes), chosen(best.z[None], model.config.attributes)
    assert int((asked == found).sum()) >= 5
    assert best.distance < 0.05


def test_the_addresses_of_a_picture_draw_what_is_like_it() -> None:
    model = load("fashion")
    pictures = to_unit(fashion(embedded=True).images[:8])
    for picture in pictures:
        z, labels = layout_starts(model, picture[None], 8)
        assert z.shape == (8, model.config.z_dim)
        assert torch.isfinite(z).all()
        code = model.generator.code(z, labels)
        layout = model.generator.layout
        assert layout is not None
        wanted = layout.code(picture[None])
        torch.testing.assert_close(code[:1], wanted, atol=0.05, rtol=0.05)
        drawn = model.draw(z, labels)
        random = model.draw(latents(range(8), model.config.z_dim), labels)
        assert (drawn - picture).abs().mean((1, 2, 3)).min() < (random - picture).abs().mean((1, 2, 3)).min()


def test_photos_become_pictures_of_the_models_size_and_colours(small: Model, tmp_path: Path) -> None:
    photo = np.zeros((60, 90, 3), np.uint8)
    photo[:, 15:75] = (255, 0, 0)
    Image.fromarray(photo).save(tmp_path / "photo.png")
    picture = read_picture(tmp_path / "photo.png")
    target = prepared(picture, small)
    assert target.shape == (1, 3, 32, 32)
    torch.testing.assert_close(target[0, :, 16, 16], torch.tensor([1.0, -1.0, -1.0]))
    grey = prepared(picture, load("fashion"))
    assert grey.shape == (1, 1, 28, 28)
    assert float(grey[0, 0, 14, 14]) == pytest.approx(2 * 0.299 - 1, abs=1e-3)


def test_mistakes_are_sentences(small: Model) -> None:
    with pytest.raises(GanError, match="another size"):
        next(project(small, torch.zeros(1, 3, 64, 64)))
    for wrong in ({"samples": 0}, {"rounds": -1}, {"starts": 99}, {"steps": 10**6}):
        with pytest.raises(GanError):
            Search(**wrong)
