// What Gradio's components do not tell a screen reader: whether a panel is open, what a group of choices is about,
// which picture of a gallery it is, and what has appeared after a button was pressed.
(() => {
  const LOOK_AGAIN = 200, RESTS = 1200;
  const heard = new WeakMap();
  let looking = 0, names = 0;

  const set = (element, name, value) => {
    if (element.getAttribute(name) !== value) element.setAttribute(name, value);
  };
  function nameBy(element, title) {
    if (!title?.textContent.trim()) return;
    title.id ||= `title-${++names}`;
    set(element, 'aria-labelledby', title.id);
  }
  // One line for the whole page: a region that speaks has to be there before what it says.
  function announcer() {
    let line = document.querySelector('#announced');
    if (!line) {
      line = document.createElement('p');
      Object.assign(line, { id: 'announced', role: 'status', translate: false });
      document.body.append(line);
    }
    return line;
  }
  // The first sentence in a place that answers, once it has stopped changing.
  function listen(place) {
    const words = place.querySelector('p, figcaption, a')?.textContent.trim() ?? '';
    const before = heard.get(place) ?? { words: '' };
    if (words === before.words) return;
    clearTimeout(before.timer);
    const timer = setTimeout(() => { if (words) announcer().textContent = words; }, RESTS);
    heard.set(place, { words, timer });
  }

  function look() {
    looking = 0;
    for (const button of document.querySelectorAll('button.label-wrap')) {
      set(button, 'aria-expanded', String(button.classList.contains('open')));
      const sign = button.querySelector('.icon');
      if (sign) set(sign, 'aria-hidden', 'true');
    }
    for (const group of document.querySelectorAll('fieldset.block')) {
      nameBy(group, group.querySelector('[data-testid=block-info]'));
    }
    for (const tile of document.querySelectorAll('.thumbnail-item')) nameBy(tile, tile.querySelector('.caption-label'));
    document.querySelectorAll('.announced').forEach(listen);
  }
  const lookSoon = () => { looking ||= setTimeout(look, LOOK_AGAIN); };
  new MutationObserver(lookSoon).observe(document, { subtree: true, childList: true, characterData: true });
  document.addEventListener('click', lookSoon);
})();
