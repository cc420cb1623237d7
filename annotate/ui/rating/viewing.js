// The viewing area: the pictures of an item at native size, one alone, side by side, or flipped in place.

const PICTURE_NAMES = { picture: "picture", reference: "reference", left: "picture_a", right: "picture_b" };
const GAP_PX = 16; // between two pictures, in pixels of CSS
const CAPTION_PX = 28; // above each of several pictures
const REASONS_PX = 46; // the row of reasons

const nameOf = (role) => t(PICTURE_NAMES[role]);
const isPaired = () => study.method.roles.length > 1;

// Side by side where all of an item fits; the reference of a pair stands in the middle, at the same distance from both.
const fitsBeside = (item, width_px, height_px) => {
  const sum = item.pictures.reduce((total, { width_px }) => total + width_px, 0) / devicePixelRatio;
  const tallest = Math.max(...item.pictures.map(({ height_px }) => height_px)) / devicePixelRatio;
  const gaps = GAP_PX * (item.pictures.length - 1);
  return sum + gaps <= width_px && tallest + CAPTION_PX <= height_px;
};
const arrangementOf = (item, stage) => {
  if (item.pictures.length < 2) return "single";
  const beside = study.method.show === "beside" && fitsBeside(item, stage.clientWidth, stage.clientHeight);
  return beside ? "beside" : "in turn";
};

const figureOf = ({ role }, image) => {
  image.alt = nameOf(role);
  const caption = isPaired() ? make("figcaption", { "aria-hidden": "true" }, nameOf(role)) : null;
  return make("figure", { "data-role": role }, caption, image);
};

// Puts the pictures of an item on the stage; returns what is known of them from then on.
const putOnStage = (stage, item, images) => {
  const figures = item.pictures.map((picture, index) => figureOf(picture, images[index]));
  stage.replaceChildren(...figures);
  const put = { number: item.number, item, images, figures, seen: new Set(), at: 0, since: null };
  arrange(stage, put);
  staged = put;
  return put;
};
const arrange = (stage, put) => {
  put.arrangement = arrangementOf(put.item, stage);
  stage.dataset.arrangement = put.arrangement;
  turnTo(put, put.at);
  nativeSizes(put.images);
};
// Only one is looked at where they are flipped; the others stay drawn underneath, so that a flip takes no time.
const turnTo = (put, index) => {
  put.at = index;
  put.figures.forEach((figure, position) => {
    const away = put.arrangement === "in turn" && position !== index;
    figure.classList.toggle("away", away);
    figure.setAttribute("aria-hidden", String(away));
  });
};
// What is on screen now counts as seen; the time of an answer runs from when all of it was.
const noteSeen = (put) => {
  const inTurn = put.arrangement === "in turn";
  for (const index of inTurn ? [put.at] : put.figures.keys()) put.seen.add(index);
  if (put.seen.size === put.figures.length) put.since ??= performance.now();
};

const flip = async () => {
  const put = shown;
  if (busy || put?.arrangement !== "in turn") return;
  turnTo(put, (put.at + 1) % put.figures.length);
  await painted();
  if (shown !== put) return;
  noteSeen(put);
  showWhatCanBeAnswered();
  announce(nameOf(put.item.pictures[put.at].role));
};

const isEnlarged = () => (visualViewport?.scale ?? 1) > 1.01; // with two fingers
const areVisible = (put) =>
  !isEnlarged() &&
  put.images.every((image) => {
    const box = image.getBoundingClientRect();
    return box.width <= parts.stage.clientWidth + 1 && box.height <= parts.stage.clientHeight + 1;
  });
addEventListener("resize", () => {
  if (staged?.figures[0].isConnected) arrange(parts.stage, staged);
  if (!shown) return;
  noteSeen(shown);
  showWhatCanBeAnswered();
});
