// What is said: the parts of a step in a sentence with its numbers, and the presets that break and mend.

const PARTS = ["sample", "classify", "loss", "gradients", "update"];
const round = (value) => (Math.abs(value) < 0.01 && value !== 0 ? value.toExponential(1) : value.toFixed(2));
const percent = (share) => Math.round(100 * share) + " %";

const SENTENCES = {
  D: {
    sample: (p) => `Take ${p.batch} real points, and let the generator make ${p.batch} from random z.`,
    classify: (p) => `The discriminator judges them: ${percent(p.onReal)} "real" for the real points, ${percent(p.onFake)} for the generated ones.`,
    loss: (p) => `How wrong was that? Its loss is ${round(p.loss)}.` + (p.skipped ? " That is below the threshold: this step is skipped." : ""),
    gradients: (p) => `Which way should each weight of the discriminator go? The gradient's norm is ${round(p.norm)}; R1 + R2 add ${round(p.penalty)} to the loss.`,
    update: (p) => `Adam moves the discriminator's weights by ${round(p.moved)} in all. The background changes.`,
  },
  G: {
    sample: (p) => `The generator makes ${p.batch} new points from random z.`,
    classify: (p) => `The discriminator gives them ${percent(p.onFake)} "real". It only judges now; it does not learn.`,
    loss: (p) => `The generator wants them to be believed. Its loss is ${round(p.loss)}.`,
    gradients: (p) => `The arrows: where each point would be believed more. Passed back to the generator's weights, their norm is ${round(p.norm)}.`,
    update: (p) => `Adam moves the generator's weights by ${round(p.moved)} in all. The orange points move.`,
  },
};

const RESTORED = { loss: "relativistic", gamma: 0.1, discriminatorRate: 0.002, generatorRate: 0.002, steps: 1, threshold: 0 };
const PRESETS = [
  { name: "Break: mode collapse", restart: true,
    settings: { data: "twentyfive", loss: "bce", gamma: 0, discriminatorRate: 0.002, generatorRate: 0.02, steps: 1, threshold: 0 },
    look: "The generator learns much too fast: watch the orange points crowd together and leave most of the 25 modes empty." },
  { name: "Break: D too strong", restart: true,
    settings: { data: "eight", loss: "bce", gamma: 0, discriminatorRate: 0.01, generatorRate: 0.0001, steps: 5, threshold: 0 },
    look: "D learns a hundred times faster and five times as often: watch its loss fall and the generator's climb." },
  { name: "Break: oscillation", restart: true,
    settings: { data: "eight", loss: "bce", gamma: 0, discriminatorRate: 0.01, generatorRate: 0.01, steps: 1, threshold: 0 },
    look: "Both learn too fast: watch the orange points chase the blue areas round the ring and never settle." },
  { name: "Mend: relativistic + penalties", settings: RESTORED,
    look: "Pairs are compared, D's slopes are kept gentle and the rates are calm: watch the points spread over the modes." },
  { name: "Mend: lower learning rates", settings: { discriminatorRate: 0.001, generatorRate: 0.001 },
    look: "Smaller steps: watch the jumps of the points and of the curves become smaller." },
  { name: "Mend: let D wait", settings: { threshold: 0.8, steps: 1 },
    look: "D skips its step while its loss is below 0.8: watch the count of skips, and the generator catch up." },
];
