// Distributions of points in the plane, from -1.5 to 1.5 both ways.

const EDGE = 1.5;

class Random {
  constructor(seed) {
    this.source = new Twister(seed);
    this.spare = null;
    this.uniform = () => this.source.uniform();
    this.normal = () => this.drawNormal();
  }

  // Box and Muller: two uniform numbers make two of N(0, 1).
  drawNormal() {
    if (this.spare !== null) {
      const kept = this.spare;
      this.spare = null;
      return kept;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    this.spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }
}

const onRing = (count) => Array.from({ length: count }, (_, i) => {
  const angle = (2 * Math.PI * i) / count;
  return [Math.cos(angle), Math.sin(angle)];
});
const onGrid = (side) => Array.from({ length: side * side }, (_, i) =>
  [(i % side) * (2 / (side - 1)) - 1, Math.floor(i / side) * (2 / (side - 1)) - 1]);

// `modes` are the centres of the clumps; points lie around them with the deviation `sigma`.
const DATA = {
  line: { name: "Line", sigma: 0.04, point: linePoint },
  ring: { name: "Ring", sigma: 0.04, point: ringPoint },
  eight: { name: "Eight Gaussians", sigma: 0.06, modes: onRing(8) },
  twentyfive: { name: "Twenty-five Gaussians", sigma: 0.04, modes: onGrid(5) },
  disjoint: { name: "Two distant blobs", sigma: 0.12, modes: [[-0.9, -0.6], [0.9, 0.6]] },
  drawn: { name: "Draw your own", sigma: 0.04, drawn: [] },
};

function linePoint(random) {
  const place = 2 * random.uniform() - 1;
  return [place, 0.7 * place];
}

function ringPoint(random) {
  const angle = 2 * Math.PI * random.uniform();
  return [Math.cos(angle), Math.sin(angle)];
}

function samplePoints(data, count, random) {
  const points = new Float64Array(2 * count);
  const centres = data.modes ?? data.drawn;
  for (let n = 0; n < count; n++) {
    const centre = centres ? centres[Math.floor(random.uniform() * centres.length)] : data.point(random);
    for (let axis = 0; axis < 2; axis++) points[2 * n + axis] = centre[axis] + data.sigma * random.normal();
  }
  return points;
}

// A mode is covered when a sample lies within 3 sigma of it; the share counts samples that lie on any mode.
function coverage(data, points) {
  if (!data.modes) return null;
  const found = new Set();
  let near = 0;
  for (let n = 0; n < points.length / 2; n++) {
    const mode = data.modes.findIndex(([x, y]) => Math.hypot(points[2 * n] - x, points[2 * n + 1] - y) < 3 * data.sigma);
    if (mode >= 0) {
      found.add(mode);
      near++;
    }
  }
  return { covered: found.size, modes: data.modes.length, share: near / (points.length / 2) };
}
