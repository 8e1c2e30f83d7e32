// What this browser remembers for the visitor. A browser may refuse to; then it lasts as long as the page.

const forgotten = new Map();

function recall(name) {
  try {
    return JSON.parse(window.localStorage.getItem("latent-atelier-" + name) || "null");
  } catch (refused) {
    return forgotten.get(name) ?? null;
  }
}

function memorise(name, value) {
  forgotten.set(name, value);
  try {
    window.localStorage.setItem("latent-atelier-" + name, JSON.stringify(value));
  } catch (refused) {
    // Kept in this page alone.
  }
}
