// Translates what appears on the page while it is used. Gradio translates the texts that stand there from the
// beginning, and chooses the language; the hidden #language says which it has chosen.
(() => {
  const ATTRIBUTES = ['title', 'aria-label', 'placeholder', 'alt', 'label', 'data-tip'];
  const SKIP = 'script, style, textarea, pre, code, [translate=no], #language';
  const MOST_MISSING = 5000;
  const LETTERS = /\p{L}{2}/u, NUMBER = /\d[\d.,]*\d|\d/g;
  const originals = new WeakMap();  // node or element -> {name: {english, shown}}
  const missing = new Set();
  let language = 'en', exact = new Map(), patterns = [], loading = '';

  const spaced = (text) => text.trim().replace(/\s+/g, ' ');
  const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  function compile(dictionary) {
    exact = new Map(Object.entries(dictionary).map(([key, text]) => [spaced(key), text]));
    patterns = [...exact].filter(([key]) => key.includes('{}')).map(([key, translation]) => ({
      pattern: new RegExp('^' + key.split('{}').map(escaped).join('([^]+?)') + '$'),
      words: key.length, translation,
    })).sort((a, b) => b.words - a.words);
  }
  const filled = (translation, parts) => {
    let next = 0;
    return translation.replace(/\{(\d*)\}/g, (_, n) => parts[n ? n - 1 : next++] ?? '');
  };

  // The translation of a text without spaces around it, or null where the dictionary has none.
  function lookup(text, depth = 0) {
    if (exact.has(text)) return exact.get(text);
    const numbers = text.match(NUMBER) ?? [];
    const general = numbers.length ? text.replace(NUMBER, '{}') : text;
    if (numbers.length && exact.has(general)) return filled(exact.get(general), numbers);
    if (depth > 2 || text.length > 600) return null;
    for (const { pattern, translation } of patterns) {
      const parts = pattern.exec(text)?.slice(1);
      if (parts) return filled(translation, parts.map((part) => lookupPart(part, depth + 1) ?? part));
    }
    return null;
  }
  // A part of a sentence may be a list, or begin it with a capital letter.
  function lookupPart(text, depth) {
    const items = text.split(', ');
    if (items.length > 1) {
      const found = items.map((item) => lookup(item, depth));
      if (!found.includes(null)) return found.join(', ');
    }
    const found = lookup(text, depth);
    if (found !== null) return found;
    const small = text.charAt(0).toLowerCase() + text.slice(1);
    const uncapitalised = small === text ? null : lookup(small, depth);
    return uncapitalised && uncapitalised.charAt(0).toUpperCase() + uncapitalised.slice(1);
  }
  function translated(english) {
    const text = spaced(english);
    if (language === 'en' || !LETTERS.test(text)) return english;
    if (missing.has(text)) return english;
    const found = lookup(text);
    if (found === null) {
      if (missing.size < MOST_MISSING) missing.add(text);
      return english;
    }
    const start = english.length - english.trimStart().length, end = english.trimEnd().length;
    return english.slice(0, start) + found + english.slice(end);
  }

  function replace(owner, name, current, set) {
    if (!current) return;
    const known = originals.get(owner) ?? {};
    const english = known[name]?.shown === current ? known[name].english : current;
    const shown = translated(english);
    if (shown === current && !known[name]) return;
    originals.set(owner, { ...known, [name]: { english, shown } });
    if (shown !== current) set(shown);
  }
  function visitText(node) {
    if (!node.parentElement?.closest(SKIP)) replace(node, 'text', node.data, (text) => { node.data = text; });
  }
  function visitAttributes(element, names = ATTRIBUTES) {
    if (element.closest('[translate=no]')) return;
    for (const name of names) {
      replace(element, name, element.getAttribute(name), (text) => element.setAttribute(name, text));
    }
  }
  function visit(root) {
    if (root.nodeType === Node.TEXT_NODE) return visitText(root);
    if (root.nodeType !== Node.ELEMENT_NODE) return undefined;
    visitAttributes(root);
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (node.nodeType === Node.TEXT_NODE) visitText(node); else visitAttributes(node);
    }
    return undefined;
  }

  async function speak(wanted) {
    if (wanted === language || wanted === loading) return;
    loading = wanted;
    if (wanted !== 'en') {
      const answer = await fetch(new URL(`languages/${wanted}.json`, document.baseURI));
      if (!answer.ok || loading !== wanted) return;
      compile(await answer.json());
    }
    language = wanted;
    loading = '';
    missing.clear();
    document.documentElement.lang = wanted;
    visit(document.body);
  }
  const look = () => {
    const said = document.querySelector('#language')?.textContent.trim();
    if (said) speak(said);
  };
  new MutationObserver((changes) => {
    look();
    if (language === 'en' && !loading) return;
    for (const change of changes) {
      if (change.type === 'characterData') visitText(change.target);
      else if (change.type === 'attributes') visitAttributes(change.target, [change.attributeName]);
      else change.addedNodes.forEach(visit);
    }
  }).observe(document, {
    subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ATTRIBUTES,
  });
  window.atelierLanguage = { untranslated: () => [...missing], language: () => language, lookup };
})();
