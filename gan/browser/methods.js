// Sliders by the way in which they were found. The first ten come with a checkpoint; the server is asked for
// the further ones when they are wanted, because finding them takes a while.

const METHODS = {
  strongest: ["Strongest", "What changes the picture most, strongest first. A click on a number puts its slider back."],
  pca: ["PCA", "The ways in which the network's first layer varies most (principal component analysis)."],
  "closed-form": ["Closed form", "What the network's weights alone amplify most; no picture was looked at."],
  supervised: ["By name", "Fitted to labels or measurements, so that a slider does what its name says."],
  own: ["Yours", "Sliders that you make yourself. This browser remembers them."],
};
// Which part of the further directions holds the sliders of a kind; the others are there from the start.
const FOUND_BY = ["pca", "closed-form", "supervised"];
const PARTS = FOUND_BY.length;
let method = "strongest";

// What the explorer needs of a checkpoint to turn a state into z; the further directions are added later.
function spaceOf({ browser, directions }) {
  const { z_dim, vectors, styles } = browser;
  const limits = directions.map(({ limit }) => limit);
  return { z_dim, vectors: vectors.map(vectorOf), limits, first: limits.length, styles: stylesOf(styles) };
}

const allDirections = () => [...model.directions, ...(model.further || [])];
const reaches = (state) => state.edits.findLastIndex((edit) => edit) + 1;

// The further directions, once a checkpoint; the promise tells whether they are there.
function lookFurther() {
  const asked = model;
  asked.looking ||= findFurther(asked);
  return asked.looking;
}

// Part by part: what is found can be used while the rest is looked for.
async function findFurther(asked) {
  const started = performance.now();
  asked.further ||= [];
  for (let part = asked.part || 0; part !== null;) {
    asked.left = part ? Math.ceil(((performance.now() - started) * (PARTS - part)) / part / 1000) : null;
    if (model === asked) showMethodHint();
    const answer = await ask("explore_directions", { checkpoint: asked.checkpoint, part });
    if (answer.error) {
      asked.looking = null;
      if (model === asked) complain(answer.error);
      return false;
    }
    asked.further.push(...answer.directions);
    asked.space.vectors.push(...answer.directions.map(({ vector }) => Float32Array.from(vector)));
    asked.space.limits.push(...answer.directions.map(({ limit }) => limit));
    part = asked.part = answer.next;
    if (model === asked && part !== null && isFound(method)) rebuildSliders();
  }
  asked.complete = true;
  return model === asked;
}

// Whether all sliders of a kind are there: the parts come in the order of the kinds.
const isFound = (name) => model.complete || FOUND_BY.indexOf(name) < (model.part || 0);

// A link may count through more directions than are known yet: then the server draws until they are.
async function lookWhereNeeded() {
  if (reaches(state) <= model.space.limits.length || !(await lookFurther())) return;
  state.edits = state.edits.slice(0, model.space.limits.length)
    .map((edit, index) => within(edit || 0, -model.space.limits[index], model.space.limits[index]));
  before = copyOf(state);
  rebuildSliders();
  draw();
}

// The directions of a method with their places among the state's edits.
function directionsBy(name) {
  const known = allDirections().map((direction, index) => ({ ...direction, index }));
  if (name === "strongest") return known.slice(0, model.space.first);
  return known.slice(model.space.first).filter((direction) => direction.method === name);
}

function rebuildSliders() {
  find(".explore-sliders").dataset.mode = "";
  showControls();
}

async function chooseMethod(name) {
  method = name;
  rebuildSliders();
  if (isFound(name)) return;
  if (await lookFurther()) rebuildSliders();
  else if (method === name) showMethodHint("");
}

function showMethodHint(instead) {
  const waiting = !isFound(method);
  const none = !waiting && method !== "own" && !directionsBy(method).length;
  const looking = "Looking for these directions: " + ((model.part || 0) + 1) + " of " + PARTS + " kinds"
    + (model.left ? ", about " + model.left + " s left." : ".");
  const hint = waiting ? looking : none ? "This generator has no directions of this kind." : METHODS[method][1];
  find(".explore-mode-hint").textContent = instead ?? hint;
}

// How many sliders of each kind are away from the middle, as a small number at its name.
function showMoved() {
  for (const label of element.querySelectorAll(".explore-methods label")) {
    const name = label.firstChild.value;
    const count = name === "own"
      ? (state.own || []).filter(({ amount }) => amount).length
      : directionsBy(name).filter(({ index }) => state.edits[index]).length;
    label.lastChild.textContent = count ? String(count) : "";
    label.lastChild.title = count ? count + " moved" : "";
  }
}

function buildMethods() {
  find(".explore-methods").replaceChildren(...Object.entries(METHODS).map(([name, [title]]) => {
    const label = document.createElement("label");
    label.title = METHODS[name][1];
    const choice = document.createElement("input");
    Object.assign(choice, { type: "radio", name: "explore-method", value: name, checked: name === method });
    choice.addEventListener("change", () => model && chooseMethod(name));
    const count = document.createElement("b");
    const text = document.createElement("span");
    text.textContent = title;
    label.append(choice, text, count);
    return label;
  }));
}
