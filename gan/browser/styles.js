// Generators with a style for each layer: from z to w as gan/networks/style.py has it, and which layers a slider moves.

const SHARPNESS = 20;

const sizeOf = ({ z_dim, styles }) => z_dim * (styles ? styles.layers : 1);

// The mapping network's numbers, unpacked once.
function stylesOf(packed) {
  return packed && { ...packed, weights: packed.weights.map(vectorOf), biases: packed.biases.map(vectorOf) };
}

function softmax(wishes) {
  const most = Math.max(...wishes);
  const powers = wishes.map((wish) => Math.exp(SHARPNESS * (wish - most)));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

// What the mapping network gets: granted wishes, free numbers of one length, the class.
function mappingInput(z, label, { told, classes }) {
  const input = [];
  for (const size of told) input.push(...softmax(Array.from(z.slice(input.length, input.length + size))));
  const free = Array.from(z.slice(input.length));
  const root = Math.sqrt(free.reduce((sum, value) => sum + value * value, 0) / free.length + 1e-8);
  input.push(...free.map((value) => value / root));
  const known = within(label, 0, Math.max(0, classes - 1));
  return [...input, ...Array.from({ length: classes }, (_, index) => (index === known ? 1 : 0))];
}

function wOf(z, label, styles) {
  return styles.weights.reduce((x, weight, level) => {
    const y = Array.from(styles.biases[level], (bias, row) =>
      x.reduce((sum, value, column) => sum + weight[row * x.length + column] * value, bias));
    return level < styles.weights.length - 1 ? y.map((value) => (value < 0 ? 0.2 * value : value)) : y;
  }, mappingInput(z, label, styles));
}

// The styles that a state holds instead of a z, such as those of a mixed picture; null where it starts from z.
function ownStyles(state, space) {
  if (!space.styles || state.between || !state.base) return null;
  const base = remembered(decodeLatent, state.base);
  return base?.length === sizeOf(space) ? base : null;
}

// z before the mapping network, with raw coordinates; null where only styles are known.
function knownZ(state, space) {
  if (!space.styles) return latentOf(state, space);
  if (ownStyles(state, space)) return null;
  return withRaw(Float32Array.from(startOf(state, space.z_dim)), state);
}

// Where a state starts, truncated, before its sliders: z, or the styles of all layers.
function truncatedStart(state, space) {
  const psi = (value) => state.truncation * value;
  if (!space.styles) return Float32Array.from(startOf(state, space.z_dim), psi);
  const own = ownStyles(state, space);
  if (own) return Float32Array.from(own, psi);
  const w = wOf(knownZ(state, space), state.class, space.styles);
  return Float32Array.from({ length: sizeOf(space) }, (_, i) => psi(w[i % space.z_dim]));
}

// What one unit along a direction of w, or of all styles, adds to a point; null for another generator's.
function stepAlong(vector, space, between) {
  const size = sizeOf(space);
  if (!vector || (vector.length !== size && vector.length !== space.z_dim)) return null;
  if (!space.styles) return vector;
  const scale = vector.length === size ? Math.sqrt(space.styles.layers) : 1;
  const [first, last] = between || [0, space.styles.layers - 1];
  return Float32Array.from({ length: size }, (_, i) => {
    const layer = Math.floor(i / space.z_dim);
    return layer < first || layer > last ? 0 : scale * vector[i % vector.length];
  });
}

// A step that is the same in every layer as one of w.
function narrowed(step, { z_dim }) {
  const first = step.slice(0, z_dim);
  return step.every((value, i) => value === first[i % z_dim]) ? first : step;
}

// Which layers a slider moves; nothing to choose where the generator has no styles.
function layerMenu(index, name) {
  const menu = document.createElement("select");
  const [[, , last]] = model.layers;
  menu.className = "explore-layers";
  menu.dataset.layers = index;
  menu.title = "Which layers this slider moves: coarse ones make shapes, fine ones colours and details.";
  menu.setAttribute("aria-label", name + ": layers");
  menu.append(...model.layers.map(([text, from, to]) => new Option(text, from + "-" + to)));
  const named = new Set(model.layers.map(([, from, to]) => from + "-" + to));
  const others = document.createElement("optgroup");
  others.label = "from layer to layer";
  for (let from = 0; from <= last; from++) {
    for (let to = from; to <= last; to++) {
      const text = from === to ? "layer " + (from + 1) : "layers " + (from + 1) + " to " + (to + 1);
      if (!named.has(from + "-" + to)) others.append(new Option(text, from + "-" + to));
    }
  }
  menu.append(others);
  menu.addEventListener("change", () => change(() => {
    const [from, to] = menu.value.split("-").map(Number);
    const { [index]: _, ...rest } = state.layers || {};
    state.layers = from === 0 && to === last ? rest : { ...rest, [index]: [from, to] };
    if (!Object.keys(state.layers).length) delete state.layers;
  }));
  return {
    menu,
    show() {
      const [from, to] = state.layers?.[index] || [0, last];
      menu.value = from + "-" + Math.min(to, last);
    },
  };
}
