// The explorer: all state lives here, in `state`. This page's engine draws it, or the server, newest first.

const find = (selector) => element.querySelector(selector);
const stage = find(".explore-picture");
const canvas = find(".explore-picture canvas");
// Read for every download and never by a graphics card: at this size that is the quicker way to paint, too.
const context = canvas.getContext("2d", { willReadFrequently: true });
const PAGE = 12;
const SETTLED = 250;
const MOST_ALONG = 20;
const PATHS = {
  loading: "Getting ready to draw in your browser",
  browser: "Drawn in your browser",
  server: "Drawn by the server",
};

let state = freshState("");
let model = null;
let engine = null;
let opening = Promise.resolve();
let drawn = null;
let shownZ = [];
let page = 0;
let sliders = [];
let busy = false;
let dirty = false;
let settling = 0;
let before = copyOf(state);
let choices = [];
let notice = "";
const past = new Past();

async function ask(name, question) {
  const silence = { error: "The server does not answer. Look at your connection and try again." };
  try {
    return (await server[name](question)) || silence;
  } catch (failure) {
    return silence;
  }
}

function complain(sentence) {
  const line = find(".explore-error");
  line.textContent = sentence || "";
  line.hidden = !sentence;
}

// Which way pictures come, and where between seeds they lie: one quiet line below the picture.
function showPath(path) {
  const line = find(".explore-path");
  line.dataset.path = path || line.dataset.path;
  const { seeds, place } = state.between || {};
  const where = !seeds ? (state.base ? " · a picture of its own, from no seed" : "") : seeds[0] === seeds[2]
    ? " · between seeds " + seeds[0] + " and " + seeds[1] + ", " + Math.round(100 * place[0]) + " %"
    : " · between seeds " + seeds.join(", ");
  line.textContent = PATHS[line.dataset.path] + where;
}

// The engine of a checkpoint that was opened; where it cannot be had, the server goes on drawing.
function openEngine(description) {
  if (engine) engine.close();
  engine = null;
  showPath(description.browser.version || props.model ? "loading" : "server");
  if (find(".explore-path").dataset.path === "server") {
    draw();
    return;
  }
  opening = Engine.open(description).then(
    (opened) => {
      if (model !== description) {
        opened.close();
        return;
      }
      engine = opened;
      showPath("browser");
      draw();
    },
    (failure) => {
      if (model !== description) return;
      withoutEngine(failure);
      draw();
    },
  );
}

function withoutEngine(failure) {
  console.info("The generator does not run in this page: " + failure);
  engine = null;
  showPath("server");
  for (const slider of sliders) slider.strip?.replaceChildren();
}

// A picture of `asked`, or `{ error }`. What came back also says whether it was drawn here (`image`).
async function drawing(asked) {
  if (props.model) await opening;
  if (engine?.knows(asked)) {
    try {
      return await engine.draw(asked);
    } catch (failure) {
      withoutEngine(failure);
    }
  }
  const answer = await ask("explore_render", asked);
  return answer.error ? answer : decoded(answer);
}

async function decoded(answer) {
  const image = new Image();
  image.src = answer.picture;
  await image.decode();
  return { ...answer, decoded: image };
}

// The picture that came with the page, until this page draws its own.
async function showFirst(answer) {
  const first = await decoded(answer);
  if (!drawn && !busy) showPicture(first);
}

// Newest position wins: while a picture is drawn, changes only leave a mark, and the newest state goes next.
async function draw() {
  if (!state.checkpoint) return;
  if (busy) {
    dirty = true;
    return;
  }
  busy = true;
  stopErrands();
  stage.setAttribute("aria-busy", "true");
  do {
    dirty = false;
    showPicture(await drawing(copyOf(state)));
  } while (dirty);
  busy = false;
  stage.setAttribute("aria-busy", "false");
  clearTimeout(settling);
  settling = setTimeout(settle, SETTLED);
}

function paint(target, { image, decoded }) {
  const { width, height } = image || decoded;
  if (target.width !== width || target.height !== height) Object.assign(target, { width, height });
  const on = target === canvas ? context : target.getContext("2d");
  if (image) on.putImageData(image, 0, 0);
  else on.drawImage(decoded, 0, 0);
}

function showPicture(answer) {
  complain(answer.error || notice);
  if (answer.error) return;
  drawn = answer;
  paint(canvas, answer);
  canvas.dataset.frame = Number(canvas.dataset.frame || 0) + 1;
  canvas.setAttribute("aria-label", "Drawn by " + (model ? model.title : "the generator") + " from seed " + state.seed);
  shownZ = answer.z || [];
  if (answer.opinion) showOpinion(answer.opinion);
  if (state.mode === "raw") showCoordinates();
  showPath();
}

function showOpinion(opinion) {
  find(".explore-opinion").textContent = opinion.sentence;
  find(".explore-bars").hidden = opinion.generated === null;
  for (const bar of element.querySelectorAll("[data-share]")) {
    bar.style.width = 100 * (opinion[bar.dataset.share] || 0) + "%";
  }
}

// What can wait until the picture stands still: the link, and the errands.
function settle() {
  find(".explore-link").value = addressOf(state);
  if (past.undos.length || past.redos.length) rememberAddress(state);
  runErrands();
}

// A change: what was before goes to undo, the controls follow, the picture is drawn.
function change(act, control = "") {
  pause();
  past.keep(before, control);
  notice = "";
  act();
  before = copyOf(state);
  showControls();
  draw();
}

function travel(there) {
  if (!there) return;
  pause();
  const checkpoint = state.checkpoint;
  state = there;
  before = copyOf(state);
  if (state.checkpoint !== checkpoint) open(state);
  else {
    showControls();
    draw();
  }
}

// A slider moves the state at once; undo remembers it when it is let go, and a run of key presses as one step.
// `set` is told which state: the one that is shown, or a copy for the slider's strip.
function sliding(control, set) {
  return {
    preview(value) {
      const other = copyOf(state);
      set(other, value);
      return other;
    },
    onInput(value) {
      notice = "";
      set(state, value);
      draw();
    },
    onDone(byKey) {
      if (JSON.stringify(before) === JSON.stringify(state)) return;
      past.keep(before, byKey ? control : "");
      before = copyOf(state);
      showHistory();
    },
  };
}

const truncation = makeSlider({
  name: "Truncation", hint: "Below 1 more typical, above 1 stranger.", low: 0, high: 2, step: 0.05, rest: OPENING_TRUNCATION, digits: 2,
  ...sliding("truncation", (target, value) => { target.truncation = value; }),
});
truncation.range.classList.add("explore-truncation");
find(".explore-truncation-place").append(truncation.row);

const frames = makeSlider({
  name: "Frames", hint: "Pictures from one seed to the next.", low: 6, high: 24, step: 1, rest: 16, digits: 0,
  onInput() {}, onDone() {},
});
frames.range.classList.add("explore-walk-frames");
find(".explore-walk-frames-place").append(frames.row);

function directionSlider(direction) {
  const { index } = direction;
  const slider = makeSlider({
    name: direction.name, low: -direction.limit, high: direction.limit, step: 0.1, rest: 0,
    attribute: "data-direction", index,
    ...sliding("direction " + index, (target, value) => {
      while (target.edits.length <= index) target.edits.push(0);
      target.edits[index] = value;
    }),
  });
  if (model.layers.length) {
    slider.layers = layerMenu(index, direction.name);
    slider.row.append(slider.layers.menu);
    slider.layers.show();
  }
  return Object.assign(slider, { index, valueIn: (target) => target.edits[index] || 0 });
}

// A latent vector that chooses: its first coordinates are wishes for one value each, and the strongest counts.
// A value that is asked for gets the strongest wish there is, so it is kept and shared as any raw coordinate.
function wishes() {
  let start = 0;
  return model.attributes.map((attribute) => {
    const first = start;
    start += attribute.values.length;
    return { ...attribute, first };
  });
}

function askedFor({ first, values }) {
  return values.findIndex((_, offset) => state.raw[first + offset] === STRONGEST_WISH);
}

// A picture of mixed styles has no z to wish in: wishes begin at its seed.
function beginAtZ(target) {
  if (ownStyles(target, model.space)) delete target.base;
}

function askFor({ first, values }, chosen) {
  beginAtZ(state);
  values.forEach((_, offset) => delete state.raw[first + offset]);
  if (chosen >= 0) state.raw[first + chosen] = STRONGEST_WISH;
}

// "hat 3" in the menu of hats is "3": the menu says the rest.
function shortName(name, attribute) {
  return name.startsWith(attribute.name + " ") ? name.slice(attribute.name.length + 1) : name;
}

function buildAttributes() {
  find(".explore-attributes").hidden = !model.attributes.length;
  find(".explore-attribute-list").replaceChildren(...wishes().map((attribute) => {
    const label = document.createElement("label");
    const select = document.createElement("select");
    label.className = "explore-field";
    label.append(attribute.name, select);
    options(select, [[-1, "any"], ...attribute.values.map((name, value) => [value, shortName(name, attribute)])]);
    select.dataset.attribute = attribute.name;
    select.addEventListener("change", () => change(() => askFor(attribute, Number(select.value))));
    return label;
  }));
}

function showAttributes() {
  const selects = element.querySelectorAll(".explore-attribute-list select");
  wishes().forEach((attribute, index) => { selects[index].value = askedFor(attribute); });
}

function coordinateSlider(index) {
  return makeSlider({
    name: model.coordinates[index], low: -4, high: 4, step: 0.05, rest: 0, digits: 2, attribute: "data-coordinate", index,
    ...sliding("coordinate " + index, (target, value) => {
      beginAtZ(target);
      target.raw[index] = value;
    }),
  });
}

function buildSliders() {
  const raw = state.mode === "raw";
  const places = raw ? [...model.coordinates.keys()].slice(page * PAGE, (page + 1) * PAGE) : [];
  if (raw) sliders = places.map(coordinateSlider);
  else sliders = method === "own" ? ownDirections().map(ownSlider) : directionsBy(method).map(directionSlider);
  find(".explore-sliders").replaceChildren(...sliders.map((slider) => slider.row));
  watchStrips();
  find(".explore-heading h3").firstChild.textContent = raw ? "Raw z " : "Directions ";
  find(".explore-methods").hidden = raw;
  showMethodHint(raw ? model.coordinates_hint : undefined);
  showOwnMaker();
  find(".explore-pager").hidden = !raw;
  find(".explore-pager span").textContent =
    "coordinates " + page * PAGE + " to " + (Math.min(model.coordinates.length, (page + 1) * PAGE) - 1) + " of " + model.coordinates.length;
  find(".explore-pager-back").disabled = page === 0;
  find(".explore-pager-on").disabled = (page + 1) * PAGE >= model.coordinates.length;
}

function showCoordinates() {
  for (const slider of sliders) {
    const index = Number(slider.range.dataset.coordinate);
    const held = slider.range === document.activeElement && state.raw[index] !== undefined;
    if (!held) slider.show(state.raw[index] ?? shownZ[index] ?? 0);
    slider.row.classList.toggle("explore-moved", state.raw[index] !== undefined);
  }
}

function showControls() {
  if (!model) return;
  find(".explore-checkpoint").value = state.checkpoint;
  find(".explore-class").value = state.class;
  showAttributes();
  find(".explore-seed").value = state.seed;
  find(".explore-raw").checked = state.mode === "raw";
  truncation.show(state.truncation);
  if (find(".explore-sliders").dataset.mode !== state.mode || ownMissing()) {
    find(".explore-sliders").dataset.mode = state.mode;
    buildSliders();
  }
  if (state.mode === "raw") showCoordinates();
  else for (const slider of sliders) {
    slider.show(slider.valueIn(state));
    slider.layers?.show();
  }
  showHistory();
}

function showHistory() {
  find(".explore-undo").disabled = !past.undos.length;
  find(".explore-redo").disabled = !past.redos.length;
  if (model) showMoved();
  showHeart();
}

function options(select, entries) {
  select.replaceChildren(...entries.map(([value, text]) => new Option(text, value)));
}

function showModel(description) {
  model = { ...description, space: spaceOf(description) };
  page = 0;
  offerPlane();
  find(".explore-sliders").dataset.mode = "";
  options(find(".explore-class"), model.classes.map((name, index) => [index, name]));
  find(".explore-class").closest("label").hidden = !model.classes.length;
  buildAttributes();
  find(".explore-layers-hint").hidden = !model.layers.length;
  find(".explore-credit").textContent = model.credit;
  find(".explore-judge").hidden = !model.judged;
  find(".explore-download-small").textContent = model.resolution + " px";
  find(".explore-download").textContent = "Download";
  const select = find(".explore-checkpoint");
  if (![...select.options].some((option) => option.value === model.checkpoint)) {
    select.append(new Option(model.title, model.checkpoint));
  }
  showControls();
  openEngine(model);
  lookWhereNeeded();
  drawTiles();
}

// Picture first: directions of a new checkpoint may take the server a few seconds.
async function open(next) {
  const left = copyOf(state);
  state = next;
  draw();
  const description = await ask("explore_open", { checkpoint: next.checkpoint });
  if (state.checkpoint !== next.checkpoint) return;
  if (description.error) {
    stay(left, description.error);
    return;
  }
  fit(description);
  before = copyOf(state);
  showModel(description);
}

// A link may ask for more than this generator has: the link that is shown again asks for what is drawn.
function fit(description) {
  if (state.class >= Math.max(1, description.classes.length)) state.class = 0;
  const limit = (index) => description.directions[index]?.limit ?? MOST_ALONG;
  state.edits = state.edits.map((edit, index) => within(edit || 0, -limit(index), limit(index)));
  const known = Object.entries(state.raw).filter(([index]) => Number(index) < description.coordinates.length);
  state.raw = Object.fromEntries(known.map(([index, value]) => [index, within(value, -4, 4)]));
  const last = description.layers.length ? description.layers[0][2] : -1;
  const ranges = Object.entries(state.layers || {}).filter(([, [first]]) => first <= last);
  if (ranges.length) state.layers = Object.fromEntries(ranges.map(([index, [first, to]]) => [index, [first, Math.min(to, last)]]));
  else delete state.layers;
}

// The wished checkpoint cannot be opened: say so, and keep the one that was there, or take the first.
function stay(left, sentence) {
  notice = sentence;
  complain(sentence);
  if (model) {
    state = left.checkpoint === model.checkpoint ? left : freshState(model.checkpoint);
    before = copyOf(state);
    showControls();
    draw();
  } else {
    state.checkpoint = "";
    openFirst();
  }
}

function openFirst() {
  if (!state.checkpoint && choices.length) open(freshState(choices[0].checkpoint));
}

function openNew(checkpoint) {
  notice = "";
  pause();
  past.keep(before, "");
  open({ ...freshState(checkpoint), seed: state.seed, truncation: state.truncation });
}

// Another state as one change, of this or of another checkpoint.
function openState(next) {
  if (next.checkpoint === state.checkpoint && model?.checkpoint === next.checkpoint) {
    change(() => { state = copyOf(next); });
    return;
  }
  notice = "";
  pause();
  past.keep(before, "");
  open(copyOf(next));
}

function offer(offered) {
  choices = offered;
  const select = find(".explore-checkpoint");
  const groups = new Map();
  for (const choice of choices) {
    if (!groups.has(choice.group)) {
      groups.set(choice.group, document.createElement("optgroup"));
      groups.get(choice.group).label = choice.group;
    }
    groups.get(choice.group).append(new Option(choice.title, choice.checkpoint));
  }
  select.replaceChildren(...groups.values());
  if (model && !choices.some((choice) => choice.checkpoint === model.checkpoint)) {
    select.append(new Option(model.title, model.checkpoint));
  }
  if (state.checkpoint) select.value = state.checkpoint;
}
