// The explorer's state as a plain object, its way into a link and back, and what undo remembers.

const SEED_LIMIT = 4294967295;
const OPENING_TRUNCATION = props.opening_truncation;
const STRONGEST_WISH = 4;
const OWN_LIMIT = 8;
const MOST_OWN = 8;
const MOST_EDITS = 64;
const MOST_LAYERS = 16;
const QUERY_KEYS = ["checkpoint", "seed", "psi", "class", "edits", "raw", "between", "base", "own", "layers", "sliders"];

// Besides these a state may have `between` (a place between seeds), `base` (a latent vector instead of the
// seed's), `own` (steps along directions that the visitor made) and `layers` (first and last layer that a slider
// moves, by its place).

function freshState(checkpoint) {
  return { checkpoint, seed: 0, truncation: OPENING_TRUNCATION, class: 0, mode: "directions", edits: [], raw: {} };
}

function copyOf(state) {
  return JSON.parse(JSON.stringify(state));
}

function numberOr(text, otherwise) {
  const number = Number.parseFloat(text);
  return Number.isFinite(number) ? number : otherwise;
}

function within(number, low, high) {
  return Math.min(high, Math.max(low, number));
}

// Commas, colons and slashes may stand in a query as they are; a link that can be read can be trusted.
function readable(text) {
  return encodeURIComponent(text).replace(/%2C/g, ",").replace(/%3A/g, ":").replace(/%2F/g, "/");
}

function queryOf(state) {
  const edits = state.edits.map((value) => value || 0);
  while (edits.length && !edits[edits.length - 1]) edits.pop();
  const raw = Object.entries(state.raw).map(([index, value]) => index + ":" + value);
  const pairs = [["checkpoint", state.checkpoint], ["seed", state.seed], ["psi", state.truncation]];
  if (state.class) pairs.push(["class", state.class]);
  if (edits.length) pairs.push(["edits", edits.join(",")]);
  if (raw.length) pairs.push(["raw", raw.join(",")]);
  if (state.between) pairs.push(["between", state.between.seeds.join(",") + ":" + state.between.place.join(",")]);
  if (state.base) pairs.push(["base", state.base]);
  for (const { name, vector, amount } of state.own || []) if (amount) pairs.push(["own", amount + ":" + vector + ":" + name]);
  const layers = Object.entries(state.layers || {}).map(([index, [first, last]]) => index + ":" + first + "-" + last);
  if (layers.length) pairs.push(["layers", layers.join(",")]);
  if (state.mode === "raw") pairs.push(["sliders", "raw"]);
  return pairs.map(([key, value]) => key + "=" + readable(String(value))).join("&");
}

function stateFrom(search) {
  const query = new URLSearchParams(search);
  if (!query.get("checkpoint")) return null;
  const state = freshState(query.get("checkpoint"));
  state.seed = within(Math.trunc(numberOr(query.get("seed"), 0)), 0, SEED_LIMIT);
  state.truncation = within(numberOr(query.get("psi"), OPENING_TRUNCATION), 0, 2);
  state.class = Math.max(0, Math.trunc(numberOr(query.get("class"), 0)));
  state.mode = query.get("sliders") === "raw" ? "raw" : "directions";
  if (query.get("edits")) state.edits = query.get("edits").split(",").slice(0, MOST_EDITS).map((x) => numberOr(x, 0));
  for (const pair of (query.get("raw") || "").split(",").slice(0, 512)) {
    const [index, value] = pair.split(":");
    if (/^[0-9]{1,3}$/.test(index) && Number.isFinite(Number.parseFloat(value))) state.raw[Number(index)] = Number.parseFloat(value);
  }
  const between = betweenFrom(query.get("between") || "");
  if (between) state.between = between;
  if (decodeLatent(query.get("base"))) state.base = query.get("base");
  const own = query.getAll("own").slice(0, MOST_OWN).map(ownFrom).filter(Boolean);
  if (own.length) state.own = own;
  const layers = (query.get("layers") || "").split(",").slice(0, MOST_EDITS).map(layersFrom).filter(Boolean);
  if (layers.length) state.layers = Object.fromEntries(layers);
  return state;
}

// The layers that a slider moves, such as 3:0-2; null where the text says something else.
function layersFrom(text) {
  const [, index, first, last] = (/^([0-9]{1,2}):([0-9]{1,2})-([0-9]{1,2})$/.exec(text) || []).map(Number);
  return index < MOST_EDITS && first <= last && last < MOST_LAYERS ? [index, [first, last]] : null;
}

// A step along a direction of one's own, such as 1.5:AQID:opens the eyes; null where the text says something else.
function ownFrom(text) {
  const [amount, vector, ...rest] = text.split(":");
  const name = ownName(rest.join(":"));
  if (!name || !Number.isFinite(Number.parseFloat(amount)) || !decodeDirection(vector)) return null;
  return { name, vector, amount: toHundredths(within(Number.parseFloat(amount), -OWN_LIMIT, OWN_LIMIT)) };
}

// A place between four seeds, such as 1,5,1,5:0.25,0; null where the text says something else.
function betweenFrom(text) {
  const [seeds, place] = text.split(":").map((part) => part.split(",").map(Number));
  const right = seeds.length === 4 && place?.length === 2 && [...seeds, ...place].every(Number.isFinite);
  if (!right) return null;
  return {
    seeds: seeds.map((seed) => within(Math.trunc(seed), 0, SEED_LIMIT)),
    place: place.map((share) => Number(within(share, 0, 1).toFixed(4))),
  };
}

// The page's address with the explorer's keys replaced and everybody else's left alone.
function addressOf(state) {
  const others = [...new URLSearchParams(window.location.search)].filter(([key]) => !QUERY_KEYS.includes(key));
  const rest = others.map(([key, value]) => "&" + readable(key) + "=" + readable(value)).join("");
  return window.location.origin + window.location.pathname + "?" + queryOf(state) + rest;
}

function rememberAddress(state) {
  const address = addressOf(state);
  window.history.replaceState(window.history.state, "", address);
  // On a Space the page lies in a frame; the Hub's page takes the query into its own address.
  if (window.parent !== window) {
    window.parent.postMessage({ queryString: new URL(address).search.slice(1) }, "https://huggingface.co");
  }
}

// Undo and redo. Changes of one control that follow each other within `pause` ms are one step.
class Past {
  constructor(pause = 600, most = 200) {
    Object.assign(this, { undos: [], redos: [], pause, most, last: "", time: 0 });
  }

  keep(state, control) {
    const now = performance.now();
    if (control && control === this.last && now - this.time < this.pause) {
      this.time = now;
      return;
    }
    this.undos = [...this.undos, copyOf(state)].slice(-this.most);
    this.redos = [];
    Object.assign(this, { last: control, time: now });
  }

  step(from, to, state) {
    if (!from.length) return null;
    to.push(copyOf(state));
    this.last = "";
    return from.pop();
  }

  undo(state) {
    return this.step(this.undos, this.redos, state);
  }

  redo(state) {
    return this.step(this.redos, this.undos, state);
  }
}
