// From the explorer's state to a latent vector, as gan/explorer.py and gan/latent.py have it.

const LONGEST_NEIGHBOUR_STEP = 2;
const NEIGHBOURS = 8;
const PARALLEL = 1e-6;
const NOTHING_LEFT = 1e-3;
const seedVectors = new Map();

// z of a seed as float32; the last few are kept, because a slider asks for the same one again and again.
function seedVector(seed, size) {
  const name = seed + " " + size;
  if (!seedVectors.has(name)) {
    if (seedVectors.size > 32) seedVectors.clear();
    seedVectors.set(name, Float32Array.from(randn(seed, size)));
  }
  return seedVectors.get(name);
}

const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);
const lengthOf = (a) => Math.sqrt(dot(a, a));
const mixed = (a, b, t) => a.map((value, i) => (1 - t) * value + t * b[i]);

// A unit vector at right angles to `unit`: the axis that it has least of, made orthogonal.
function rightAngle(unit) {
  const least = unit.reduce((best, value, i) => (Math.abs(value) < Math.abs(unit[best]) ? i : best), 0);
  const side = unit.map((value, i) => (i === least ? 1 : 0) - unit[least] * value);
  return side.map((value) => value / lengthOf(side));
}

// `vector` without what the others do, of length 1: Gram and Schmidt, twice for rounding. Null when nothing is left.
function apartFrom(vector, others) {
  const basis = [];
  const without = (a) => basis.reduce((rest, unit) => {
    const share = dot(rest, unit);
    return rest.map((value, i) => value - share * unit[i]);
  }, a);
  for (const other of others) {
    const rest = without(without(Float64Array.from(other)));
    if (lengthOf(rest) > 1e-6) basis.push(rest.map((value) => value / lengthOf(rest)));
  }
  const rest = without(without(Float64Array.from(vector)));
  return lengthOf(rest) < NOTHING_LEFT ? null : rest.map((value) => value / lengthOf(rest));
}

// Spherical interpolation at `t`, see gan/latent.py.
function slerp(start, end, t) {
  let a = Float64Array.from(start);
  let b = Float64Array.from(end);
  const lengths = [lengthOf(a), lengthOf(b)];
  if (Math.min(...lengths) < PARALLEL) return mixed(a, b, t);
  a = a.map((value) => value / lengths[0]);
  b = b.map((value) => value / lengths[1]);
  const long = (1 - t) * lengths[0] + t * lengths[1];
  const cosine = within(dot(a, b), -1, 1);
  if (cosine > 1 - PARALLEL) {
    const between = mixed(a, b, t);
    const size = lengthOf(between);
    return between.map((value) => (long * value) / size);
  }
  const theta = Math.acos(cosine);
  let side = cosine < -1 + PARALLEL ? rightAngle(a) : b.map((value, i) => value - cosine * a[i]);
  const size = lengthOf(side);
  side = side.map((value) => value / size);
  return a.map((value, i) => long * (Math.cos(t * theta) * value + Math.sin(t * theta) * side[i]));
}

// The plane between four seeds, and with (a, b, a, b) the way from one seed to the next.
function planeVector({ seeds, place }, size) {
  const [a, b, c, d] = seeds.map((seed) => seedVector(seed, size));
  return slerp(slerp(a, b, place[0]), slerp(c, d, place[0]), place[1]);
}

// Where a state starts: a place between seeds, its own latent vector where that fits, or its seed's.
function startOf(state, size) {
  if (state.between) return planeVector(state.between, size);
  const base = state.base ? remembered(decodeLatent, state.base) : null;
  return base?.length === size ? base : seedVector(state.seed, size);
}

// The coordinates by which a picture chooses its attributes; `size` of them.
function wishesOf(state, space, size) {
  const z = knownZ(state, space);
  return z ? Object.fromEntries(Array.from(z.slice(0, size)).entries()) : {};
}

// A place on a walk with the attributes of either end: what fades from one to the other; see gan/walk.py.
function endsOf(state, space, size) {
  return state.between.seeds.slice(0, 2).map((seed) => {
    const { between, base, ...stop } = { ...state, seed };
    return { ...state, raw: { ...wishesOf(stop, space, size), ...state.raw } };
  });
}

function withRaw(z, state) {
  for (const [index, value] of Object.entries(state.raw)) if (Number(index) < z.length) z[index] = value;
  return z;
}

// z = truncation z(start) + sum of edits along the directions, and along the visitor's own; raw coordinates
// then replace theirs. With styles it is all of these, and raw coordinates come before the mapping network.
function latentOf(state, space) {
  const { vectors, limits } = space;
  const z = truncatedStart(state, space);
  const along = (vector, amount, between) => {
    const step = amount && stepAlong(vector, space, between);
    if (step) step.forEach((value, i) => { z[i] += amount * value; });
  };
  state.edits.slice(0, vectors.length).forEach((edit, k) => {
    along(vectors[k], within(edit || 0, -limits[k], limits[k]), state.layers?.[k]);
  });
  for (const { vector, amount } of state.own || []) along(remembered(decodeDirection, vector), amount);
  return space.styles ? z : withRaw(z, state);
}

// A number as Python writes a float, and a state as its json.dumps: the server draws its neighbours from that.
const pythonFloat = (value) => (Number.isInteger(value) ? value + ".0" : String(value));

const toHundredths = (value) => Math.round((value || 0) * 100) / 100 + 0;

function pythonOwn(own) {
  const each = own.map(({ name, vector, amount }) =>
    `{"name": ${asciiJson(name)}, "vector": "${vector}", "amount": ${pythonFloat(toHundredths(amount))}}`);
  return each.length ? `, "own": [${each.join(", ")}]` : "";
}

function pythonLayers(layers) {
  const each = Object.entries(layers).map(([index, [first, last]]) => `"${index}": [${first}, ${last}]`);
  return each.length ? `, "layers": {${each.join(", ")}}` : "";
}

function pythonState(state) {
  const edits = state.edits.map(toHundredths);
  while (edits.length && !edits[edits.length - 1]) edits.pop();
  const raw = Object.entries(state.raw).map(([index, value]) => `"${index}": ${pythonFloat(value)}`);
  const between = state.between
    ? `, "between": {"seeds": [${state.between.seeds.join(", ")}], "place": [${state.between.place.map(pythonFloat).join(", ")}]}`
    : "";
  return (
    `{"checkpoint": ${asciiJson(state.checkpoint)}, "seed": ${state.seed}, ` +
    `"truncation": ${pythonFloat(state.truncation)}, "class": ${state.class}, "mode": "", ` +
    `"edits": [${edits.map(pythonFloat).join(", ")}], "raw": {${raw.join(", ")}}${between}` +
    pythonOwn(state.own || []) + (state.base ? `, "base": "${state.base}"` : "") + pythonLayers(state.layers || {}) + "}"
  );
}

// States near this one: the same distance away, each somewhere else, always the same ones.
function neighbourStates(state, space) {
  const moved = state.edits.findLastIndex(toHundredths) + 1;
  const first = space.first ?? space.limits.length;
  const limits = moved > first ? space.limits : space.limits.slice(0, first);
  const count = limits.length;
  if (!count) return [];
  const steps = randn(crc32(new TextEncoder().encode(pythonState(state))), NEIGHBOURS * count);
  return Array.from({ length: NEIGHBOURS }, (_, n) => {
    const step = steps.slice(n * count, (n + 1) * count);
    const size = lengthOf(step);
    const edits = limits.map((limit, k) => {
      const change = (LONGEST_NEIGHBOUR_STEP * step[k]) / size;
      const edit = state.edits[k] || 0;
      const there = Math.abs(edit + change) <= limit ? edit + change : edit - change;
      return Math.round(10 * within(there, -limit, limit)) / 10;
    });
    return { ...copyOf(state), edits };
  });
}
