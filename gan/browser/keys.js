// The keyboard: what keys do on the picture, what is said about it, and where the focus goes when its place goes.

const SAID_AFTER = 400;
const PAN_STEP = 0.1;
const CAN_HAVE_FOCUS = "button, input, select, summary, a[href]";
let speaking = 0;
let cameFrom = null;

// For whoever cannot see the picture: where a key has led, once it rests.
function say(...words) {
  clearTimeout(speaking);
  speaking = setTimeout(() => {
    find(".explore-said").replaceChildren(...words.flatMap((each) => {
      const word = document.createElement("span");
      word.textContent = each;
      return [word, " "];
    }));
  }, SAID_AFTER);
}

function sayPlace() {
  if (amongSeeds()) return say(...state.between.place.map((share, n) => Math.round(100 * share) + (n ? " % down" : " % to the right")));
  const along = new Set(["x", "y"].map(axisOf).filter(Boolean));
  return say(...[...along].flatMap(({ name, amountIn }) => [name, amountIn(state).toFixed(1)]));
}

const sayZoom = () => say("Enlarged " + zoom.scale.toFixed(1) + " times");

// Unlike a disabled button, one that is switched off keeps the focus it has.
const switchOff = (button, off) => button.setAttribute("aria-disabled", String(off));
const isOff = (button) => button.getAttribute("aria-disabled") === "true";

// Something else in a list: whoever has the focus in it keeps the place.
function refill(list, items) {
  const held = [...list.querySelectorAll(CAN_HAVE_FOCUS)].indexOf(document.activeElement);
  list.replaceChildren(...items);
  const there = [...list.querySelectorAll(CAN_HAVE_FOCUS)];
  if (held >= 0 && there.length) there[Math.min(held, there.length - 1)].focus({ preventScroll: true });
}

// Another part of the page has opened a picture here: the keyboard follows, and Escape leads back.
function takeFocus() {
  const from = document.activeElement;
  if (element.contains(from)) return;
  cameFrom = from === document.body ? null : from;
  view.focus({ preventScroll: true });
}

function goBack() {
  if (!cameFrom?.checkVisibility?.()) return;
  cameFrom.focus();
  cameFrom = null;
}

function panBy(right, down) {
  zoom.x -= right * view.clientWidth;
  zoom.y -= down * view.clientWidth;
  showZoom();
}

// Shift looks around in an enlarged picture, as it does for the mouse; else it makes the steps longer.
function arrow(right, down, shift) {
  if (shift && zoom.scale > 1) return panBy(PAN_STEP * right, PAN_STEP * down);
  const step = (shift ? 5 : 1) * KEY_STEP;
  pause();
  moveBy(step * right, -step * down, copyOf(state));
  remember("plane");
  return sayPlace();
}

function enlarge(factor) {
  zoomInTheMiddle(factor);
  sayZoom();
}

const KEYS = {
  ArrowRight: ({ shiftKey }) => arrow(1, 0, shiftKey),
  ArrowLeft: ({ shiftKey }) => arrow(-1, 0, shiftKey),
  ArrowUp: ({ shiftKey }) => arrow(0, -1, shiftKey),
  ArrowDown: ({ shiftKey }) => arrow(0, 1, shiftKey),
  "+": () => enlarge(1.25),
  "=": () => enlarge(1.25),
  "-": () => enlarge(0.8),
  0: () => { resetZoom(); sayZoom(); },
  " ": () => { togglePlay(); say(playing ? "The walk plays." : "The walk stands still."); },
  Escape: goBack,
};

view.addEventListener("keydown", (event) => {
  const act = KEYS[event.key];
  if (!act || !model || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  act(event);
});

// Keys that count wherever the focus is, unless it is where text is typed.
document.addEventListener("keydown", (event) => {
  const typing = event.target.matches?.("textarea, select, [contenteditable], input:not([type=range]):not([type=checkbox]):not([type=radio])");
  if (!element.isConnected || !element.offsetParent || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const key = event.key.toLowerCase();
  if (key === "l") likeByKey();
  if (key === "u" && undoing) find(".explore-take-back").click();
});

function likeByKey() {
  toggleLike();
  if (likedAlready()) say("Among your favourites now.");
}

// What stands below the picture on a wide page comes after the controls on a narrow one: for the eye by its place
// in the document, so that the Tab key goes the same way.
function placeMore() {
  const narrow = getComputedStyle(find(".explore-stage")).display === "contents";
  const [more, home] = [find(".explore-more"), find(narrow ? ".explore-controls" : ".explore-stage")];
  if (more.parentElement !== home) home.append(more);
}

new ResizeObserver(placeMore).observe(element);
