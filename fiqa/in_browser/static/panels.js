// What the right-hand side of the page shows: nothing yet, busy, a result, or why there is none.

const SHAPES = "http://www.w3.org/2000/svg";

// Makes an element; whatever text it is given stays text.
function element(name, attributes, ...content) {
  return filled(document.createElement(name), attributes, content);
}

function shape(name, attributes, ...content) {
  return filled(document.createElementNS(SHAPES, name), attributes, content);
}

function filled(made, attributes, content) {
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...content.filter((part) => part !== null));
  return made;
}

const panel = (kind, ...content) => element("div", { class: `panel ${kind}` }, ...content);
const headline = (text) => element("p", { class: "headline" }, text);
const paragraph = (kind, text) => element("p", { class: kind }, text);

export function emptyPanel(words) {
  const scale = element("div", { class: "scale", "aria-hidden": "true" }, track(), wordsOf(words));
  return panel("empty", headline("The score appears here."), element("p", {}, "Add a photo with a face."), scale);
}

export function busyPanel(name) {
  const moving = element("div", { class: "progress" }, element("i", {}));
  return panel("busy", headline("Looking at the photo…"), element("p", {}, name), moving);
}

export function problemPanel(problem) {
  return panel("error", headline("No score."), element("p", { role: "alert" }, problem));
}

// Shows the scores of one photo, which lies at `url`, and how they came about.
export function resultPanel(result, url, settings) {
  const [{ score, interval }] = result.faces;
  const [low, high] = interval.map((value) => value.toFixed(3));
  const reading = [
    element("p", { class: "score" }, exact("b", score), element("span", {}, wordFor(score, settings))),
    scoreScale(score, interval, settings),
    paragraph("interval", `95 % interval ${low} to ${high}`),
    ...result.notices.map((notice) => paragraph("notice", notice)),
    result.faces.length > 1 ? faceTable(result.faces, settings) : null,
    paragraph("meaning", settings.meaning),
    paragraph("timings", `Checkpoint ${settings.checkpoint} · ${Math.round(result.ms)} ms`),
  ];
  return panel("result", figure(result, url), element("div", { class: "reading" }, ...reading));
}

// The word of the five that a score falls under.
export const wordFor = (score, settings) => settings.words[gradeOf(score, settings) - 1];

const shareOf = (value, [low, high]) => Math.min(1, Math.max(0, (value - low) / (high - low)));

function gradeOf(score, { words, score_range: range }) {
  return Math.min(words.length, Math.floor(shareOf(score, range) * words.length) + 1);
}

// A score of two digits that has all of them for a program.
function exact(name, score) {
  return element(name, {}, element("data", { value: score }, score.toFixed(2)));
}

function figure({ faces, width, height }, url) {
  const unit = Math.max(width, height) / 100;
  const marks = faces.map((face, index) => faceMark(face, unit, faces.length > 1 ? index + 1 : null));
  const drawing = shape("svg", { class: "photo", viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" }, ...marks);
  const photo = element("img", { src: url, alt: `Your photo, faces marked: ${faces.length}`, width, height });
  const shown = element("input", { type: "checkbox" });
  shown.checked = true;
  const toggle = element("label", { class: "switch" }, shown, " Show face and landmarks");
  return element("div", { class: "figure" }, element("div", { class: "shown" }, photo, drawing), toggle);
}

function faceMark({ box: [left, top, right, bottom], landmarks }, unit, number) {
  const radius = Math.max(0.16 * unit, Math.min(0.45 * unit, (right - left) / 80));
  const dots = landmarks.map(([x, y]) => shape("circle", { cx: x, cy: y, r: radius }));
  const size = Math.max(2.4 * unit, Math.min(4 * unit, (right - left) / 6));
  const place = { x: left, y: top - 0.3 * size, "font-size": size };
  return shape(
    "g",
    { class: "face" },
    shape("rect", { x: left, y: top, width: right - left, height: bottom - top, rx: unit }),
    ...dots,
    number ? shape("text", place, String(number)) : null,
  );
}

function track() {
  return element("div", { class: "track" });
}

function wordsOf(words, here = 0) {
  const each = words.map((word, index) =>
    element("span", { class: index + 1 === here ? "word is-here" : "word" }, word),
  );
  return element("div", { class: "words" }, ...each);
}

function scoreScale(score, interval, settings) {
  const [at, low, high] = [score, ...interval].map((value) => 100 * shareOf(value, settings.score_range));
  const [band, needle] = ["band", "needle"].map((kind) => element("span", { class: kind }));
  band.style.left = `${low}%`;
  band.style.width = `${Math.max(0.4, high - low)}%`;
  needle.style.left = `${at}%`;
  const bar = track();
  bar.append(band, needle);
  const word = wordFor(score, settings);
  const label = `${score.toFixed(2)} of ${settings.score_range[1]}: ${word}`;
  const drawn = [bar, wordsOf(settings.words, gradeOf(score, settings))];
  return element("div", { class: "scale", role: "img", "aria-label": label }, ...drawn);
}

function faceTable(faces, settings) {
  const heads = ["Face", "Score", "Grade", "95 % interval"].map((head) => element("th", { scope: "col" }, head));
  const rows = faces.map((face, index) => faceRow(face, index + 1, settings));
  return element(
    "div",
    { class: "table-scroll", tabindex: "0", role: "region", "aria-label": "Faces" },
    element(
      "table",
      {},
      element("caption", {}, "Faces, the most prominent first"),
      element("thead", {}, element("tr", {}, ...heads)),
      element("tbody", {}, ...rows),
    ),
  );
}

function faceRow({ score, interval }, number, settings) {
  const between = interval.map((value) => value.toFixed(3)).join("–");
  const cell = (text) => element("td", {}, text);
  const scored = element("td", { class: "score-cell" }, exact("b", score));
  return element("tr", {}, cell(String(number)), scored, cell(wordFor(score, settings)), cell(between));
}
