// Vectors as short texts for links and JSON, as gan/codes.py writes them: whole numbers in base64.

const LARGEST_STEP = 32767;
const LATENT_STEPS = 4096;
const DIRECTION_STEPS = 127;
const LONGEST_VECTOR = 4096;
const LONGEST_NAME = 40;
const decodedTexts = new Map();

// Half to even, as torch rounds.
function roundEven(value) {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 ? below + 1 : below;
}

function textOf(bytes) {
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

// The bytes of such a text for numbers of `width` bytes each; null for anything else.
function bytesOf(text, width) {
  if (typeof text !== "string" || !/^[\w-]+$/.test(text) || text.length > 2 * LONGEST_VECTOR * width) return null;
  try {
    const bytes = Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
    const count = bytes.length / width;
    const right = Number.isInteger(count) && count >= 2 && count <= LONGEST_VECTOR && textOf(bytes) === text;
    return right ? bytes : null;
  } catch (damaged) {
    return null;
  }
}

function encodeLatent(z) {
  const view = new DataView(new ArrayBuffer(2 * z.length));
  z.forEach((value, i) => view.setInt16(2 * i, within(roundEven(value * LATENT_STEPS), -LARGEST_STEP, LARGEST_STEP), true));
  return textOf(new Uint8Array(view.buffer));
}

function decodeLatent(text) {
  const bytes = bytesOf(text, 2);
  if (!bytes) return null;
  const view = new DataView(bytes.buffer);
  return Float32Array.from({ length: bytes.length / 2 }, (_, i) => view.getInt16(2 * i, true) / LATENT_STEPS);
}

// The way of a vector, not its length; "" for one that leads nowhere.
function encodeDirection(vector) {
  const largest = vector.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  if (!(largest > 1e-6 && largest < Infinity)) return "";
  const steps = Int8Array.from(vector, (value) => roundEven((value / largest) * DIRECTION_STEPS));
  return textOf(new Uint8Array(steps.buffer));
}

function decodeDirection(text) {
  const bytes = bytesOf(text, 1);
  const vector = bytes && Float32Array.from(new Int8Array(bytes.buffer));
  const size = vector ? lengthOf(vector) : 0;
  return size ? vector.map((value) => value / size) : null;
}

// Texts of the present state, decoded once: a slider asks for the same ones again and again.
function remembered(decode, text) {
  const name = decode.name + text;
  if (!decodedTexts.has(name)) {
    if (decodedTexts.size > 64) decodedTexts.clear();
    decodedTexts.set(name, decode(text));
  }
  return decodedTexts.get(name);
}

// A visitor's name for something: one line of printable text, as gan/explorer.py keeps it.
function ownName(text) {
  const words = String(text).slice(0, 400).replace(/[\p{C}\p{Z}]/gu, " ").trim().split(/ +/).join(" ");
  return [...words].slice(0, LONGEST_NAME).join("").trim();
}

// JSON in ASCII alone, as Python's json.dumps writes texts.
function asciiJson(value) {
  return JSON.stringify(value).replace(/[\x7f-\uffff]/g, (letter) => "\\u" + letter.charCodeAt(0).toString(16).padStart(4, "0"));
}
