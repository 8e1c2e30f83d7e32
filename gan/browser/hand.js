// The picture as something to take hold of: drag, arrow keys, wheel, pinch, and a walk that plays.

const view = find(".explore-view");
const HIGHEST_ZOOM = 8;
const STILL = 4;
const KEY_STEP = 0.02;
const LEG_MILLISECONDS = 1800;
const zoom = { scale: 1, x: 0, y: 0 };
const pointers = new Map();
let hold = null;
let playing = null;

// Whole numbers from text such as 1, 5, 9; seeds beyond the limits are moved into them.
function seedsIn(text) {
  return (text.match(/\d+/g) || []).map((digits) => within(Number(digits), 0, SEED_LIMIT));
}

function corners() {
  const seeds = seedsIn(find(".explore-plane-seeds").value).slice(0, 4);
  while (seeds.length < 4) seeds.push((state.seed + seeds.length) % SEED_LIMIT);
  return seeds;
}

// The seed counts again: nothing else stands in its place.
function fromSeed(target) {
  delete target.between;
  delete target.base;
}

function goTo(place) {
  delete state.base;
  state.between = { seeds: corners(), place: place.map((share) => Number(within(share, 0, 1).toFixed(4))) };
}

// Move by shares of the picture's side, to the right and upwards, from where `from` was.
function moveBy(right, up, from) {
  notice = "";
  if (amongSeeds()) {
    const [x, y] = from.between?.seeds.join() === corners().join() ? from.between.place : [0.5, 0.5];
    goTo([x + right, y - up]);
  } else {
    const same = menuOf("x").value === menuOf("y").value;
    goAlong("x", same ? right + up : right, from);
    if (!same) goAlong("y", up, from);
  }
  draw();
}

function remember(control) {
  if (JSON.stringify(before) === JSON.stringify(state)) return;
  past.keep(before, control);
  before = copyOf(state);
  showHistory();
}

function showZoom() {
  const side = view.clientWidth;
  zoom.scale = within(zoom.scale, 1, HIGHEST_ZOOM);
  for (const axis of ["x", "y"]) zoom[axis] = within(zoom[axis], side * (1 - zoom.scale), 0);
  canvas.style.transform = zoom.scale === 1 ? "" : "translate(" + zoom.x + "px, " + zoom.y + "px) scale(" + zoom.scale + ")";
  view.classList.toggle("explore-zoomed", zoom.scale > 1);
}

// Zoom by a factor while the point under the hand stays under it.
function zoomAt(clientX, clientY, factor) {
  const box = view.getBoundingClientRect();
  const scale = within(zoom.scale * factor, 1, HIGHEST_ZOOM);
  const [x, y] = [clientX - box.left, clientY - box.top];
  zoom.x = x - ((x - zoom.x) * scale) / zoom.scale;
  zoom.y = y - ((y - zoom.y) * scale) / zoom.scale;
  zoom.scale = scale;
  showZoom();
}

function zoomInTheMiddle(factor) {
  const box = view.getBoundingClientRect();
  zoomAt(box.left + box.width / 2, box.top + box.height / 2, factor);
}

function resetZoom() {
  Object.assign(zoom, { scale: 1, x: 0, y: 0 });
  showZoom();
}

function spread() {
  const [a, b] = [...pointers.values()];
  return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, far: Math.hypot(a.x - b.x, a.y - b.y) || 1 };
}

function takeHold(event) {
  if (event.button > 0 || !model) return;
  view.setPointerCapture(event.pointerId);
  pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  if (pointers.size === 2) hold = { pinch: spread() };
  else hold = { x: event.clientX, y: event.clientY, from: copyOf(state), pan: event.shiftKey && zoom.scale > 1, moved: false };
}

function drag(event) {
  const [right, down] = [event.clientX - hold.x, event.clientY - hold.y];
  if (!hold.moved && Math.hypot(right, down) < STILL) return;
  if (!hold.moved) pause();
  hold.moved = true;
  const box = view.getBoundingClientRect();
  if (hold.pan) {
    Object.assign(zoom, { x: zoom.x + right, y: zoom.y + down });
    Object.assign(hold, { x: event.clientX, y: event.clientY });
    showZoom();
  } else if (amongSeeds()) {
    goTo([(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height]);
    draw();
  } else moveBy(right / box.width, -down / box.height, hold.from);
}

function pinch() {
  const now = spread();
  Object.assign(zoom, { x: zoom.x + now.x - hold.pinch.x, y: zoom.y + now.y - hold.pinch.y });
  zoomAt(now.x, now.y, now.far / hold.pinch.far);
  hold.pinch = now;
}

function letGo(event) {
  if (!pointers.delete(event.pointerId)) return;
  if (hold?.moved && !hold.pan) remember("");
  hold = null;
}

view.addEventListener("pointerdown", takeHold);
view.addEventListener("pointermove", (event) => {
  if (!pointers.has(event.pointerId)) return;
  pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  if (hold?.pinch && pointers.size === 2) pinch();
  else if (hold && !hold.pinch) drag(event);
});
view.addEventListener("pointerup", letGo);
view.addEventListener("pointercancel", letGo);
view.addEventListener("dblclick", resetZoom);
view.addEventListener("wheel", (event) => {
  // A picture that is not enlarged lets the page scroll on.
  if (zoom.scale === 1 && event.deltaY > 0) return;
  event.preventDefault();
  zoomAt(event.clientX, event.clientY, Math.exp(-event.deltaY * 0.002));
}, { passive: false });

function showPlay() {
  find(".explore-play").textContent = playing ? "Pause" : "Play";
}

// The walk goes on while sliders move; whatever changes the seed or the checkpoint ends it.
function step(now) {
  if (!playing) return;
  const { seeds, started } = playing;
  const way = (now - started) / LEG_MILLISECONDS;
  const leg = Math.floor(way) % seeds.length;
  const share = way % 1;
  const [a, b] = [seeds[leg], seeds[(leg + 1) % seeds.length]];
  const eased = Number((share * share * (3 - 2 * share)).toFixed(4));
  delete state.base;
  state.between = { seeds: [a, b, a, b], place: [eased, 0] };
  draw();
  requestAnimationFrame(step);
}

function togglePlay() {
  if (playing) return pause();
  const seeds = seedsIn(find(".explore-walk-seeds").value).slice(0, 12);
  if (seeds.length < 2) return complain("A walk needs at least two seeds, such as 1, 5, 9.");
  remember("");
  playing = { seeds, started: performance.now() };
  showPlay();
  return requestAnimationFrame(step);
}

function pause() {
  if (!playing) return;
  playing = null;
  showPlay();
  remember("");
  draw();
}

find(".explore-play").addEventListener("click", togglePlay);
find(".explore-plane-seeds").addEventListener("change", () => amongSeeds() && change(() => goTo([0.5, 0.5])));
new ResizeObserver(showZoom).observe(view);
