"""Every word that can be seen stands out from what is behind it, in all tabs, in light and in dark."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

READY = """() =>
  ['browser', 'server'].includes(document.querySelector('#explore .explore-path')?.dataset.path)
  && document.querySelector('#explore .explore-picture').ariaBusy === 'false'"""
CHOSEN = "name => document.querySelector('#tabs [role=tab][aria-selected=true]')?.textContent.includes(name)"
# Texts whose contrast (WCAG 2.2, 1.4.3) is below 4.5, or 3 where they are large; without what is switched
# off or lies on a picture. Opacity counts, and so does what is behind a half transparent background.
FAINT = """() => {
  const read = (text) => {
    const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number);
    return text.startsWith('color(srgb') ? [255 * r, 255 * g, 255 * b, a] : [r, g, b, a];
  };
  const over = (a, b) => [0, 1, 2].map((i) => a[i] * a[3] + b[i] * (1 - a[3])).concat(1);
  const light = (color) => color.slice(0, 3).map((value) => value / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
    .reduce((sum, value, i) => sum + value * [0.2126, 0.7152, 0.0722][i], 0);
  const contrast = (a, b) => {
    const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
    return (x + 0.05) / (y + 0.05);
  };
  const behind = (element) => {
    const layers = [];
    for (let each = element; each; each = each.parentElement) {
      const style = getComputedStyle(each);
      if (style.backgroundImage !== 'none' && each.localName !== 'select') return null;
      layers.push(read(style.backgroundColor));
      if (layers.at(-1)[3] === 1) break;
    }
    return layers.reverse().reduce((under, layer) => over(layer, under), [255, 255, 255, 1]);
  };
  const faint = [];
  const look = (element, words, kind) => {
    const style = getComputedStyle(element, kind);
    if (!element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) return;
    const box = element.getBoundingClientRect();
    if (box.width < 2 || box.height < 2 || style.clipPath !== 'none') return;
    if (element.closest(':disabled, [aria-disabled=true], [inert], video, canvas')) return;
    const back = behind(element);
    if (!back) return;
    const color = read(style.color);
    for (let each = element; each; each = each.parentElement) {
      color[3] *= Number(getComputedStyle(each).opacity);
    }
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const found = contrast(over(color, back), back);
    if (found >= (large ? 3 : 4.5)) return;
    faint.push(`${found.toFixed(1)} ${words.slice(0, 60)} <${element.localName} ${element.className}>`);
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (/[\\p{L}\\p{N}]/u.test(node.data) && node.parentElement) look(node.parentElement, node.data.trim());
  }
  for (const field of document.querySelectorAll('input[placeholder], textarea[placeholder]')) {
    if (!field.value && field.placeholder) look(field, field.placeholder, '::placeholder');
  }
  return [...new Set(faint)];
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_all_words_can_be_read(page: Page, app_url: str, theme: str) -> None:
    page.goto(f"{app_url}/?__theme={theme}")
    page.wait_for_function(READY)
    page.locator("#explore .explore-like").click()
    for summary in ("#explore .explore-walk summary", "#explore .explore-keys summary"):
        page.locator(summary).click()
    for panel in ("closer", "project", "mixing", "comparing"):
        page.locator(f"#{panel} > button").first.click()
    faint = {"Explore": page.evaluate(FAINT)}
    for tab in ("Stylise", "Train", "Share"):
        page.get_by_role("tab", name=tab).first.click()
        page.wait_for_function(CHOSEN, arg=tab)
        faint[tab] = page.evaluate(FAINT)
    assert not any(faint.values()), "\n".join(
        f"{tab}: {each}" for tab, found in faint.items() for each in found
    )
