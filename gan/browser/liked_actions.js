// What can be made of chosen favourites: children, sums, strips, films, sliders, files.

const ON_STRIP = 7;
const LEAST_SAVED = 128;
const LARGEST_FILE = 8000000;
let crossings = 0;

const sameGenerator = (favourites) => favourites.every(({ state: each }) => each.checkpoint === favourites[0].state.checkpoint);
const zOf = ({ state: target }) => latentOf(target, model.space);

// A state whose picture is that of z, with all sliders in the middle.
function standing(target, z) {
  return { ...freshState(target.checkpoint), seed: target.seed, truncation: 1, class: target.class, mode: target.mode, base: encodeLatent(z) };
}

// Which buttons can be pressed now, by how many favourites are chosen.
function showActions() {
  const picked = chosen();
  const count = picked.length;
  const one = count > 0 && sameGenerator(picked);
  for (const button of element.querySelectorAll("[data-least]")) {
    button.disabled = !one || count < Number(button.dataset.least) || count > Number(button.dataset.most);
  }
  find(".explore-chosen").textContent = count && !one
    ? "These pictures are of different generators; choose pictures of one."
    : count ? count + " chosen, in the order of their letters." : "Choose pictures above: the first is A, the second B.";
}

// z of favourites needs the checkpoint they belong to: it is opened first where another one is shown.
async function atHome(favourites) {
  const { checkpoint } = favourites[0].state;
  if (model?.checkpoint !== checkpoint) {
    openState(favourites[0].state);
    await opened(checkpoint);
  }
  const further = favourites.some(({ state: each }) => reaches(each) > model.space.limits.length);
  return !further || lookFurther();
}

function opened(checkpoint) {
  return new Promise((done) => {
    const look = () => (model?.checkpoint === checkpoint || state.checkpoint !== checkpoint ? done() : requestAnimationFrame(look));
    look();
  });
}

function offerPictures(title, states, label) {
  const tilesOf = states.map((each, index) => {
    const { fade, ...alone } = each;
    return pictureButton(each, label + " " + (index + 1), () => goToPicture(alone));
  });
  find(".explore-offer").hidden = false;
  find(".explore-offer-title").textContent = title;
  find(".explore-offer-list").replaceChildren(...tilesOf);
  find(".explore-film-shown").hidden = true;
  drawTiles();
}

// The offered pictures side by side, as far as they are drawn.
async function saveOffered() {
  const pictures = [...find(".explore-offer-list").querySelectorAll("canvas")];
  if (!pictures.length) return;
  const side = Math.max(LEAST_SAVED, pictures[0].width);
  const sheet = document.createElement("canvas");
  Object.assign(sheet, { width: side * pictures.length, height: side });
  const on = sheet.getContext("2d");
  on.imageSmoothingQuality = "high";
  pictures.forEach((picture, index) => on.drawImage(picture, side * index, 0, side, side));
  saveBlob(await new Promise((done) => sheet.toBlob(done, "image/png")), "pictures.png");
}

async function crossChosen() {
  const [first, second] = chosen();
  crossings++;
  const answer = await ask("explore_cross", { checkpoint: first.state.checkpoint, first: first.state, second: second.state, turn: crossings });
  complain(answer.error);
  if (answer.error) return;
  const states = answer.children.map((child) => ({ ...freshState(child.state.checkpoint), ...child.state }));
  for (const { base } of states) lineage.set(base, [first.key, second.key]);
  offerPictures("Children of A and B. Choose one to go there; like it, and it stays in the family. Press again for others.", states, "Child");
}

async function addUp() {
  const picked = chosen();
  if (!(await atHome(picked))) return;
  const [a, b, c] = picked.map(zOf);
  let z = a.map((value, i) => value - b[i] + c[i]);
  const size = lengthOf(z);
  if (size > 1e-6) z = z.map((value) => (value * lengthOf(c)) / size);
  const sum = standing(picked[2].state, z);
  lineage.set(sum.base, [picked[0].key, picked[2].key]);
  goToPicture(sum);
}

async function morph() {
  const picked = chosen();
  if (!(await atHome(picked))) return;
  const [a, b] = picked.map(zOf);
  const [first, last] = picked.map(({ state: each }) => each);
  const fades = model.attributes.length > 0 || first.class !== last.class;
  const states = Array.from({ length: ON_STRIP }, (_, n) => {
    const share = n / (ON_STRIP - 1);
    const z = slerp(a, b, share);
    if (!fades) return standing(first, z);
    const [one, other] = [standing(first, withChoice(z, a)), standing(last, withChoice(z, b))];
    return share < 0.5 ? { ...one, fade: { to: other, share } } : { ...other, fade: { to: one, share: 1 - share } };
  });
  offerPictures("From A to B in even steps. Choose one to go there"
    + (fades ? ": between two classes or attributes, to the nearer of the two that fade." : "."), states, "Step");
}

// z with the wishes of another one: what is chosen stays, everything else is z's.
function withChoice(z, chosenBy) {
  const wishCount = model.attributes.reduce((sum, { values }) => sum + values.length, 0);
  return z.map((value, i) => (i < wishCount ? chosenBy[i] : value));
}

async function sliderBetween() {
  const picked = chosen();
  if (!(await atHome(picked))) return;
  const [a, b] = picked.map(zOf);
  const field = find(".explore-own-name");
  if (!field.value.trim()) field.value = ownName("to " + likedName(picked[1]));
  const way = b.map((value, i) => value - a[i]);
  makeOwn(way, "These two pictures are the same, so there is no way from one to the other.");
  find(".explore-methods").scrollIntoView({ block: "nearest" });
  sliders.findLast(({ range }) => range.dataset.own)?.range.focus();
}

async function makeFilm(event) {
  const button = event.currentTarget;
  const kind = find(".explore-film-kind").value;
  const stops = chosen().map(({ state: each }) => each);
  button.textContent = "Drawing";
  const answer = await ask("explore_film", { checkpoint: stops[0].checkpoint, stops, kind });
  button.textContent = "Film";
  complain(answer.error);
  if (answer.error) return;
  find(".explore-offer").hidden = true;
  showFilm("film", answer);
}

function showFilm(what, { file, name }) {
  const [place, image, video, link] = ["shown", "image", "video", "download"].map((part) => find(".explore-" + what + "-" + part));
  image.hidden = name.endsWith(".mp4");
  video.hidden = !image.hidden;
  (image.hidden ? video : image).src = file;
  Object.assign(link, { href: file, download: name, textContent: "Download " + name });
  place.hidden = false;
}

async function saveLiked(kind) {
  const answer = await ask("explore_save", { favourites: liked, kind });
  complain(answer.error);
  if (!answer.error) save(answer.file, answer.name);
}

function base64Of(file) {
  return new Promise((done, fail) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => done(reader.result.split(",")[1] || ""));
    reader.addEventListener("error", () => fail(reader.error));
    reader.readAsDataURL(file);
  });
}

// Favourites of a file join those that are there; the same picture stays once.
async function openFile(event) {
  const [file] = event.target.files;
  event.target.value = "";
  if (!file) return;
  if (file.size > LARGEST_FILE) return complain("This file is too large; choose a sheet, a picture or a JSON file of this app.");
  const answer = await ask("explore_load", { content: await base64Of(file) });
  complain(answer.error);
  if (answer.error) return;
  const known = new Set(liked.map((each) => shown(each.state)));
  const fresh = answer.favourites.map(checkedFavourite).filter((each) => each && !known.has(shown(each.state)));
  keepLiked([...liked, ...fresh].slice(0, MOST_LIKED));
}

for (const [selector, act] of [
  [".explore-cross", crossChosen], [".explore-sum", addUp], [".explore-morph", morph],
  [".explore-between", sliderBetween], [".explore-film", makeFilm],
  [".explore-save-sheet", () => saveLiked("sheet")], [".explore-save-json", () => saveLiked("json")],
  [".explore-offer-save", saveOffered],
  [".explore-load", () => find(".explore-load-file").click()],
]) find(selector).addEventListener("click", act);
find(".explore-load-file").addEventListener("change", openFile);
