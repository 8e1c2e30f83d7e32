// Two players in the plane: G moves points, D judges them. One step of each is five parts, to be watched one by one.

const DEFAULTS = {
  data: "eight", loss: "relativistic", gamma: 0.1, discriminatorRate: 0.002, generatorRate: 0.002,
  steps: 1, threshold: 0, latent: 2, width: 32, batch: 64, seed: 0,
};

class PlaneGan {
  constructor(settings) {
    this.settings = { ...DEFAULTS, ...settings };
    const { latent, width, seed } = this.settings;
    this.random = new Random(seed);
    this.generator = new Network([latent, width, width, 2], this.random.normal);
    this.discriminator = new Network([2, width, width, 1], this.random.normal);
    this.generatorAdam = new Adam(this.generator.parameters.length);
    this.discriminatorAdam = new Adam(this.discriminator.parameters.length);
    this.step = 0;
    this.discriminatorSteps = 0;
    this.skips = 0;
    this.history = [];
    const fixed = new Random(seed + 1);
    this.fixedLatents = this.latents(500, fixed);
    this.center = 0;
  }

  get data() {
    return DATA[this.settings.data];
  }

  latents(count, random = this.random) {
    return Float64Array.from({ length: count * this.settings.latent }, random.normal);
  }

  // The points that are shown: always from the same latent vectors, so that one sees them move.
  shown() {
    return this.generator.forward(this.fixedLatents, 500).at(-1);
  }

  judge(points) {
    return this.discriminator.forward(points, points.length / 2).at(-1);
  }

  *discriminatorStep() {
    const { batch, loss, gamma, threshold, discriminatorRate } = this.settings;
    const network = this.discriminator;
    const real = samplePoints(this.data, batch, this.random);
    const fake = this.generator.forward(this.latents(batch), batch).at(-1);
    yield { player: "D", part: "sample", batch, real, fake };
    const onReal = network.forward(real, batch);
    const onFake = network.forward(fake, batch);
    const scores = this.scores(onReal.at(-1), onFake.at(-1));
    yield { player: "D", part: "classify", ...scores, real, fake };
    const measured = LOSSES[loss].discriminator(onReal.at(-1), onFake.at(-1));
    this.discriminatorLoss = measured.loss;
    const skipped = measured.loss < threshold;
    yield { player: "D", part: "loss", loss: measured.loss, skipped, real, fake };
    this.discriminatorSteps++;
    if (skipped) {
      this.skips++;
      return;
    }
    const gradients = new Float64Array(network.parameters.length);
    network.addGradients(gradients, network.backward(onReal, measured.real, batch), onReal, batch);
    network.addGradients(gradients, network.backward(onFake, measured.fake, batch), onFake, batch);
    let penalty = 0;
    // R1 on real points and R2 on generated ones: D may not become a cliff.
    if (gamma > 0) for (const passed of [onReal, onFake]) penalty += network.addPenalty(gradients, passed, batch, gamma);
    yield { player: "D", part: "gradients", norm: norm(gradients), penalty, real, fake };
    const moved = this.discriminatorAdam.update(network.parameters, gradients, discriminatorRate);
    yield { player: "D", part: "update", moved, real, fake };
  }

  *generatorStep() {
    const { batch, loss, generatorRate } = this.settings;
    const before = this.discriminator.checksum();
    const made = this.generator.forward(this.latents(batch), batch);
    const fake = made.at(-1);
    yield { player: "G", part: "sample", batch, fake };
    const real = samplePoints(this.data, batch, this.random);
    const onFake = this.discriminator.forward(fake, batch);
    const onReal = this.discriminator.forward(real, batch).at(-1);
    yield { player: "G", part: "classify", ...this.scores(onReal, onFake.at(-1)), fake };
    const measured = LOSSES[loss].generator(onReal, onFake.at(-1));
    this.generatorLoss = measured.loss;
    yield { player: "G", part: "loss", loss: measured.loss, fake };
    const pull = this.discriminator.backward(onFake, measured.fake, batch)[0];
    const gradients = new Float64Array(this.generator.parameters.length);
    this.generator.addGradients(gradients, this.generator.backward(made, pull, batch), made, batch);
    yield { player: "G", part: "gradients", norm: norm(gradients), fake };
    const moved = this.generatorAdam.update(this.generator.parameters, gradients, generatorRate);
    const after = this.discriminator.checksum();
    this.proof = { before, after, same: before === after };
    yield { player: "G", part: "update", moved, ...this.proof, fake };
  }

  scores(real, fake) {
    const [onReal, onFake] = [mean(real), mean(fake)];
    // Relativistic logits mean something only beside each other, so they are shown around their middle.
    this.center = this.settings.loss === "relativistic" ? (onReal + onFake) / 2 : 0;
    const share = (values) => mean(values.map((value) => sigmoid(value - this.center)));
    this.onReal = share(real);
    this.onFake = share(fake);
    return { onReal: this.onReal, onFake: this.onFake };
  }

  // `who` is "D", "G" or "both".
  *parts(who) {
    if (who !== "G") for (let i = 0; i < (who === "both" ? this.settings.steps : 1); i++) yield* this.discriminatorStep();
    if (who !== "D") yield* this.generatorStep();
    this.step++;
    if (this.step % 10 === 0) this.record();
  }

  train(who) {
    for (const part of this.parts(who)) this.last = part;
  }

  record() {
    const { step, discriminatorLoss, generatorLoss, onReal, onFake } = this;
    this.history.push({ step, discriminatorLoss, generatorLoss, onReal, onFake });
    if (this.history.length > 400) this.history = this.history.filter((_, i) => i % 2);
  }
}
