// The page's buttons. `gan` is the present pair of networks; a step in parts is kept in `current` between clicks.

const find = (selector) => element.querySelector(selector);
const view = find(".plane-canvas");
const levers = [...element.querySelectorAll("[name]")];
const RESTARTS = new Set(["latent", "width", "seed"]);
const CALM = matchMedia("(prefers-reduced-motion: reduce)").matches;
const SLOW = 1250;
let gan, real, current = null, playing = false, lastPart = 0;

function start(settings) {
  gan = new PlaneGan(settings);
  current = null;
  showReal();
  showSettings();
  showPart(null);
  draw();
}

function showReal() {
  real = hasPoints() ? samplePoints(gan.data, 400, new Random(7)) : new Float64Array(0);
}

const hasPoints = () => !gan.data.drawn || gan.data.drawn.length > 0;

function showSettings() {
  for (const lever of levers) lever.value = gan.settings[lever.name];
  const drawing = gan.settings.data === "drawn";
  element.classList.toggle("plane-drawing", drawing);
  find(".plane-draw-note").hidden = !drawing;
}

function draw() {
  const fake = drawPlane(view, gan, real);
  drawCurves(find(".plane-losses"), gan.history, ["discriminatorLoss", "generatorLoss"]);
  drawCurves(find(".plane-scores"), gan.history, ["onReal", "onFake"]);
  const found = coverage(gan.data, fake);
  const modes = found ? ` · modes covered ${found.covered} of ${found.modes} · samples on a mode ${percent(found.share)}` : "";
  const numbers = find(".plane-numbers");
  numbers.textContent = `Step ${gan.step}${modes} · D skipped ${gan.skips} of ${gan.discriminatorSteps}`;
  Object.assign(numbers.dataset, { step: gan.step, covered: found?.covered ?? "", skips: gan.skips });
  const proof = gan.proof;
  find(".plane-proof").textContent = proof
    ? `Checksum of D's weights before the generator's step: ${proof.before}, after it: ${proof.after}. ${proof.same ? "D did not change." : "D changed!"}`
    : "After a generator step, a checksum shows here that D did not change in it.";
}

function showPart(part) {
  for (const item of element.querySelectorAll(".plane-parts li")) {
    if (part && item.dataset.part === part.part && item.parentNode.dataset.player === part.player) item.setAttribute("aria-current", "step");
    else item.removeAttribute("aria-current");
  }
  find(".plane-sentence").textContent = part
    ? `${part.player === "D" ? "Discriminator" : "Generator"}, ${part.part}: ${SENTENCES[part.player][part.part](part)}`
    : "Press \"Next part\" to go through one step, part by part.";
}

// A step that was begun in parts is finished first, so that no half step is lost.
function finish() {
  if (current) for (const part of current) gan.last = part;
  current = null;
}

function nextPart() {
  if (!hasPoints()) return;
  current ??= gan.parts(find(".plane-who").value);
  let next = current.next();
  if (next.done) {
    current = gan.parts(find(".plane-who").value);
    next = current.next();
  }
  showPart(next.value);
  draw();
}

function train(count) {
  if (!hasPoints()) return;
  finish();
  for (let i = 0; i < count; i++) gan.train(find(".plane-who").value);
  showPart(null);
  draw();
}

function frame(now) {
  if (!playing || !element.isConnected) return;
  const speed = find(".plane-speed").value;
  // A hidden view costs nothing: a closed accordion or another tab pauses the work.
  if (view.offsetParent && speed === "slow" && now - lastPart > SLOW) {
    lastPart = now;
    nextPart();
  } else if (view.offsetParent && speed !== "slow") {
    const end = performance.now() + 14;
    do gan.train(find(".plane-who").value); while (speed === "fast" && performance.now() < end);
    draw();
  }
  requestAnimationFrame(frame);
}

function play(wanted) {
  playing = wanted && hasPoints();
  find(".plane-play").textContent = playing ? "Pause" : "Play";
  if (!playing) return;
  if (find(".plane-speed").value !== "slow") {
    finish();
    showPart(null);
  }
  requestAnimationFrame(frame);
}

function change(settings, restart) {
  finish();
  if (settings.data === "drawn") play(false);
  const wanted = { ...gan.settings, ...settings };
  if (restart) start(wanted);
  else {
    gan.settings = wanted;
    showReal();
    showSettings();
    draw();
  }
}

function readLever(lever) {
  if (lever.tagName === "SELECT") return lever.value;
  const given = Number.isFinite(lever.valueAsNumber) ? lever.valueAsNumber : DEFAULTS[lever.name];
  const bounded = Math.min(Number(lever.max), Math.max(Number(lever.min), given));
  return lever.step === "1" ? Math.round(bounded) : bounded;
}

function addDrawing() {
  let down = false;
  const add = (event) => {
    if (!down || gan.settings.data !== "drawn") return;
    const box = view.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * 2 * EDGE - EDGE;
    const y = EDGE - ((event.clientY - box.top) / box.height) * 2 * EDGE;
    if (Math.max(Math.abs(x), Math.abs(y)) <= EDGE && gan.data.drawn.length < 4000) gan.data.drawn.push([x, y]);
    showReal();
    draw();
  };
  view.addEventListener("pointerdown", (event) => { down = true; add(event); });
  view.addEventListener("pointermove", add);
  window.addEventListener("pointerup", () => { down = false; });
  find(".plane-clear").addEventListener("click", () => {
    play(false);
    finish();
    gan.data.drawn = [];
    showReal();
    draw();
  });
}

function addControls() {
  for (const [name, { name: title }] of Object.entries(DATA)) find(".plane-data").add(new Option(title, name));
  for (const list of element.querySelectorAll(".plane-parts ol")) {
    for (const part of PARTS) {
      const item = document.createElement("li");
      item.dataset.part = part;
      item.textContent = `${list.dataset.player} ${part}`;
      list.append(item);
    }
  }
  for (const preset of PRESETS) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = preset.name;
    button.addEventListener("click", () => {
      change(preset.settings, preset.restart);
      find(".plane-look").textContent = preset.look;
      if (!CALM) play(true);
    });
    find(".plane-presets").append(button);
  }
  for (const lever of levers) lever.addEventListener("change", () => change({ [lever.name]: readLever(lever) }, RESTARTS.has(lever.name)));
}

addControls();
addDrawing();
find(".plane-play").addEventListener("click", () => play(!playing));
find(".plane-part").addEventListener("click", () => { play(false); nextPart(); });
find(".plane-one").addEventListener("click", () => { play(false); train(1); });
find(".plane-hundred").addEventListener("click", () => { play(false); train(100); });
find(".plane-reset").addEventListener("click", () => { play(false); start(gan.settings); });
// Somebody who asked for less motion begins in slow motion.
if (CALM) find(".plane-speed").value = "slow";
find(".plane-speed").addEventListener("change", () => { if (playing) { finish(); showPart(null); } });
start({});
