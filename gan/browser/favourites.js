// What the visitor likes: kept in this browser, shown as pictures, each with its note and its family.

const MOST_LIKED = 100;
const LONGEST_NOTE = 200;
const LETTERS = "ABCDEFGHIJKL";
const SHELF = "favourites";
const tiles = new Map();
// Which pictures a latent vector came from: crossing leaves its mark here, so a child keeps it when it is liked.
const lineage = new Map();
let liked = recalledFavourites();
let chosenKeys = [];
let drawingTiles = false;

const freshKey = () => [...crypto.getRandomValues(new Uint8Array(8))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const shown = (target) => pythonState({ ...target, mode: "" });
const favouriteOf = (key) => liked.find((each) => each.key === key);
const chosen = () => chosenKeys.map(favouriteOf).filter(Boolean);

// Through the form of a link, so that whatever stands in the browser's memory becomes a state or nothing.
function checkedState(value) {
  try {
    return stateFrom("?" + queryOf({ ...freshState(""), ...value }));
  } catch (damaged) {
    return null;
  }
}

function checkedFavourite(value) {
  const target = value && checkedState(value.state);
  if (!target || !/^[0-9a-f]{16}$/.test(value.key)) return null;
  const parents = (Array.isArray(value.parents) ? value.parents : []).filter((key) => /^[0-9a-f]{16}$/.test(key));
  return { key: value.key, state: target, note: String(value.note || "").slice(0, LONGEST_NOTE), parents: parents.slice(0, 2) };
}

function recalledFavourites() {
  const kept = recall(SHELF);
  return (Array.isArray(kept) ? kept : []).map(checkedFavourite).filter(Boolean).slice(0, MOST_LIKED);
}

function keepLiked(next) {
  liked = next;
  memorise(SHELF, liked);
  chosenKeys = chosenKeys.filter(favouriteOf);
  showLiked();
}

const likedAlready = () => liked.find((each) => shown(each.state) === shown(state));

function toggleLike() {
  if (!state.checkpoint) return;
  const there = likedAlready();
  if (there) return removeLiked(there);
  if (liked.length >= MOST_LIKED) return complain("There is room for " + MOST_LIKED + " favourites; remove one first.");
  const parents = (lineage.get(state.base) || []).filter(favouriteOf);
  return keepLiked([...liked, { key: freshKey(), state: copyOf(state), note: "", parents }]);
}

function showHeart() {
  const button = find(".explore-like");
  const held = Boolean(state.checkpoint && likedAlready());
  button.setAttribute("aria-pressed", String(held));
  button.textContent = held ? "♥ Liked" : "♡ Like";
}

// A picture drawn once, by this page where it can, else by the server; null where it cannot be drawn. One that
// fades has a share of another picture over it.
async function thumbnail({ fade, ...target }) {
  const answer = await drawing(target);
  if (answer.error) return null;
  const over = fade?.share && (await drawing(fade.to));
  const picture = document.createElement("canvas");
  paint(picture, over && !over.error ? faded(answer, over, fade.share) : answer);
  return picture;
}

// A button with a picture that comes as soon as it is drawn.
function pictureButton(target, label, act) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "explore-tile";
  button.setAttribute("aria-label", label);
  button.title = label;
  button.addEventListener("click", act);
  button.dataset.picture = shown(target) + JSON.stringify(target.fade || "");
  button.state = target;
  return button;
}

// One after the other, for all buttons that wait for their picture.
async function drawTiles() {
  if (drawingTiles || !model) return;
  drawingTiles = true;
  await opening;
  const waiting = () => [...element.querySelectorAll(".explore-tile")].find((button) => !button.dataset.drawn);
  for (let button = waiting(); button; button = waiting()) {
    const name = button.dataset.picture;
    await idle();
    const picture = tiles.get(name) || (await thumbnail(button.state));
    if (picture) tiles.set(name, picture);
    button.dataset.drawn = "yes";
    if (picture) button.prepend(copyOfCanvas(picture));
    else button.classList.add("explore-gone");
  }
  drawingTiles = false;
}

function copyOfCanvas(source) {
  const copy = document.createElement("canvas");
  Object.assign(copy, { width: source.width, height: source.height });
  copy.getContext("2d").drawImage(source, 0, 0);
  return copy;
}

function likedName(favourite) {
  return favourite.note || "Favourite " + (liked.indexOf(favourite) + 1);
}

function likedTile(favourite) {
  const place = chosenKeys.indexOf(favourite.key);
  const button = pictureButton(favourite.state, likedName(favourite), () => toggleChosen(favourite.key));
  button.setAttribute("aria-pressed", String(place >= 0));
  button.dataset.key = favourite.key;
  const letter = document.createElement("b");
  letter.textContent = place >= 0 ? LETTERS[place] : "";
  button.setAttribute("aria-description", letter.textContent);
  button.append(letter);
  return button;
}

function toggleChosen(key) {
  if (chosenKeys.includes(key)) chosenKeys = chosenKeys.filter((each) => each !== key);
  else if (chosenKeys.length < LETTERS.length) chosenKeys = [...chosenKeys, key];
  showLiked();
  find('.explore-liked-list [data-key="' + key + '"]').focus();
}

function showLiked() {
  refill(find(".explore-liked-list"), liked.map(likedTile));
  find(".explore-liked-empty").hidden = liked.length > 0;
  find(".explore-liked-some").hidden = !liked.length;
  for (const button of element.querySelectorAll(".explore-save")) button.disabled = !liked.length;
  showOne(chosen().at(-1));
  showActions();
  showHeart();
  drawTiles();
}

// The favourite that was chosen last: its note and its family.
function showOne(favourite) {
  find(".explore-one").hidden = !favourite;
  if (!favourite) return;
  find(".explore-one-letter").textContent = LETTERS[chosenKeys.indexOf(favourite.key)];
  find(".explore-note").value = favourite.note;
  showFamily(favourite);
}

function showChosen(key) {
  chosenKeys = [...chosenKeys.filter((each) => each !== key), key].slice(-LETTERS.length);
  showLiked();
}

// The picture may be far above: it comes into view with what it shows now.
function goToPicture(target) {
  openState(target);
  stage.scrollIntoView({ block: "nearest" });
}

const ofLast = (act) => () => {
  const favourite = chosen().at(-1);
  if (favourite) act(favourite);
};

find(".explore-like").addEventListener("click", toggleLike);
find(".explore-go").addEventListener("click", ofLast((favourite) => goToPicture(favourite.state)));
find(".explore-remove").addEventListener("click", ofLast((favourite) => removeLiked(favourite, true)));
find(".explore-note").addEventListener("change", (event) => ofLast(({ key }) => {
  const note = event.target.value.replace(/[\p{C}\p{Z}]+/gu, " ").trim().slice(0, LONGEST_NOTE);
  keepLiked(liked.map((each) => (each.key === key ? { ...each, note } : each)));
})());
