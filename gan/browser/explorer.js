// The explorer: all state lives here, in `state`, and whatever changes it goes through `change` or `travel`.

const find = (selector) => element.querySelector(selector);
const SETTLED = 250;
const MOST_ALONG = 20;

let state = freshState("");
let model = null;
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
