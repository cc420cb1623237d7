// From a decoded photo to the scores of its faces, as fiqa/photo_scorer.py gives them.

import { findFaces, visibleShare } from "./finding.js";
import { landmarkTensor, pictureTensor } from "./networks.js";
import { cutView, faceSquare, fromPhoto } from "./views.js";

const FACES_AT_ONCE = 2;

// What keeps a photo from being scored, in a sentence for whoever chose it.
export class PhotoError extends Error {}

// Returns { faces, notices }; each face has its `score` and `interval`, and the first speaks for the photo.
export async function scorePhoto(photo, networks, settings) {
  const { faces, faint } = await findFaces(photo, networks, settings.finder);
  if (!faces.length) throw new PhotoError(settings.sentences.no_face);
  const views = faces.map((face) => viewOf(photo, face.landmarks, settings));
  const scores = await scoreViews(views, networks);
  const scored = faces.map((face, index) => ({ ...face, ...summary(scores[index], settings) }));
  return { faces: scored, notices: noticesOf(scored, faint, settings) };
}

function viewOf(photo, landmarks, { preprocessing, finder }) {
  const square = faceSquare(landmarks, preprocessing.margin, finder.max_roll_deg);
  const view = cutView(photo, square, preprocessing.view_px);
  return { image: view.image, landmarks: fromPhoto(landmarks, view.toPhoto) };
}

// The scores of the crops of each view.
async function scoreViews(views, networks) {
  const scores = [];
  for (let start = 0; start < views.length; start += FACES_AT_ONCE) {
    const batch = views.slice(start, start + FACES_AT_ONCE);
    const { crop_scores: each } = await networks.quality({
      views: pictureTensor(batch.map((view) => view.image)),
      face_landmarks: landmarkTensor(batch.map((view) => view.landmarks)),
    });
    const crops = each.dims[1];
    batch.forEach((_, index) => {
      scores.push([...each.data.slice(index * crops, (index + 1) * crops)]);
    });
  }
  return scores;
}

// The mean of a face's crops, and its 95 % interval: how much they disagree, not how far people would.
function summary(scores, { score_range: [low, high], student_t: t }) {
  const count = scores.length;
  const score = scores.reduce((sum, each) => sum + each, 0) / count;
  if (count < 2) return { score, interval: [low, high] };
  const variance = scores.reduce((sum, each) => sum + (each - score) ** 2, 0) / (count - 1);
  const half = (t * Math.sqrt(variance)) / Math.sqrt(count);
  return { score, interval: [Math.max(low, score - half), Math.min(Math.max(high, score), score + half)] };
}

function noticesOf(faces, faint, { sentences, finder }) {
  const notices = faint ? [sentences.faint] : [];
  if (faces.length > 1) notices.push(sentences.several.replace("{count}", faces.length));
  const [left, top, right, bottom] = faces[0].box;
  if (Math.max(right - left, bottom - top) < finder.small_face_px) notices.push(sentences.small);
  if (visibleShare(faces[0]) < finder.cut_share) notices.push(sentences.cut);
  return notices;
}
