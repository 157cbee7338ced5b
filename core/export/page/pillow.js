"use strict";
/* Pillow 13's resize and reduce of 8-bit RGB, equal bit for bit (src/libImaging/Resample.c, Reduce.c).
   An image is {width, height, data}: data holds three values a pixel, row by row. */

const FILTERS = {
  bicubic: {
    support: 2,
    at(x) {
      x = Math.abs(x);
      if (x < 1) return ((-0.5 + 2) * x - (-0.5 + 3)) * x * x + 1;
      return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
    },
  },
  bilinear: {
    support: 1,
    at(x) {
      x = Math.abs(x);
      return x < 1 ? 1 - x : 0;
    },
  },
};
const PRECISION = 22;

/* Which source pixels make up each target pixel: first[i], how many, and weights of `span` each. */
function weights(from, start, end, to, filter) {
  const scale = Math.fround(end - start) / to;
  const stretch = Math.max(scale, 1);
  const support = filter.support * stretch;
  const span = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(to), count = new Int32Array(to), values = new Int32Array(to * span);
  const own = new Float64Array(span);
  for (let i = 0; i < to; i++) {
    const center = start + (i + 0.5) * scale;
    first[i] = Math.max(0, Math.trunc(center - support + 0.5));
    count[i] = Math.min(from, Math.trunc(center + support + 0.5)) - first[i];
    let sum = 0;
    for (let k = 0; k < count[i]; k++) {
      own[k] = filter.at((k + first[i] - center + 0.5) * (1 / stretch));
      sum += own[k];
    }
    for (let k = 0; k < count[i]; k++) {
      const weight = (sum === 0 ? own[k] : own[k] / sum) * (1 << PRECISION);
      values[i * span + k] = Math.trunc(weight < 0 ? weight - 0.5 : weight + 0.5);
    }
  }
  return { span, first, count, values };
}

const HALF = 1 << (PRECISION - 1);

function across(image, width, w) {
  const { height, data } = image, out = new Uint8ClampedArray(width * height * 3);
  for (let y = 0, at = 0; y < height; y++) {
    const row = y * image.width * 3;
    for (let x = 0; x < width; x++) {
      let r = HALF, g = HALF, b = HALF, from = row + w.first[x] * 3;
      for (let k = x * w.span, last = k + w.count[x]; k < last; k++, from += 3) {
        const weight = w.values[k];
        r += data[from] * weight;
        g += data[from + 1] * weight;
        b += data[from + 2] * weight;
      }
      out[at++] = r >> PRECISION;
      out[at++] = g >> PRECISION;
      out[at++] = b >> PRECISION;
    }
  }
  return { width, height, data: out };
}

function down(image, height, w) {
  const { width, data } = image, row = width * 3, out = new Uint8ClampedArray(row * height);
  const sums = new Int32Array(row);
  for (let y = 0; y < height; y++) {
    sums.fill(HALF);
    for (let k = 0; k < w.count[y]; k++) {
      const weight = w.values[y * w.span + k], from = (w.first[y] + k) * row;
      for (let x = 0; x < row; x++) sums[x] += data[from + x] * weight;
    }
    for (let x = 0; x < row; x++) out[y * row + x] = sums[x] >> PRECISION;
  }
  return { width, height, data: out };
}

/* Image.resize((width, height), filter, box), whose box may have fractions. */
function resize(image, width, height, name, box = [0, 0, image.width, image.height]) {
  const filter = FILTERS[name], [left, top, right, bottom] = box.map(Math.fround);
  const wide = width !== image.width || left !== 0 || right !== width;
  const tall = height !== image.height || top !== 0 || bottom !== height;
  const taller = image.height - height;
  const downFirst = taller > 0 && taller > (image.width - width) * 2;
  const acrossPass = (from) =>
    wide ? across(from, width, weights(image.width, left, right, width, filter)) : from;
  const downPass = (from) =>
    tall ? down(from, height, weights(image.height, top, bottom, height, filter)) : from;
  return downFirst ? acrossPass(downPass(image)) : downPass(acrossPass(image));
}

/* Image.reduce((x, y)): means of blocks, of what there is of them at the right and lower edge. */
function reduce(image, xFactor, yFactor = xFactor) {
  const width = Math.ceil(image.width / xFactor), height = Math.ceil(image.height / yFactor);
  const out = new Uint8Array(width * height * 3);
  for (let y = 0, at = 0; y < height; y++) {
    const rows = Math.min(yFactor, image.height - y * yFactor);
    for (let x = 0; x < width; x++, at += 3) {
      const columns = Math.min(xFactor, image.width - x * xFactor), n = rows * columns;
      const multiplier = Math.trunc(Math.fround(2 ** 32 / (256 * n)));
      const sums = [n >> 1, n >> 1, n >> 1];
      for (let v = 0; v < rows; v++) {
        let from = ((y * yFactor + v) * image.width + x * xFactor) * 3;
        for (let u = 0; u < columns; u++, from += 3) {
          sums[0] += image.data[from];
          sums[1] += image.data[from + 1];
          sums[2] += image.data[from + 2];
        }
      }
      for (let c = 0; c < 3; c++) out[at + c] = Math.floor((sums[c] * multiplier) / 2 ** 24);
    }
  }
  return { width, height, data: out };
}

/* A JPEG decoded at 1/2 or 1/4 has the colours that lie packed in it; the means of its decoded
   pixels have them once blurred. This takes back most of that, and leaves the lightness alone. */
function sharperColours(image, factor) {
  const amount = { 2: 1 / 8, 4: 1 / 16 }[factor];
  if (!amount) return image;
  const { width, height, data } = image, planes = [0, 2].map((channel) => {
    const plane = new Float32Array(width * height);
    for (let at = 0; at < plane.length; at++) plane[at] = data[at * 3 + channel] - lightness(data, at * 3);
    return sharper(sharper(plane, width, height, 1, width, amount), height, width, width, 1, amount);
  });
  const out = new Uint8ClampedArray(data.length);
  for (let at = 0; at < width * height; at++) {
    const light = lightness(data, at * 3), red = planes[0][at], blue = planes[1][at];
    out[at * 3] = light + red;
    out[at * 3 + 1] = light - (0.299 * red + 0.114 * blue) / 0.587;
    out[at * 3 + 2] = light + blue;
  }
  return { width, height, data: out };
}

const lightness = (data, at) => 0.299 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2];

/* Along lines of `length` values that lie `step` apart; the lines begin `next` apart. */
function sharper(plane, length, lines, step, next, amount) {
  const out = new Float32Array(plane.length);
  for (let line = 0; line < lines; line++)
    for (let k = 0; k < length; k++) {
      const at = line * next + k * step;
      const one = plane[k ? at - step : at], other = plane[k < length - 1 ? at + step : at];
      out[at] = (1 + 2 * amount) * plane[at] - amount * (one + other);
    }
  return out;
}

/* Python's round: halves go to the even neighbour. */
function roundEven(value) {
  const low = Math.floor(value);
  if (value - low !== 0.5) return Math.round(value);
  return low % 2 ? low + 1 : low;
}

/* The size of the same shape of at most `side` on its longer side. */
function within(width, height, side) {
  const scale = Math.min(1, side / Math.max(width, height));
  return [Math.max(1, roundEven(width * scale)), Math.max(1, roundEven(height * scale))];
}

/* Image.resize(…, BICUBIC, reducing_gap=2.0) to at most `side`: what the app keeps of an image. */
function shrunk(image, side) {
  const [width, height] = within(image.width, image.height, side);
  if (width === image.width && height === image.height) return image;
  const x = Math.trunc(image.width / width / 2) || 1, y = Math.trunc(image.height / height / 2) || 1;
  const small = x > 1 || y > 1 ? reduce(image, x, y) : image;
  return resize(small, width, height, "bicubic", [0, 0, image.width / x, image.height / y]);
}

/* The square that the network sees: squashed, cropped to its middle, or padded with its mean. */
function square(image, { size, fit, mean, interpolation }) {
  const { width, height } = image;
  if (fit === "squash") return resize(image, size, size, interpolation);
  if (fit === "crop") {
    const edge = Math.min(width, height), left = (width - edge) / 2, top = (height - edge) / 2;
    return resize(image, size, size, interpolation, [left, top, left + edge, top + edge]);
  }
  const longer = Math.max(width, height);
  const inner = [width, height].map((side) => Math.max(1, roundEven((side * size) / longer)));
  const whole = resize(image, inner[0], inner[1], interpolation);
  const ground = mean.map((value) => roundEven(255 * value));
  const data = new Uint8Array(size * size * 3).map((_, at) => ground[at % 3]);
  const left = Math.floor((size - inner[0]) / 2), top = Math.floor((size - inner[1]) / 2);
  for (let y = 0; y < inner[1]; y++) {
    const row = whole.data.subarray(y * inner[0] * 3, (y + 1) * inner[0] * 3);
    data.set(row, ((top + y) * size + left) * 3);
  }
  return { width: size, height: size, data };
}
