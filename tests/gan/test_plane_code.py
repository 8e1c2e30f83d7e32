"""The arithmetic of the two-dimensional GAN: gradients, losses, coverage and what a step may change."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from gan.browser_files import FOLDER

MATHS = ("random.js", *(f"plane/{name}.js" for name in ("network", "losses", "data", "training")))
SMALL = "new PlaneGan({ width: 6, batch: 8, latent: 3, seed: 3, ...given })"
DIFFERENCE = """
// The largest gap between a gradient and central differences of `value`, over all parameters.
function largestGap(parameters, gradients, value) {
  const step = 1e-6;
  let gap = 0;
  parameters.forEach((kept, i) => {
    parameters[i] = kept + step;
    const above = value();
    parameters[i] = kept - step;
    const below = value();
    parameters[i] = kept;
    gap = Math.max(gap, Math.abs((above - below) / (2 * step) - gradients[i]));
  });
  return gap;
}
"""


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    yield page
    page.close()


def evaluated(page: Page, body: str, given: Any = None) -> Any:
    code = "".join((FOLDER / name).read_text("utf-8") for name in MATHS)
    return page.evaluate(f"(given) => {{ {code} {DIFFERENCE} {body} }}", given)


@pytest.mark.parametrize("loss", ["bce", "relativistic", "hinge"])
@pytest.mark.parametrize("gamma", [0, 0.7])
def test_the_discriminators_gradient_is_that_of_finite_differences(
    page: Page, loss: str, gamma: float
) -> None:
    body = f"""
    const gan = {SMALL}, network = gan.discriminator, count = 8, {{ loss, gamma }} = given;
    const real = samplePoints(gan.data, count, gan.random);
    const fake = gan.generator.forward(gan.latents(count), count).at(-1);
    const ones = new Float64Array(count).fill(1);
    const slopes = (x) => network.backward(network.forward(x, count), ones, count)[0];
    const value = () => LOSSES[loss].discriminator(
      network.forward(real, count).at(-1), network.forward(fake, count).at(-1)).loss
      + (gamma / 2) * (squares(slopes(real)) + squares(slopes(fake))) / count;
    const gradients = new Float64Array(network.parameters.length);
    const [onReal, onFake] = [network.forward(real, count), network.forward(fake, count)];
    const told = LOSSES[loss].discriminator(onReal.at(-1), onFake.at(-1));
    network.addGradients(gradients, network.backward(onReal, told.real, count), onReal, count);
    network.addGradients(gradients, network.backward(onFake, told.fake, count), onFake, count);
    for (const passed of [onReal, onFake]) network.addPenalty(gradients, passed, count, gamma);
    return [largestGap(network.parameters, gradients, value), norm(gradients)];
    """
    gap, size = evaluated(page, body, {"loss": loss, "gamma": gamma})
    assert gap < 1e-6
    assert size > 0.01


@pytest.mark.parametrize("loss", ["bce", "relativistic", "hinge"])
def test_the_generators_gradient_is_that_of_finite_differences(page: Page, loss: str) -> None:
    body = f"""
    const gan = {SMALL}, count = 8, z = gan.latents(count), {{ loss }} = given;
    const onReal = gan.judge(samplePoints(gan.data, count, gan.random));
    const made = gan.generator.forward(z, count);
    const judge = () => gan.judge(gan.generator.forward(z, count).at(-1));
    const value = () => LOSSES[loss].generator(onReal, judge()).loss;
    const judged = gan.discriminator.forward(made.at(-1), count);
    const told = LOSSES[loss].generator(onReal, judged.at(-1));
    const pull = gan.discriminator.backward(judged, told.fake, count)[0];
    const gradients = new Float64Array(gan.generator.parameters.length);
    gan.generator.addGradients(gradients, gan.generator.backward(made, pull, count), made, count);
    return [largestGap(gan.generator.parameters, gradients, value), norm(gradients)];
    """
    gap, size = evaluated(page, body, {"loss": loss})
    assert gap < 1e-6
    assert size > 0.001


def test_each_player_moves_only_itself_in_five_parts(page: Page) -> None:
    body = f"""
    const gan = {SMALL};
    const sums = () => [gan.discriminator.checksum(), gan.generator.checksum()];
    const before = sums(), first = [...gan.discriminatorStep()], between = sums();
    const second = [...gan.generatorStep()], after = sums();
    return {{ before, between, after, parts: [...first, ...second].map((p) => p.player + " " + p.part) }};
    """
    told = evaluated(page, body, {})
    parts = ["sample", "classify", "loss", "gradients", "update"]
    assert told["parts"] == [f"{player} {part}" for player in "DG" for part in parts]
    assert told["before"][0] != told["between"][0] == told["after"][0]
    assert told["before"][1] == told["between"][1] != told["after"][1]


def test_a_discriminator_below_the_threshold_skips_and_counts(page: Page) -> None:
    body = f"""
    const gan = {SMALL}, before = gan.discriminator.checksum();
    for (let i = 0; i < 3; i++) gan.train("D");
    return [gan.skips, gan.discriminatorSteps, before === gan.discriminator.checksum()];
    """
    assert evaluated(page, body, {"threshold": 1000}) == [3, 3, True]
    assert evaluated(page, body, {"threshold": 0}) == [0, 3, False]


def test_a_seed_is_the_same_training(page: Page) -> None:
    body = f"const gan = {SMALL}; gan.train('both'); gan.train('both'); return gan.generator.checksum();"
    assert evaluated(page, body, {}) == evaluated(page, body, {})
    assert evaluated(page, body, {}) != evaluated(page, body, {"seed": 4})


@pytest.mark.parametrize(("name", "modes"), [("eight", 8), ("twentyfive", 25), ("disjoint", 2)])
def test_real_points_cover_every_mode_and_one_point_covers_one(page: Page, name: str, modes: int) -> None:
    body = """
    const data = DATA[given], real = samplePoints(data, 2000, new Random(1));
    const single = Float64Array.from(data.modes[0]);
    return [coverage(data, real), coverage(data, single), coverage(DATA.ring, real)];
    """
    real, single, ring = evaluated(page, body, name)
    assert real["covered"] == modes
    assert real["share"] > 0.97
    assert single == {"covered": 1, "modes": modes, "share": 1}
    assert ring is None
