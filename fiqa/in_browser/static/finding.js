// The faces of a photo with 68 landmarks each, found as fiqa/faces finds them.
//
// A face is { box, landmarks, confidence }; its box is that of the landmarks, kept within the photo.

import { distinct, overlap, rounded } from "./boxes.js";
import { turnQuarters } from "./cutting.js";
import { propose, sigmoid } from "./detecting.js";
import { landmarkTensor, pictureTensor, readLandmarks } from "./networks.js";
import { bounds, boxView, mean, rollOf, toPhoto, turnBack } from "./views.js";

const DOWNWARDS = [
  [17, 27],
  [36, 48],
  [31, 36],
  [48, 68],
]; // brows, eyes, nose, mouth: as they lie in a face

// Returns { faces, faint }: the most prominent face first. `faint` says that there is none but a place most like one.
export async function findFaces(photo, networks, settings) {
  let faces = await upright(photo, settings.accepted, networks, settings);
  if (highestConfidence(faces) < settings.accepted_turned) faces = await orTurned(faces, photo, networks, settings);
  faces.sort((a, b) => prominence(b, photo) - prominence(a, photo));
  if (faces.length) return { faces, faint: false };
  const faint = (await upright(photo, settings.faint, networks, settings)).slice(0, 1);
  return { faces: faint, faint: true };
}

// The share of a face that lies inside the photo, 0..1.
export function visibleShare({ box, landmarks }) {
  const [left, top, right, bottom] = bounds(landmarks);
  const whole = (right - left) * (bottom - top);
  return whole > 0 ? Math.min(1, visibleArea(box) / whole) : 0;
}

const visibleArea = ([left, top, right, bottom]) => (right - left) * (bottom - top);

function prominence(face, { width, height }) {
  const [left, top, right, bottom] = face.box;
  const eccentricity = Math.hypot(left + right - width, top + bottom - height) / Math.hypot(width, height);
  return visibleArea(face.box) * visibleShare(face) * (1 - eccentricity / 2);
}

const highestConfidence = (faces) => Math.max(0, ...faces.map((face) => face.confidence));

// The upright faces, or those of the photo turned, whichever has the surest one.
async function orTurned(faces, photo, networks, settings) {
  let best = faces;
  for (const quarters of [2, 1, 3]) {
    const found = await upright(turnQuarters(photo, quarters), settings.accepted_turned, networks, settings);
    const back = found.map((face) => newFace(photo, turnedBack(face.landmarks, photo, quarters), face.confidence));
    if (highestConfidence(back) > highestConfidence(best)) best = back;
  }
  return best;
}

function turnedBack(landmarks, { width, height }, quarters) {
  const back = { 1: (x, y) => [width - y, x], 2: (x, y) => [width - x, height - y], 3: (x, y) => [y, height - x] };
  return landmarks.map(([x, y]) => back[quarters](x, y));
}

// Faces of at least the confidence `accepted`, best first, each once.
async function upright(photo, accepted, networks, settings) {
  const proposed = await propose(photo, accepted ** 2, networks, settings);
  const placed = await placeLandmarks(
    photo,
    proposed.map(({ box }) => box),
    networks,
    settings,
  );
  const faces = proposed.flatMap(({ box, score }, index) => {
    const { landmarks, likely } = placed[index];
    const confidence = Math.sqrt(score * likely);
    if (confidence < accepted || !isPlausible(landmarks, box)) return [];
    return [newFace(photo, landmarks, confidence)];
  });
  faces.sort((a, b) => b.confidence - a.confidence);
  const kept = distinct(
    faces.map((face) => bounds(face.landmarks)),
    settings.overlap,
  );
  return kept.map((index) => faces[index]);
}

// Landmarks for each box, and how likely it shows a face.
async function placeLandmarks(photo, boxes, networks, settings) {
  const placed = [];
  for (let start = 0; start < boxes.length; start += settings.batch) {
    const batch = boxes.slice(start, start + settings.batch);
    const views = batch.map((box) => boxView(photo, box, settings.view_px, settings.view_margin));
    const looks = await look(
      views.map((view) => view.image),
      networks,
      settings,
    );
    looks.forEach(({ landmarks, logit }, index) => {
      const inView = landmarks.map((point) => point.map((place) => place * settings.view_px));
      const exact = toPhoto(inView, views[index].toPhoto);
      const alike = rounded(exact, bounds(exact), settings.steps);
      placed.push({ landmarks: alike, likely: sigmoid(logit) });
    });
  }
  return placed;
}

// Looks at views once, and again where that may be a face.
async function look(views, networks, settings) {
  const looks = await readLook(networks.first_look({ views: pictureTensor(views) }));
  const again = looks.map(({ logit }, index) => (logit > settings.min_face_logit ? index : -1)).filter((at) => at >= 0);
  if (!again.length) return looks;
  const inputs = {
    views: pictureTensor(again.map((index) => views[index])),
    rough_landmarks: landmarkTensor(again.map((index) => looks[index].landmarks)),
  };
  const better = await readLook(networks.second_look(inputs));
  again.forEach((index, place) => {
    looks[index] = better[place];
  });
  return looks;
}

async function readLook(running) {
  const { landmarks, face_logits: logits } = await running;
  return readLandmarks(landmarks).map((each, index) => ({ landmarks: each, logit: logits.data[index] }));
}

// Whether landmarks lie like those of a face, and where the detector saw one.
function isPlausible(landmarks, proposed) {
  const straight = turnBack(landmarks, rollOf(landmarks));
  const heights = DOWNWARDS.map((part) => mean(straight.slice(...part))[1]);
  const inOrder = heights.slice(1).every((height, index) => height > heights[index]);
  return inOrder && overlap(bounds(landmarks), proposed) > 0.3;
}

function newFace({ width, height }, landmarks, confidence) {
  const size = [width, height, width, height];
  const box = bounds(landmarks).map((place, index) => Math.max(0, Math.min(size[index], place)));
  return { box, landmarks, confidence };
}
