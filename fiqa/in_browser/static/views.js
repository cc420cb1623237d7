// From a face to the square view that networks are given, as fiqa/photos/alignment.py cuts it.
//
// Landmarks are 68 points [x, y] in iBUG order. A view is { image, toPhoto }, where `toPhoto` takes points of the view
// to the photo: [[a, b, x], [c, d, y]].

import { cutWindow, rotate } from "./cutting.js";
import { LANCZOS, reduce, resize } from "./resizing.js";

const LEFT_EYE = [36, 42];
const RIGHT_EYE = [42, 48];
const MOUTH = [48, 68];

export const mean = (points) => [0, 1].map((axis) => points.reduce((sum, each) => sum + each[axis], 0) / points.length);

// The box [left, top, right, bottom] around points.
export function bounds(points) {
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

// The tilt of a face in radians, clockwise: of the line through the eyes and of that from them to the mouth.
export function rollOf(landmarks) {
  const [left, right, mouth] = [LEFT_EYE, RIGHT_EYE, MOUTH].map((part) => mean(landmarks.slice(...part)));
  const eyes = mean([left, right]);
  return Math.atan2(right[1] - left[1] - (mouth[0] - eyes[0]), right[0] - left[0] + (mouth[1] - eyes[1]));
}

// Points turned back by an angle, as a face that is tilted by it would be upright.
export function turnBack(points, angle) {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return points.map(([x, y]) => [x * cos + y * sin, -x * sin + y * cos]);
}

// The upright square around a face: { centre, extent, angle }.
export function faceSquare(landmarks, margin, largestRollDeg) {
  const roll = rollOf(landmarks);
  const angle = Math.abs(roll) > (largestRollDeg * Math.PI) / 180 ? roll : 0;
  const [left, top, right, bottom] = bounds(turnBack(landmarks, angle));
  const [centre] = turnBack([[(left + right) / 2, (top + bottom) / 2]], -angle);
  return { centre, extent: Math.max(right - left, bottom - top) * margin, angle };
}

// The upright view around a box; a large face is reduced first, to no fewer than four pixels for each of the view.
export function boxView(photo, [left, top, right, bottom], side, margin) {
  const centre = [(left + right) / 2, (top + bottom) / 2];
  const extent = margin * Math.max(right - left, bottom - top, 1);
  const factor = Math.trunc(extent / (4 * side));
  if (factor < 2) return cutView(photo, { centre, extent, angle: 0 }, side);
  const corner = centre.map((place) => Math.max(0, Math.floor(place - extent / 2)));
  const end = [photo.width, photo.height].map((size, axis) => Math.min(size, Math.ceil(centre[axis] + extent / 2)));
  const small = reduce(cutWindow(photo, ...corner, ...end), factor);
  const place = centre.map((each, axis) => (each - corner[axis]) / factor);
  const view = cutView(small, { centre: place, extent: extent / factor, angle: 0 }, side);
  const toPhoto = view.toPhoto.map(([a, b, offset], axis) => [factor * a, factor * b, factor * offset + corner[axis]]);
  return { image: view.image, toPhoto };
}

// Cuts a square out of a photo and resizes it to `side` pixels.
export function cutView(photo, { centre, extent, angle }, side) {
  const reach = (extent / 2) * (Math.abs(Math.cos(angle)) + Math.abs(Math.sin(angle)));
  const [left, top] = centre.map((place) => Math.floor(place - reach));
  const [right, bottom] = centre.map((place) => Math.ceil(place + reach));
  let image = cutWindow(photo, left, top, right, bottom);
  const [x, y] = [centre[0] - left, centre[1] - top];
  if (angle) image = rotate(image, angle, [x, y]);
  const half = extent / 2;
  const low = [x - half, y - half].map((place) => Math.max(0, place));
  const high = [Math.min(image.width, x + half), Math.min(image.height, y + half)];
  return { image: resize(image, side, side, LANCZOS, [...low, ...high]), toPhoto: matrix(centre, extent, angle, side) };
}

function matrix([x, y], extent, angle, side) {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)].map((value) => (value * extent) / side);
  return [
    [cos, -sin, x - ((cos - sin) * side) / 2],
    [sin, cos, y - ((sin + cos) * side) / 2],
  ];
}

export function toPhoto(points, [[a, b, offsetX], [c, d, offsetY]]) {
  return points.map(([x, y]) => [a * x + b * y + offsetX, c * x + d * y + offsetY]);
}

export function fromPhoto(points, [[a, b, offsetX], [c, d, offsetY]]) {
  const area = a * d - b * c;
  return points.map((point) => {
    const [x, y] = [point[0] - offsetX, point[1] - offsetY];
    return [(d * x - b * y) / area, (a * y - c * x) / area];
  });
}
