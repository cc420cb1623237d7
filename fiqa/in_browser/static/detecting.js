// Boxes that may hold a face, from maps of face centres and boxes, as fiqa/faces/finders.py reads them.

import { distinct, rounded } from "./boxes.js";
import { pictureTensor } from "./networks.js";
import { shrink } from "./resizing.js";

export const sigmoid = (logit) => Math.fround(0.5 + 0.5 * Math.tanh(0.5 * logit));

// Returns { box, score } of at least the score `lowest` in a photo, best first.
export async function propose(photo, lowest, networks, settings) {
  const found = [];
  for (const copy of copies(photo, settings)) {
    const maps = await networks.detector({ photos: pictureTensor([copy]) });
    const scale = [photo.width / copy.width, photo.height / copy.height];
    for (const { box, score } of readMaps(maps, lowest, settings)) {
      if (isSensible(box, copy)) found.push({ box: onPhoto(box, scale), score });
    }
  }
  found.sort((a, b) => b.score - a.score);
  const best = found.slice(0, 4 * settings.most);
  const kept = distinct(
    best.map(({ box }) => box),
    settings.overlap,
  );
  return kept.slice(0, settings.most).map((index) => {
    const { box, score } = best[index];
    return { box: rounded([box], box, settings.box_steps)[0], score };
  });
}

// Ever smaller copies of the photo, so that each face has a size that the network knows in one of them.
function* copies(photo, { finest_share: share, finest_px: [least, most], largest_px: largest }) {
  const finest = share * Math.max(photo.width, photo.height);
  let copy = shrink(photo, Math.trunc(Math.min(most, Math.max(least, finest))));
  yield copy;
  while (Math.max(copy.width, copy.height) > 1.25 * largest) {
    copy = shrink(copy, Math.ceil(Math.max(copy.width, copy.height) / 4));
    yield copy;
  }
}

// Boxes at the local maxima of the centre map, in pixels of what the network was given.
function readMaps({ centre_logits: centres, boxes }, lowest, { stride, box_unit_px: unit }) {
  const [height, width] = centres.dims.slice(-2);
  const scores = Float32Array.from(centres.data, sigmoid);
  const found = [];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const score = scores[y * width + x];
      if (score < lowest || !isHighest(scores, x, y, width, height)) continue;
      const [right, down, logWidth, logHeight] = [0, 1, 2, 3].map(
        (channel) => boxes.data[(channel * height + y) * width + x],
      );
      const centre = [stride * (x + 0.5 + right), stride * (y + 0.5 + down)];
      const half = [logWidth, logHeight].map((value) => (unit / 2) * Math.exp(Math.max(-3, Math.min(3, value))));
      found.push({ box: [centre[0] - half[0], centre[1] - half[1], centre[0] + half[0], centre[1] + half[1]], score });
    }
  }
  return found;
}

function isHighest(scores, x, y, width, height) {
  const score = scores[y * width + x];
  for (let row = Math.max(0, y - 1); row <= Math.min(height - 1, y + 1); row++) {
    for (let column = Math.max(0, x - 1); column <= Math.min(width - 1, x + 1); column++) {
      if (scores[row * width + column] > score) return false;
    }
  }
  return true;
}

// Whether the box's centre lies in the copy and it is not much larger.
function isSensible([left, top, right, bottom], { width, height }) {
  const centred = left + right > 0 && left + right < 2 * width && top + bottom > 0 && top + bottom < 2 * height;
  return centred && Math.max(right - left, bottom - top) < 2 * Math.max(width, height);
}

const onPhoto = (box, scale) => box.map((place, index) => place * scale[index % 2]);
