// Adversarial losses of logits: `real` = D(x), `fake` = D(G(z)). Each returns the loss and its gradients.

const sigmoid = (x) => 1 / (1 + Math.exp(-x));
const softplus = (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

const LOSSES = {
  // L_D = mean softplus(-D(x)) + mean softplus(D(G(z)));  L_G = mean softplus(-D(G(z)))   (non-saturating)
  bce: {
    discriminator: (real, fake) => ({
      loss: mean(real.map((a) => softplus(-a))) + mean(fake.map(softplus)),
      real: real.map((a) => -sigmoid(-a) / real.length),
      fake: fake.map((b) => sigmoid(b) / fake.length),
    }),
    generator: (real, fake) => ({
      loss: mean(fake.map((b) => softplus(-b))),
      fake: fake.map((b) => -sigmoid(-b) / fake.length),
    }),
  },
  // L_D = mean softplus(D(G(z)) - D(x));  L_G = mean softplus(D(x) - D(G(z)))   (Huang et al. 2024, R3GAN)
  relativistic: {
    discriminator: (real, fake) => {
      const slope = fake.map((b, i) => sigmoid(b - real[i]) / fake.length);
      return { loss: mean(fake.map((b, i) => softplus(b - real[i]))), real: slope.map((s) => -s), fake: slope };
    },
    generator: (real, fake) => ({
      loss: mean(fake.map((b, i) => softplus(real[i] - b))),
      fake: fake.map((b, i) => -sigmoid(real[i] - b) / fake.length),
    }),
  },
  // L_D = mean max(0, 1 - D(x)) + mean max(0, 1 + D(G(z)));  L_G = -mean D(G(z))
  hinge: {
    discriminator: (real, fake) => ({
      loss: mean(real.map((a) => Math.max(0, 1 - a))) + mean(fake.map((b) => Math.max(0, 1 + b))),
      real: real.map((a) => (a < 1 ? -1 / real.length : 0)),
      fake: fake.map((b) => (b > -1 ? 1 / fake.length : 0)),
    }),
    generator: (real, fake) => ({ loss: -mean(fake), fake: fake.map(() => -1 / fake.length) }),
  },
};
