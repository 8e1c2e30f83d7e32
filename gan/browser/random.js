// Random numbers as numpy.random.RandomState draws them, so that a seed means the same picture everywhere.

// Mersenne Twister MT19937 (Matsumoto and Nishimura 1998), seeded with one 32-bit number.
class Twister {
  constructor(seed) {
    this.key = new Uint32Array(624);
    this.place = 624;
    this.key[0] = seed >>> 0;
    for (let i = 1; i < 624; i++) {
      const last = this.key[i - 1] ^ (this.key[i - 1] >>> 30);
      this.key[i] = Math.imul(1812433253, last) + i;
    }
  }

  mix() {
    const key = this.key;
    for (let i = 0; i < 624; i++) {
      const bits = (key[i] & 0x80000000) | (key[(i + 1) % 624] & 0x7fffffff);
      key[i] = key[(i + 397) % 624] ^ (bits >>> 1) ^ (bits & 1 ? 0x9908b0df : 0);
    }
    this.place = 0;
  }

  word() {
    if (this.place >= 624) this.mix();
    let bits = this.key[this.place++];
    bits ^= bits >>> 11;
    bits ^= (bits << 7) & 0x9d2c5680;
    bits ^= (bits << 15) & 0xefc60000;
    return (bits ^ (bits >>> 18)) >>> 0;
  }

  // 53 random bits as a number in [0, 1).
  uniform() {
    const high = this.word() >>> 5;
    const low = this.word() >>> 6;
    return (high * 67108864 + low) / 9007199254740992;
  }
}

// `count` numbers of N(0, 1), by Marsaglia's polar method in the order in which numpy takes them.
function randn(seed, count) {
  const source = new Twister(seed);
  const drawn = new Float64Array(count + 1);
  for (let i = 0; i < count; i += 2) {
    let x, y, square;
    do {
      x = 2 * source.uniform() - 1;
      y = 2 * source.uniform() - 1;
      square = x * x + y * y;
    } while (square >= 1 || square === 0);
    const factor = Math.sqrt((-2 * Math.log(square)) / square);
    drawn[i] = factor * y;
    drawn[i + 1] = factor * x;
  }
  return drawn.subarray(0, count);
}

// CRC-32 as in zlib and PNG, of bytes.
function crc32(bytes) {
  let sum = -1;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return (sum ^ -1) >>> 0;
}
