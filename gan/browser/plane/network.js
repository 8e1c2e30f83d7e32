// A small multilayer perceptron with its backward pass written out, and Adam.
//
// Layer l:  a_l = W_l h_(l-1) + b_l,   h_l = LeakyReLU(a_l);   the last layer is linear.
// Batches are flat arrays, one row a sample: [count, width].

const SLOPE = 0.2;

class Network {
  constructor(sizes, normal) {
    this.sizes = sizes;
    this.layers = [];
    let place = 0;
    for (let l = 1; l < sizes.length; l++) {
      const [inputs, outputs] = [sizes[l - 1], sizes[l]];
      this.layers.push({ inputs, outputs, weight: place, bias: place + inputs * outputs });
      place += (inputs + 1) * outputs;
    }
    this.parameters = new Float64Array(place);
    for (const { inputs, outputs, weight } of this.layers) {
      // He et al. 2015: the variance 2 / inputs keeps the size of the signal from layer to layer.
      const deviation = Math.sqrt(2 / inputs);
      for (let i = 0; i < inputs * outputs; i++) this.parameters[weight + i] = deviation * normal();
    }
  }

  // All activations [h_0, ..., h_L]; the last is the output.
  forward(input, count) {
    const activations = [input];
    this.layers.forEach((layer, l) => {
      const output = this.linear(layer, activations[l], count, true);
      if (l < this.layers.length - 1) leak(output, output);
      activations.push(output);
    });
    return activations;
  }

  linear({ inputs, outputs, weight, bias }, input, count, withBias) {
    const output = new Float64Array(count * outputs);
    const values = this.parameters;
    for (let n = 0; n < count; n++) {
      for (let o = 0; o < outputs; o++) {
        let sum = withBias ? values[bias + o] : 0;
        const row = weight + o * inputs;
        const start = n * inputs;
        for (let i = 0; i < inputs; i++) sum += values[row + i] * input[start + i];
        output[n * outputs + o] = sum;
      }
    }
    return output;
  }

  // Chain rule: delta_L = dLoss/doutput; delta_(l-1) = LeakyReLU'(a_(l-1)) * W_l^T delta_l.
  // Returns every delta; deltas[0] is the gradient with respect to the input.
  backward(activations, outputGradient, count) {
    const deltas = [];
    deltas[this.layers.length] = outputGradient;
    for (let l = this.layers.length - 1; l >= 0; l--) {
      const { inputs, outputs, weight } = this.layers[l];
      const below = new Float64Array(count * inputs);
      const [above, values] = [deltas[l + 1], this.parameters];
      for (let n = 0; n < count; n++) {
        for (let o = 0; o < outputs; o++) {
          const delta = above[n * outputs + o];
          const row = weight + o * inputs;
          const start = n * inputs;
          for (let i = 0; i < inputs; i++) below[start + i] += delta * values[row + i];
        }
      }
      if (l > 0) leak(below, activations[l]);
      deltas[l] = below;
    }
    return deltas;
  }

  // dLoss/dW_l += delta_l h_(l-1)^T,  dLoss/db_l += delta_l.
  addGradients(gradients, deltas, activations, count, withBias = true) {
    this.layers.forEach(({ inputs, outputs, weight, bias }, l) => {
      const [above, below] = [deltas[l + 1], activations[l]];
      for (let n = 0; n < count; n++) {
        for (let o = 0; o < outputs; o++) {
          const delta = above[n * outputs + o];
          const row = weight + o * inputs;
          const start = n * inputs;
          for (let i = 0; i < inputs; i++) gradients[row + i] += delta * below[start + i];
          if (withBias) gradients[bias + o] += delta;
        }
      }
    });
  }

  // Penalty P = gamma / 2 * mean |g|^2 with g = dD/dx, exactly. LeakyReLU is piecewise linear, so its slopes do
  // not depend on the weights and dP/dW_l = delta_l u_(l-1)^T, where u is the tangent gamma * g carried forward:
  // u_0 = gamma * g / count,  u_l = LeakyReLU'(a_l) * W_l u_(l-1).
  addPenalty(gradients, activations, count, gamma) {
    const deltas = this.backward(activations, new Float64Array(count).fill(1), count);
    const tangents = [deltas[0].map((value) => (gamma * value) / count)];
    for (let l = 0; l < this.layers.length - 1; l++) {
      const tangent = this.linear(this.layers[l], tangents[l], count, false);
      tangents.push(leak(tangent, activations[l + 1]));
    }
    this.addGradients(gradients, deltas, tangents, count, false);
    return (gamma / 2) * (squares(deltas[0]) / count);
  }

  checksum() {
    // FNV-1a over the bits of every weight: one changed bit gives another sum.
    let sum = 0x811c9dc5;
    for (const word of new Uint32Array(this.parameters.buffer)) sum = Math.imul(sum ^ word, 0x01000193);
    return (sum >>> 0).toString(16).padStart(8, "0");
  }
}

// Multiplies by LeakyReLU's slope where `sign` is negative; LeakyReLU keeps the sign, so h_l serves as a_l.
function leak(values, sign) {
  for (let i = 0; i < values.length; i++) if (sign[i] < 0) values[i] *= SLOPE;
  return values;
}

function squares(values) {
  let sum = 0;
  for (const value of values) sum += value * value;
  return sum;
}

const norm = (values) => Math.sqrt(squares(values));

// Adam (Kingma and Ba 2015) with beta_1 = 0.5, as GANs like it: less momentum, less circling.
class Adam {
  constructor(size, first = 0.5, second = 0.99) {
    Object.assign(this, { first, second, step: 0 });
    this.mean = new Float64Array(size);
    this.square = new Float64Array(size);
  }

  // Changes the parameters and returns how far they went, |update|.
  update(parameters, gradients, rate) {
    this.step++;
    const meanShare = 1 - this.first ** this.step;
    const squareShare = 1 - this.second ** this.step;
    let moved = 0;
    for (let i = 0; i < parameters.length; i++) {
      this.mean[i] = this.first * this.mean[i] + (1 - this.first) * gradients[i];
      this.square[i] = this.second * this.square[i] + (1 - this.second) * gradients[i] ** 2;
      const change = (rate * this.mean[i]) / meanShare / (Math.sqrt(this.square[i] / squareShare) + 1e-8);
      parameters[i] -= change;
      moved += change * change;
    }
    return Math.sqrt(moved);
  }
}
