// The visitor's own sliders: made from what was moved, from two favourites, or from another slider kept apart.

const MOST_REMEMBERED = 40;

const ownShelf = () => "own-" + sizeOf(model.space);

// What this browser remembers for generators of this size; whoever wrote it there, only what is right counts.
function rememberedOwn() {
  const kept = recall(ownShelf());
  return (Array.isArray(kept) ? kept : []).filter((each) => each && fits(each)).map(({ name, vector, from }) =>
    ({ name: ownName(name), vector, from: String(from || "") }));
}

function fits({ name, vector }) {
  return Boolean(ownName(name ?? "") && stepAlong(decodeDirection(vector), model.space));
}

// All own sliders that are shown: those of this browser, of the checkpoint's folder, and of the present link.
function ownDirections() {
  const found = new Map();
  for (const each of rememberedOwn()) found.set(each.vector, { ...each, place: "here" });
  for (const each of model.kept) if (!found.has(each.vector)) found.set(each.vector, { ...each, place: "checkpoint" });
  for (const each of state.own || []) if (!found.has(each.vector) && fits(each)) found.set(each.vector, { ...each, place: "link" });
  return [...found.values()];
}

const amountOf = (target, vector) => (target.own || []).find((each) => each.vector === vector)?.amount || 0;

function setOwn(target, { name, vector }, amount) {
  const own = (target.own || []).filter((each) => each.amount || each.vector === vector);
  const index = own.findIndex((each) => each.vector === vector);
  if (index >= 0) own[index] = { ...own[index], amount };
  else if (own.length < MOST_OWN) own.push({ name, vector, amount });
  else if (target === state) complain("At most " + MOST_OWN + " of your own sliders can be away from the middle; put one back first.");
  target.own = own.filter((each) => each.amount);
  if (!target.own.length) delete target.own;
}

// Whether the state goes along an own direction that has no slider yet, such as after a favourite was opened.
function ownMissing() {
  const there = new Set(sliders.map(({ range }) => range.dataset.own));
  return method === "own" && state.mode !== "raw" && (state.own || []).some((each) => fits(each) && !there.has(each.vector));
}

const HINTS = { here: "", checkpoint: "kept with the checkpoint", link: "from a link" };

function ownSlider(direction) {
  const hint = direction.place === "here" && direction.from !== model.title ? "made with " + direction.from : HINTS[direction.place];
  const slider = makeSlider({
    name: direction.name, hint, low: -OWN_LIMIT, high: OWN_LIMIT, step: 0.1, rest: 0,
    attribute: "data-own", index: direction.vector,
    ...sliding("own " + direction.vector, (target, value) => setOwn(target, direction, value)),
  });
  slider.valueIn = (target) => amountOf(target, direction.vector);
  slider.row.append(ownButtons(direction, slider));
  return slider;
}

const ownSliderOf = (vector) => sliders.find(({ range }) => range.dataset.own === vector);

function textButton(text, explanation, act) {
  const button = document.createElement("button");
  Object.assign(button, { type: "button", textContent: text, title: explanation });
  button.addEventListener("click", act);
  return button;
}

function ownButtons(direction, slider) {
  const buttons = document.createElement("div");
  buttons.className = "explore-own-buttons";
  if (direction.place === "link") {
    buttons.append(textButton("Remember", "Keep this slider in this browser", () => rememberOwn(direction)));
  }
  if (direction.place === "here") {
    buttons.append(
      textButton("Rename", "Give this slider another name", () => rename(direction, slider)),
      textButton("Delete", "Forget this slider and put the picture back", () => forgetOwn(direction)),
    );
    if (state.checkpoint.startsWith("runs/") && !model.kept.some(({ vector }) => vector === direction.vector)) {
      const why = "Write this slider into the checkpoint's folder, so that it is pushed to the Hub with it";
      buttons.append(textButton("Keep with the checkpoint", why, () => keepOwn(direction)));
    }
  }
  return buttons;
}

function rememberOwn({ name, vector }) {
  const others = rememberedOwn().filter((each) => each.vector !== vector);
  if (others.length >= MOST_REMEMBERED) return complain("This browser remembers at most " + MOST_REMEMBERED + " sliders; delete one first.");
  memorise(ownShelf(), [...others, { name, vector, from: model.title }]);
  return rebuildSliders();
}

// In the sliders that are remembered and in the present picture.
function nameAnew(vector, name) {
  memorise(ownShelf(), rememberedOwn().map((each) => (each.vector === vector ? { ...each, name } : each)));
  for (const each of state.own || []) if (each.vector === vector) each.name = name;
  before = copyOf(state);
  rebuildSliders();
  settle();
}

function rename({ name, vector }, slider) {
  const field = document.createElement("input");
  Object.assign(field, { type: "text", value: name, maxLength: LONGEST_NAME, ariaLabel: "New name of " + name });
  const back = () => ownSliderOf(vector)?.row.querySelector(".explore-own-buttons button").focus();
  const done = () => {
    nameAnew(vector, ownName(field.value) || name);
    back();
  };
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== "Escape") return;
    // Else the key would press the button that gets the focus.
    event.preventDefault();
    if (event.key === "Enter") return done();
    rebuildSliders();
    back();
  });
  slider.row.querySelector(".explore-own-buttons").replaceChildren(field, textButton("Save", "Use this name", done));
  field.select();
}

async function keepOwn(direction) {
  const asked = model;
  const answer = await ask("explore_keep", { checkpoint: state.checkpoint, own: [direction] });
  complain(answer.error);
  if (answer.error) return;
  asked.kept = answer.kept;
  if (asked === model) rebuildSliders();
}

// A new slider along `vector`; what it is called stands in the field.
function makeOwn(vector, problem) {
  const field = find(".explore-own-name");
  const name = ownName(field.value);
  const text = encodeDirection(narrowed(vector, model.space));
  if (!text) return complain(problem);
  if (!name) {
    field.focus();
    return complain("Give your slider a name first, such as: opens the eyes.");
  }
  complain("");
  field.value = "";
  method = "own";
  buildMethods();
  return rememberOwn({ name, vector: text });
}

// What all sliders together add to z.
function shiftOf(target) {
  const still = { ...target, truncation: 0, raw: {} };
  return latentOf(still, model.space);
}

function movedVectors(except) {
  const edits = model.space.vectors.map((vector, index) =>
    index !== except && state.edits[index] && stepAlong(vector, model.space, state.layers?.[index]));
  const own = (state.own || []).map(({ vector, amount }) => amount && stepAlong(decodeDirection(vector), model.space));
  return [...edits, ...own].filter(Boolean);
}

function makeApart() {
  const index = Number(find(".explore-own-apart-from").value);
  const others = movedVectors(index);
  if (!others.length) return complain("Move at least one other slider first: the new one will leave alone what that one does.");
  const vector = apartFrom(stepAlong(model.space.vectors[index], model.space, state.layers?.[index]), others);
  if (!find(".explore-own-name").value.trim()) find(".explore-own-name").value = allDirections()[index].name.split(" · ")[0] + " apart";
  return makeOwn(vector || [], "Nothing of this slider is left without the others; put one of them back.");
}

function showOwnMaker() {
  const shown = method === "own" && state.mode !== "raw";
  find(".explore-own").hidden = !shown;
  if (!shown) return;
  const menu = find(".explore-own-apart-from");
  const chosen = menu.value;
  options(menu, allDirections().map(({ name }, index) => [index, name]));
  if (chosen) menu.value = chosen;
}

find(".explore-own-moved").addEventListener("click", () => {
  makeOwn(shiftOf(state), "Move at least one slider first; your own slider will do the same as all of them.");
});
find(".explore-own-apart").addEventListener("click", makeApart);
