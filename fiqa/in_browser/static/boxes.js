// Boxes [left, top, right, bottom]: how much they overlap, which of them are distinct, and places rounded alike.

import { round } from "./resizing.js";

const area = ([left, top, right, bottom]) => (right - left) * (bottom - top);

// The intersection of two boxes over their union.
export function overlap(one, other) {
  const width = Math.min(one[2], other[2]) - Math.max(one[0], other[0]);
  const height = Math.min(one[3], other[3]) - Math.max(one[1], other[1]);
  const shared = Math.max(0, width) * Math.max(0, height);
  const union = area(one) + area(other) - shared;
  return union > 0 ? shared / union : 0;
}

// The indices of boxes, best first, that overlap no better one by more than `most`.
export function distinct(boxes, most) {
  const kept = [];
  boxes.forEach((box, index) => {
    if (kept.every((better) => overlap(box, boxes[better]) <= most)) kept.push(index);
  });
  return kept;
}

// Rounds points [x, y, ...] of a face in the box to steps of its longer side, as fiqa/faces/boxes.py does.
export function rounded(points, [left, top, right, bottom], steps) {
  const step = 2 ** Math.floor(Math.log2(Math.max(right - left, bottom - top, 1))) / steps;
  return points.map((point) => point.map((place) => round(place / step) * step));
}
