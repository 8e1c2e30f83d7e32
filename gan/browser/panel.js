// The controls beside the picture: built for a checkpoint, and set to what the state says.

const PAGE = 12;
let page = 0;
let sliders = [];

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
    select.title = "Which kind of " + attribute.name + " the picture has; any: the seed decides";
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
  refill(find(".explore-sliders"), sliders.map((slider) => slider.row));
  offerAxes();
  watchStrips();
  find(".explore-heading h3").firstChild.textContent = raw ? "Raw z " : "Directions ";
  find(".explore-methods").hidden = raw;
  showMethodHint(raw ? model.coordinates_hint : undefined);
  showOwnMaker();
  find(".explore-pager").hidden = !raw;
  find(".explore-pager span").textContent =
    "coordinates " + page * PAGE + " to " + (Math.min(model.coordinates.length, (page + 1) * PAGE) - 1) + " of " + model.coordinates.length;
  switchOff(find(".explore-pager-back"), page === 0);
  switchOff(find(".explore-pager-on"), (page + 1) * PAGE >= model.coordinates.length);
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
  switchOff(find(".explore-undo"), !past.undos.length);
  switchOff(find(".explore-redo"), !past.redos.length);
  if (model) showMoved();
  showHeart();
}

function options(select, entries) {
  select.replaceChildren(...entries.map(([value, text]) => new Option(text, value)));
}

function showModel(description) {
  model = { ...description, space: spaceOf(description) };
  page = 0;
  beginAxes();
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
