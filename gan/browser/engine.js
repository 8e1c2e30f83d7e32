// The generator and its critic in this page: the runtime is loaded once, a checkpoint's graphs when it is opened.

// Addresses are relative to the app, which may lie below the root of its host.
const appAddress = (path) => new URL(path, (window.gradio_config?.root || document.baseURI.split(/[?#]/)[0]).replace(/\/?$/, "/")).href;
const pageAddress = (path) => (props.model ? new URL(path, document.baseURI).href : appAddress(path));

let runtime = null;

async function fetched(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(address + " answers " + answer.status);
  return answer.arrayBuffer();
}

// A plain host cannot say that a file is compressed, so a page without a server unpacks it by itself.
async function unzipped(address) {
  const bytes = new Uint8Array(await fetched(address));
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function loadRuntime() {
  const { entry, loader, wasm, packed } = props.runtime;
  const ort = await import(pageAddress(entry));
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "error";
  ort.env.wasm.wasmPaths = packed ? { mjs: pageAddress(loader) } : { mjs: pageAddress(loader), wasm: pageAddress(wasm) };
  if (packed) ort.env.wasm.wasmBinary = await unzipped(pageAddress(wasm));
  return ort;
}

function graphAddress(part, checkpoint, version) {
  if (props.model) return pageAddress(props.model[part]);
  return pageAddress("atelier/model/" + part + "?" + new URLSearchParams({ checkpoint, version }));
}

function vectorOf(packed) {
  const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}

// Share of ascending quantiles below a value, by linear interpolation; see gan/model.py.
function shareBelow(quantiles, value) {
  if (!quantiles || quantiles.length < 2) return 0.5;
  const last = quantiles.length - 1;
  if (value >= quantiles[last]) return 1;
  const above = quantiles.findIndex((quantile) => quantile > value);
  if (above === 0) return 0;
  const [low, high] = [quantiles[above - 1], quantiles[above]];
  return (above - 1 + (value - low) / (high - low)) / last;
}

class Engine {
  constructor(ort, description) {
    const { critic, version } = description.browser;
    this.checkpoint = description.checkpoint;
    this.judged = description.judged;
    this.classes = description.classes.length;
    this.space = description.space;
    Object.assign(this, { ort, version, quantiles: critic, side: description.resolution, turn: Promise.resolve() });
  }

  static async open(description) {
    runtime ||= loadRuntime();
    // A failure is not kept: the next checkpoint tries again.
    runtime.catch(() => { runtime = null; });
    const engine = new Engine(await runtime, description);
    engine.generator = await engine.session("generator");
    return engine;
  }

  async session(part) {
    const bytes = await fetched(graphAddress(part, this.checkpoint, this.version));
    return this.ort.InferenceSession.create(new Uint8Array(bytes), { executionProviders: ["wasm"] });
  }

  // The runtime does one thing at a time: a question waits for the one before it.
  exclusively(act) {
    const result = this.turn.then(act);
    this.turn = result.catch(() => {});
    return result;
  }

  // Of a picture of mixed styles nobody knows z.
  told(state, z) {
    const label = Int32Array.of(within(state.class, 0, Math.max(0, this.classes - 1)));
    const numbers = z || new Float32Array(this.space.z_dim);
    return {
      z: new this.ort.Tensor("float32", numbers, [1, numbers.length]),
      label: new this.ort.Tensor("int32", label, [1]),
      known: new this.ort.Tensor("float32", Float32Array.of(z ? 1 : 0), [1]),
    };
  }

  asked(session, values) {
    return Object.fromEntries(session.inputNames.map((name) => [name, values[name]]));
  }

  // Whether all directions that the state counts through are known here.
  knows(state) {
    return state.checkpoint === this.checkpoint && reaches(state) <= this.space.limits.length;
  }

  // The state's picture as the canvas takes it, and its z.
  async draw(state) {
    const inputs = this.asked(this.generator, this.told(state, latentOf(state, this.space)));
    const { picture } = await this.exclusively(() => this.generator.run(inputs));
    const bytes = new Uint8ClampedArray(picture.data);
    return { z: knownZ(state, this.space), image: new ImageData(bytes, this.side, this.side) };
  }

  async judge(state, { z, image }) {
    this.critic ||= this.session("critic");
    const critic = await this.critic;
    const picture = new this.ort.Tensor("uint8", new Uint8Array(image.data), [1, this.side, this.side, 4]);
    const inputs = this.asked(critic, { ...this.told(state, z), picture });
    const { logit } = await this.exclusively(() => critic.run(inputs));
    return this.opinion(Number(logit.data[0]));
  }

  opinion(logit) {
    if (!this.quantiles.generated?.length || !this.quantiles.real?.length) {
      return { sentence: "The discriminator gives this picture a score of " + logit.toFixed(2) + ".", generated: null, real: null };
    }
    const [generated, real] = ["generated", "real"].map((kind) => shareBelow(this.quantiles[kind], logit));
    const sentence =
      "The discriminator finds this picture more convincing than " + Math.round(100 * generated) +
      " % of this generator's pictures and " + Math.round(100 * real) + " % of the real ones.";
    return { sentence, generated, real };
  }

  close() {
    this.exclusively(async () => {
      await this.generator.release();
      if (this.critic) await (await this.critic).release();
    }).catch(() => {});
  }
}
