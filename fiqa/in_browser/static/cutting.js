// Cuts windows out of pictures, mirrored beyond the border, and turns them, as fiqa/photos/alignment.py and Pillow do.

import { newPicture } from "./resizing.js";

const clamp = (value, highest) => Math.max(0, Math.min(highest, value));

// Returns pixels left..right and top..bottom; where that leaves the picture, its border is a mirror.
export function cutWindow(picture, left, top, right, bottom) {
  const window = newPicture(right - left, bottom - top);
  for (let y = 0; y < window.height; y++) {
    const row = mirrored(top + y, picture.height) * picture.width;
    for (let x = 0; x < window.width; x++) {
      copyPixel(picture, row + mirrored(left + x, picture.width), window, y * window.width + x);
    }
  }
  return window;
}

// Turns a picture anticlockwise by quarters of a full turn.
export function turnQuarters(picture, quarters) {
  const { width, height } = picture;
  const turned = quarters === 2 ? newPicture(width, height) : newPicture(height, width);
  const source = {
    1: (x, y) => x * width + (width - 1 - y),
    2: (x, y) => (height - 1 - y) * width + (width - 1 - x),
    3: (x, y) => (height - 1 - x) * width + y,
  }[quarters];
  for (let y = 0; y < turned.height; y++) {
    for (let x = 0; x < turned.width; x++) copyPixel(picture, source(x, y), turned, y * turned.width + x);
  }
  return turned;
}

// Turns a picture by an angle in radians around a centre, bicubic; what comes from outside is black.
export function rotate(picture, angle, [centreX, centreY]) {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const turned = newPicture(picture.width, picture.height);
  for (let y = 0; y < turned.height; y++) {
    for (let x = 0; x < turned.width; x++) {
      const [across, down] = [x + 0.5 - centreX, y + 0.5 - centreY];
      const from = [cos * across - sin * down + centreX, sin * across + cos * down + centreY];
      writeBicubic(picture, from, turned.data, 4 * (y * turned.width + x));
    }
  }
  return turned;
}

function writeBicubic(picture, [x, y], target, at) {
  const { data, width, height } = picture;
  if (x < 0 || x >= width || y < 0 || y >= height) return;
  const [column, row] = [Math.floor(x - 0.5), Math.floor(y - 0.5)];
  const [right, down] = [x - 0.5 - column, y - 0.5 - row];
  const columns = [-1, 0, 1, 2].map((step) => 4 * clamp(column + step, width - 1));
  const rows = [-1, 0, 1, 2].map((step) => 4 * width * clamp(row + step, height - 1));
  for (let channel = 0; channel < 3; channel++) {
    const across = rows.map((start) => cubic(...columns.map((place) => data[start + place + channel]), right));
    target[at + channel] = Math.trunc(clamp(cubic(...across, down), 255));
  }
}

function cubic(a, b, c, d, at) {
  return b + at * (-a + c + at * (2 * (a - b) + c - d + at * (-a + b - c + d)));
}

function mirrored(place, size) {
  const within = ((place % (2 * size)) + 2 * size) % (2 * size);
  return within < size ? within : 2 * size - 1 - within;
}

function copyPixel(from, source, to, target) {
  for (let channel = 0; channel < 3; channel++) to.data[4 * target + channel] = from.data[4 * source + channel];
}
