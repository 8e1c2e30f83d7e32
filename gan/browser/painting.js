// From the state to the canvas: this page's engine draws it, or the server, newest first.

const stage = find(".explore-picture");
const canvas = find(".explore-picture canvas");
// Read for every download and never by a graphics card: at this size that is the quicker way to paint, too.
const context = canvas.getContext("2d", { willReadFrequently: true });
const PATHS = {
  loading: "Getting ready to draw in your browser",
  browser: "Drawn in your browser",
  server: "Drawn by the server",
};

let engine = null;
let opening = Promise.resolve();
let drawn = null;
let shownZ = [];
let busy = false;
let dirty = false;

// Which way pictures come, and where between seeds they lie: one quiet line below the picture.
function showPath(path) {
  const line = find(".explore-path");
  line.dataset.path = path || line.dataset.path;
  const { seeds, place } = state.between || {};
  const where = !seeds ? (state.base ? "a picture of its own, from no seed" : "") : seeds[0] === seeds[2]
    ? "between seeds " + seeds[0] + " and " + seeds[1] + ", " + Math.round(100 * place[0]) + " %"
    : "between seeds " + seeds.join(", ");
  line.textContent = PATHS[line.dataset.path] + (where && " · " + where);
  const drawer = "Drawn by " + (model ? model.title : "the generator");
  canvas.setAttribute("aria-label", drawer + (where ? ": " + where : " from seed " + state.seed));
}

// The engine of a checkpoint that was opened; where it cannot be had, the server goes on drawing.
function openEngine(description) {
  if (engine) engine.close();
  engine = null;
  showPath(description.browser.version || props.model ? "loading" : "server");
  if (find(".explore-path").dataset.path === "server") {
    draw();
    return;
  }
  opening = Engine.open(description).then(
    (opened) => {
      if (model !== description) {
        opened.close();
        return;
      }
      engine = opened;
      showPath("browser");
      draw();
    },
    (failure) => {
      if (model !== description) return;
      withoutEngine(failure);
      draw();
    },
  );
}

function withoutEngine(failure) {
  console.info("The generator does not run in this page: " + failure);
  engine = null;
  showPath("server");
}

// A picture of `asked`, or `{ error }`. What came back also says whether it was drawn here (`image`).
async function drawing(asked) {
  if (props.model) await opening;
  if (engine?.knows(asked)) {
    try {
      return await engine.draw(asked);
    } catch (failure) {
      withoutEngine(failure);
    }
  }
  const answer = await ask("explore_render", asked);
  return answer.error ? answer : decoded(answer);
}

// What is shown now. While a walk plays, attributes fade as in its film; it rests at the nearer ones.
async function frame() {
  const asked = copyOf(state);
  const wishCount = model?.attributes.reduce((sum, { values }) => sum + values.length, 0);
  if (!playing || !wishCount || !asked.between || reaches(asked) > model.space.limits.length) return drawing(asked);
  const [start, end] = endsOf(asked, model.space, wishCount);
  const [first, last] = [await drawing(start), await drawing(end)];
  return first.error || last.error ? first : faded(first, last, asked.between.place[0]);
}

// A picture with a share of another one over it.
function faded(first, last, share) {
  const under = document.createElement("canvas");
  const over = document.createElement("canvas");
  paint(under, first);
  paint(over, last);
  const on = under.getContext("2d");
  on.globalAlpha = share;
  on.drawImage(over, 0, 0);
  const image = first.image && on.getImageData(0, 0, under.width, under.height);
  return { ...first, image, decoded: under };
}

async function decoded(answer) {
  const image = new Image();
  image.src = answer.picture;
  await image.decode();
  return { ...answer, decoded: image };
}

// The picture that came with the page, until this page draws its own.
async function showFirst(answer) {
  const first = await decoded(answer);
  if (!drawn && !busy) showPicture(first);
}

// Newest position wins: while a picture is drawn, changes only leave a mark, and the newest state goes next.
async function draw() {
  if (!state.checkpoint) return;
  if (busy) {
    dirty = true;
    return;
  }
  busy = true;
  stopErrands();
  stage.setAttribute("aria-busy", "true");
  do {
    dirty = false;
    showPicture(await frame());
  } while (dirty);
  busy = false;
  stage.setAttribute("aria-busy", "false");
  clearTimeout(settling);
  settling = setTimeout(settle, SETTLED);
}

function paint(target, { image, decoded }) {
  const { width, height } = image || decoded;
  if (target.width !== width || target.height !== height) Object.assign(target, { width, height });
  const on = target === canvas ? context : target.getContext("2d");
  if (image) on.putImageData(image, 0, 0);
  else on.drawImage(decoded, 0, 0);
}

function showPicture(answer) {
  complain(answer.error || notice);
  if (answer.error) return;
  drawn = answer;
  paint(canvas, answer);
  canvas.dataset.frame = Number(canvas.dataset.frame || 0) + 1;
  shownZ = answer.z || [];
  if (answer.opinion) showOpinion(answer.opinion);
  if (state.mode === "raw") showCoordinates();
  showPath();
}

function showOpinion(opinion) {
  find(".explore-opinion").textContent = opinion.sentence;
  find(".explore-bars").hidden = opinion.generated === null;
  for (const bar of element.querySelectorAll("[data-share]")) {
    bar.style.width = 100 * (opinion[bar.dataset.share] || 0) + "%";
  }
}
