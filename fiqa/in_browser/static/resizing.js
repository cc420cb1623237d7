// Makes pictures smaller and larger exactly as Pillow does, to the last of their 8 bits: a score follows what it is given.
//
// A picture is { data, width, height }, with 4 bytes for each pixel, the last of them unused.

const PRECISION = 2 ** 22; // of a weight; Pillow computes with whole numbers
const sinc = (x) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));

export const BILINEAR = { reach: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) };
export const LANCZOS = { reach: 3, weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) };

export const newPicture = (width, height) => ({ data: new Uint8ClampedArray(4 * width * height), width, height });

// As Python rounds: halves to the even neighbour.
export const round = (value) => {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 ? below + 1 : below;
};

// Returns the part [left, top, right, bottom] of a picture, resized.
export function resize(picture, width, height, filter, box = [0, 0, picture.width, picture.height]) {
  const [left, top, right, bottom] = box.map(Math.fround);
  const across = spread(picture.width, left, right, width, filter);
  const down = spread(picture.height, top, bottom, height, filter);
  return resizeDown(resizeAcross(picture, across), down);
}

// Averages blocks of `across` × `down` pixels; what is left at the right and at the bottom makes smaller blocks.
export function reduce(picture, across, down = across) {
  const small = newPicture(Math.ceil(picture.width / across), Math.ceil(picture.height / down));
  for (let y = 0; y < small.height; y++) {
    for (let x = 0; x < small.width; x++) reduceBlock(picture, small, x, y, across, down);
  }
  return small;
}

// Returns a picture whose longer side is at most `longest`, antialiased.
export function shrink(picture, longest) {
  const longer = Math.max(picture.width, picture.height);
  if (longer <= longest) return picture;
  const [width, height] = [picture.width, picture.height].map((side) => Math.max(1, round((side * longest) / longer)));
  const across = Math.trunc(picture.width / width / 2) || 1;
  const down = Math.trunc(picture.height / height / 2) || 1;
  const reduced = across > 1 || down > 1 ? reduce(picture, across, down) : picture;
  return resize(reduced, width, height, BILINEAR, [0, 0, picture.width / across, picture.height / down]);
}

// For each pixel of a side to come, where in the present one its weights begin, and the weights.
function spread(size, from, to, wanted, filter) {
  const scale = Math.fround(to - from) / wanted;
  const stretch = Math.max(scale, 1);
  const reach = filter.reach * stretch;
  return Array.from({ length: wanted }, (_, index) => {
    const centre = from + (index + 0.5) * scale;
    const start = Math.max(0, Math.trunc(centre - reach + 0.5));
    const end = Math.min(size, Math.trunc(centre + reach + 0.5));
    const weights = [];
    for (let at = start; at < end; at++) weights.push(filter.weight((at - centre + 0.5) * (1 / stretch)));
    const sum = weights.reduce((total, weight) => total + weight, 0) || 1;
    return { start, weights: Float64Array.from(weights, (weight) => wholeWeight(weight / sum)) };
  });
}

const wholeWeight = (weight) => Math.trunc(weight * PRECISION + (weight < 0 ? -0.5 : 0.5));
const toLevel = (sum) => Math.floor((sum + PRECISION / 2) / PRECISION); // the array clamps it to 0..255

function resizeAcross(picture, columns) {
  const result = newPicture(columns.length, picture.height);
  for (let y = 0; y < picture.height; y++) {
    const row = 4 * y * picture.width;
    for (let x = 0; x < columns.length; x++) {
      const at = 4 * (y * columns.length + x);
      writeSum(picture.data, row + 4 * columns[x].start, 4, columns[x].weights, result.data, at);
    }
  }
  return result;
}

function resizeDown(picture, rows) {
  const result = newPicture(picture.width, rows.length);
  const stride = 4 * picture.width;
  for (let y = 0; y < rows.length; y++) {
    for (let x = 0; x < picture.width; x++) {
      const at = 4 * x;
      writeSum(picture.data, rows[y].start * stride + at, stride, rows[y].weights, result.data, y * stride + at);
    }
  }
  return result;
}

function writeSum(data, start, stride, weights, target, at) {
  let [red, green, blue] = [0, 0, 0];
  for (let index = 0, from = start; index < weights.length; index++, from += stride) {
    const weight = weights[index];
    red += weight * data[from];
    green += weight * data[from + 1];
    blue += weight * data[from + 2];
  }
  target[at] = toLevel(red);
  target[at + 1] = toLevel(green);
  target[at + 2] = toLevel(blue);
}

function reduceBlock(picture, small, x, y, across, down) {
  const right = Math.min(picture.width, (x + 1) * across);
  const bottom = Math.min(picture.height, (y + 1) * down);
  const sums = [0, 0, 0];
  for (let row = y * down; row < bottom; row++) {
    for (let column = x * across; column < right; column++) {
      const from = 4 * (row * picture.width + column);
      for (let channel = 0; channel < 3; channel++) sums[channel] += picture.data[from + channel];
    }
  }
  const count = (right - x * across) * (bottom - y * down);
  const inverse = Math.floor(2 ** 24 / count); // Pillow multiplies where it could divide
  const at = 4 * (y * small.width + x);
  sums.forEach((sum, channel) => {
    small.data[at + channel] = Math.floor(((sum + Math.floor(count / 2)) * inverse) / 2 ** 24);
  });
}
