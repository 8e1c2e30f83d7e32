// What the buttons, fields and keys do, and how the explorer starts.

const on = (selector, event, act) => find(selector).addEventListener(event, act);
const toSeed = (seed, control = "seed") => change(() => {
  state.seed = within(Math.trunc(seed) || 0, 0, SEED_LIMIT);
  fromSeed(state);
}, control);

on(".explore-checkpoint", "change", (event) => openNew(event.target.value));
on(".explore-class", "change", (event) => change(() => { state.class = Number(event.target.value); }));
on(".explore-seed", "input", (event) => event.target.value !== "" && toSeed(Number(event.target.value)));
on(".explore-previous", "click", () => toSeed(state.seed - 1));
on(".explore-next", "click", () => toSeed(state.seed + 1));
on(".explore-surprise", "click", () => toSeed(Math.random() * 1000000, ""));
on(".explore-reset", "click", resetSliders);
on(".explore-undo", "click", () => travel(past.undo(state)));
on(".explore-redo", "click", () => travel(past.redo(state)));
on(".explore-raw", "change", (event) => change(() => {
  state.mode = event.target.checked ? "raw" : "directions";
}));
on(".explore-pager-back", "click", () => turnPage(-1));
on(".explore-pager-on", "click", () => turnPage(1));

function turnPage(by) {
  page = within(page + by, 0, Math.ceil(model.coordinates.length / PAGE) - 1);
  buildSliders();
  showCoordinates();
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.matches?.("textarea, [contenteditable], input:not([type=range]):not([type=checkbox])");
  if (!element.isConnected || !element.offsetParent || typing || !(event.ctrlKey || event.metaKey)) return;
  const key = event.key.toLowerCase();
  if (key !== "z" && key !== "y") return;
  event.preventDefault();
  travel(key === "y" || event.shiftKey ? past.redo(state) : past.undo(state));
});

function save(address, name) {
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
}

function saveBlob(blob, name) {
  const address = URL.createObjectURL(blob);
  save(address, name);
  setTimeout(() => URL.revokeObjectURL(address), 60000);
}

async function download(side) {
  if (drawn?.image) {
    saveBlob(await pngOf(canvas, side, state), state.checkpoint.replace(/[^\p{L}\p{N}]/gu, "-") + "-seed" + state.seed + ".png");
    return;
  }
  const answer = await ask("explore_download", { ...copyOf(state), side });
  complain(answer.error);
  if (!answer.error) save(answer.picture, answer.name);
}

on(".explore-download", "click", () => download(LARGE_SIDE));
on(".explore-download-small", "click", () => download(0));

on(".explore-copy", "click", async () => {
  const field = find(".explore-link");
  field.value = addressOf(state);
  rememberAddress(state);
  const button = find(".explore-copy");
  try {
    await navigator.clipboard.writeText(field.value);
    button.textContent = "Copied";
  } catch (refused) {
    // A frame may not be allowed to write: the link is marked, ready for Ctrl+C.
    field.focus();
    button.textContent = "Press Ctrl+C";
  }
  setTimeout(() => { button.textContent = "Copy link"; }, 2000);
});
on(".explore-link", "focus", (event) => event.target.select());

on(".explore-walk-add", "click", () => {
  const field = find(".explore-walk-seeds");
  field.value = field.value.trim() ? field.value.trim().replace(/,$/, "") + ", " + state.seed : String(state.seed);
});
on(".explore-walk-make", "click", async (event) => {
  const button = event.target;
  if (isOff(button)) return;
  switchOff(button, true);
  button.textContent = "Drawing";
  const [seeds, kind, side] = ["seeds", "kind", "side"].map((each) => find(".explore-walk-" + each).value);
  const question = { ...copyOf(state), seeds, kind, side: Number(side), frames: Number(frames.range.value) };
  const answer = await ask("explore_walk", question);
  switchOff(button, false);
  button.textContent = "Make the film";
  complain(answer.error);
  if (!answer.error) showFilm("walk", answer);
});

// Python sets the value: the choice of checkpoints when the library changes, or one to open from another tab, or
// a whole state. A state comes with a number of its own, because the same value may be heard twice.
function hear(value) {
  if (!value) return;
  offer(value.choices || []);
  if (value.notice) complain(value.notice);
  if (value.open && value.open !== state.checkpoint) {
    openNew(value.open);
    takeFocus();
  }
  if (value.state && value.turn !== heardTurn) {
    heardTurn = value.turn;
    openState({ ...freshState(value.state.checkpoint), ...value.state });
    takeFocus();
  }
  openFirst();
}

let heardTurn = null;

function start(value) {
  const linked = stateFrom(window.location.search);
  const first = value?.first;
  if (linked) state = linked;
  else if (first) state = freshState(first.model.checkpoint);
  before = copyOf(state);
  offer(value?.choices || []);
  if (linked) open(state);
  else if (first) {
    showModel(first.model);
    if (first.shown) showFirst(first.shown);
  } else hear(value);
  if (!state.checkpoint) complain("There is no checkpoint yet: train one in Train, or pull one from the Hub.");
}

// For the other tabs of the app: what is shown here, as a copy.
(element.closest("#explore") || element).atelierState = () => copyOf(state);
(element.closest("#explore") || element).atelierFavourites = () => {
  const others = liked.filter(({ key }) => !chosenKeys.includes(key));
  return [...chosen(), ...others].map((each) => copyOf(each.state)).filter(({ checkpoint }) => checkpoint === state.checkpoint).slice(0, 8);
};

buildMethods();
showLiked();
showPath("loading");
element.classList.toggle("explore-alone", Boolean(props.model));
watch("value", () => hear(props.value));
start(props.value);
