// Errands: the opinion, the neighbours and the sliders' strips, drawn one by one while nothing else happens.

let round = 0;
let judgedFor = "";
let neighboursFor = "";
const seen = new Set();

const idle = () => new Promise((done) => {
  if (window.requestIdleCallback) window.requestIdleCallback(done, { timeout: 400 });
  else setTimeout(done, 16);
});

function stopErrands() {
  round++;
}

// A newer round, or a change of the picture, ends an older one between two of its pictures.
async function runErrands() {
  const own = ++round;
  if (busy || !model) return;
  if (!engine?.knows(state)) {
    await serversNeighbours(own);
    await serversStrips(own);
    return;
  }
  const asked = copyOf(state);
  for (const errand of [...opinionErrand(asked), ...neighbourErrands(asked), ...stripErrands()]) {
    await idle();
    if (own !== round || !engine) return;
    try {
      await errand();
    } catch (failure) {
      return;
    }
  }
}

async function serversNeighbours(own) {
  const answer = await ask("explore_neighbours", copyOf(state));
  if (own !== round || answer.error) return;
  showNeighbours(answer.neighbours.map(({ edits, picture }) => {
    const image = new Image();
    image.src = picture;
    image.alt = "";
    return { edits, shown: image };
  }));
}

function opinionErrand(asked) {
  const name = JSON.stringify({ ...asked, mode: "" });
  if (!engine.judged || judgedFor === name || !drawn?.image) return [];
  return [async () => {
    showOpinion(await engine.judge(asked, drawn));
    judgedFor = name;
  }];
}

async function small(asked) {
  const target = document.createElement("canvas");
  paint(target, await engine.draw(asked));
  return target;
}

function neighbourErrands(asked) {
  const name = pythonState(asked);
  if (neighboursFor === name) return [];
  const near = neighbourStates(asked, engine.space);
  const done = [];
  const pictures = near.map((each) => async () => done.push({ edits: each.edits, shown: await small(each) }));
  return [...pictures, async () => {
    showNeighbours(done);
    neighboursFor = name;
  }];
}

function showNeighbours(neighbours) {
  refill(find(".explore-neighbours"), neighbours.map(({ edits, shown }, index) => {
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-label", "Go to neighbour " + (index + 1));
    button.title = "Go to this picture; all sliders follow";
    button.append(shown);
    button.addEventListener("click", () => change(() => { state.edits = [...edits]; }));
    return button;
  }));
}

// A strip shows what its slider would do to the present picture, so where the slider stands itself is no matter.
const stripName = (slider) => JSON.stringify(slider.preview(slider.rest)) + state.checkpoint;
const stripsWanted = () => [truncation, ...sliders].filter((slider) =>
  slider.strip && seen.has(slider.row) && slider.stripFor !== stripName(slider));

function putOnStrip(slider, index, picture) {
  if (slider.strip.children[index]) slider.strip.children[index].replaceWith(picture);
  else slider.strip.append(picture);
}

function stripErrands() {
  return stripsWanted().flatMap((slider) => {
    const name = stripName(slider);
    return slider.places.map((place, index) => async () => {
      putOnStrip(slider, index, await small(slider.preview(place)));
      if (index === slider.places.length - 1) slider.stripFor = name;
    });
  });
}

// Where this page cannot draw: a strip at a time, while nothing moves.
async function serversStrips(own) {
  for (const slider of stripsWanted()) {
    const name = stripName(slider);
    const answer = await ask("explore_strip", { states: slider.places.map((place) => slider.preview(place)) });
    if (own !== round || answer.error) return;
    const pictures = await Promise.all(answer.pictures.map(async (picture) => {
      const target = document.createElement("canvas");
      paint(target, await decoded({ picture }));
      return target;
    }));
    pictures.forEach((picture, index) => putOnStrip(slider, index, picture));
    slider.stripFor = name;
  }
}

const watcher = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (isIntersecting) seen.add(target);
    else seen.delete(target);
  }
  if (model && !busy) {
    clearTimeout(settling);
    settling = setTimeout(settle, SETTLED);
  }
});

function watchStrips() {
  watcher.disconnect();
  seen.clear();
  for (const slider of [truncation, ...sliders]) watcher.observe(slider.row);
}
