// Drawing: the plane with points, opinion and arrows, and the curves. Nothing here changes the networks.

const CELLS = 36;
const SIDE = 480;
const toPixel = (x, y) => [((x + EDGE) / (2 * EDGE)) * SIDE, ((EDGE - y) / (2 * EDGE)) * SIDE];
const heat = document.createElement("canvas");
heat.width = heat.height = CELLS;
const grid = Float64Array.from({ length: 2 * CELLS * CELLS }, (_, i) => {
  const cell = Math.floor(i / 2);
  const place = i % 2 ? CELLS - 1 - Math.floor(cell / CELLS) : cell % CELLS;
  return ((place + 0.5) / CELLS) * 2 * EDGE - EDGE;
});

const ink = (name) => getComputedStyle(element).getPropertyValue(name).trim();

function drawPlane(canvas, gan, real) {
  const brush = canvas.getContext("2d");
  brush.clearRect(0, 0, SIDE, SIDE);
  drawOpinion(brush, gan);
  drawPoints(brush, real, ink("--plane-real"), 2);
  const fake = gan.shown();
  drawPoints(brush, fake, ink("--plane-fake"), 2.5);
  drawArrows(brush, gan, fake, ink("--plane-fake"));
  return fake;
}

// Blue where D says real, orange where it says generated, clear where it cannot tell. The colour is full at 30 and
// 70 %: a discriminator in balance is seldom surer than that.
function drawOpinion(brush, gan) {
  const small = heat.getContext("2d");
  const image = small.createImageData(CELLS, CELLS);
  gan.judge(grid).forEach((logit, i) => {
    const opinion = sigmoid(logit - gan.center);
    const colour = opinion > 0.5 ? [60, 120, 240] : [235, 110, 50];
    image.data.set([...colour, Math.min(1, Math.abs(opinion - 0.5) * 5) * 140], 4 * i);
  });
  small.putImageData(image, 0, 0);
  brush.imageSmoothingEnabled = true;
  brush.drawImage(heat, 0, 0, SIDE, SIDE);
}

function drawPoints(brush, points, colour, radius) {
  brush.fillStyle = colour;
  for (let n = 0; n < points.length; n += 2) {
    const [x, y] = toPixel(points[n], points[n + 1]);
    brush.beginPath();
    brush.arc(x, y, radius, 0, 2 * Math.PI);
    brush.fill();
  }
}

// The way that makes D believe a point: the gradient of D's logit, cut to a readable length.
function drawArrows(brush, gan, points, colour) {
  const count = 40;
  const chosen = points.slice(0, 2 * count);
  const passed = gan.discriminator.forward(chosen, count);
  const pull = gan.discriminator.backward(passed, new Float64Array(count).fill(1), count)[0];
  brush.strokeStyle = colour;
  brush.lineWidth = 1.5;
  for (let n = 0; n < 2 * count; n += 2) {
    const length = Math.hypot(pull[n], pull[n + 1]);
    if (length < 1e-6) continue;
    const scale = (0.22 * Math.tanh(length / 2)) / length;
    const from = toPixel(chosen[n], chosen[n + 1]);
    drawArrow(brush, from, toPixel(chosen[n] + scale * pull[n], chosen[n + 1] + scale * pull[n + 1]));
  }
}

function drawArrow(brush, [x, y], [toX, toY]) {
  const angle = Math.atan2(toY - y, toX - x);
  brush.beginPath();
  brush.moveTo(x, y);
  brush.lineTo(toX, toY);
  for (const side of [-2.6, 2.6]) {
    brush.moveTo(toX, toY);
    brush.lineTo(toX + 5 * Math.cos(angle + side), toY + 5 * Math.sin(angle + side));
  }
  brush.stroke();
}

function drawCurves(canvas, history, [first, second]) {
  const brush = canvas.getContext("2d");
  // Setting the width clears the canvas, too; as many pixels as it is wide keep its letters in shape.
  canvas.width = canvas.clientWidth || 440;
  const { width, height } = canvas;
  const values = history.flatMap((at) => [at[first], at[second]]).filter(Number.isFinite);
  if (!values.length) return;
  const high = Math.max(1, ...values);
  const low = Math.min(0, ...values);
  brush.fillStyle = ink("--body-text-color");
  brush.font = "11px system-ui, sans-serif";
  brush.fillText(high.toFixed(1), 2, 11);
  brush.fillText(low.toFixed(1), 2, height - 3);
  [[first, "--plane-real"], [second, "--plane-fake"]].forEach(([name, colour]) => {
    brush.strokeStyle = ink(colour);
    brush.beginPath();
    history.forEach((at, i) => {
      if (!Number.isFinite(at[name])) return;
      const x = 28 + (i / Math.max(1, history.length - 1)) * (width - 30);
      brush.lineTo(x, height - 4 - ((at[name] - low) / (high - low)) * (height - 8));
    });
    brush.stroke();
  });
}
