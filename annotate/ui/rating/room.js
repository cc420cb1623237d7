// The rating room: the pictures of an item, what it is answered with, and nothing else.

let parts = null;

const question = () => tOfMethod("question");

const quietButton = (name, key, text, onclick) =>
  make(
    "button",
    { type: "button", class: name, onclick },
    key ? make("kbd", { "aria-hidden": "true" }, key) : null,
    key ? ` ${text}` : text,
  );

const enterRoom = () => {
  document.body.classList.add("rating-room");
  root.className = `rate room${isPaired() ? " paired" : ""}${isPreference() ? " preference" : ""}${isSeveral() ? " several" : ""}`;
  root.lang = language;
  const stage = make("div", { class: "viewing", onclick: flip });
  const progress = make("progress", { max: 1, value: 0, "aria-label": t("step_rating") });
  const count = make("span", { class: "count" });
  const undoKey = quietButton("undo", "Z", t("undo"), goBack);
  const unusable = study.offer_unusable && !isPreference() ? unusableButton() : null;
  const flipKey = isPaired() ? quietButton("flip", t("space_bar"), t("flip"), flip) : null;
  const next = isSeveral() ? nextButton() : null;
  const leave = quietButton("leave", "", t("leave"), leaveRoom);
  const grades = make("div", { class: "grades", role: "group", "aria-label": question() }, ...choices());
  const after = make("div", { class: "after concealed" });
  const heading = make("h2", { tabindex: "-1" }, question());
  const extras = make("div", { class: "extras" }, undoKey, flipKey, unusable, next);
  const answering = make("div", { class: "answering" }, grades, extras);
  const answers = make("div", { class: "reply" }, answering, after);
  const tried = preview ? make("span", { class: "tried" }, t("preview")) : null;
  body.replaceChildren(
    make("div", { class: "top-bar" }, ...[tried].filter(Boolean), count, progress, leave),
    stage,
    make("div", { class: "controls" }, ...[heading, reasonRow()].filter(Boolean), answers),
  );
  parts = { stage, progress, count, undoKey, flipKey, grades, after, answering, unusable, next, heading, language };
  heading.focus({ preventScroll: true });
};
// Keeps its room on the page: what appears and goes must not move the picture.
const conceal = (part, hidden) => part.classList.toggle("concealed", hidden);
const leaveRoom = () => {
  if (busy) return; // the answer under way goes on to the next picture
  shown = feedback = null;
  page(step.kind, t("left_title"), paragraph(t("left_hint")), button(t("go_on"), render), withdrawButton());
};

const minutesLeft = () => {
  const pace = times.length > 2 ? times.reduce((sum, each) => sum + each, 0) / times.length : 6;
  return Math.max(1, Math.round(Math.min(step.left_s, pace * (step.total - step.done)) / 60));
};

const ratingRoom = async () => {
  if (!parts?.stage.isConnected || parts.language !== language) enterRoom();
  const { stage, progress, count, undoKey, grades, after } = parts;
  const training = step.kind === "training";
  conceal(after, true);
  conceal(parts.answering, false);
  count.textContent = training
    ? t("training", { number: step.done + 1, total: step.total })
    : `${t("progress", step)}, ${t("minutes_left", { minutes: minutesLeft() })}`;
  progress.max = step.total || 1;
  progress.value = step.done;
  // And in its place: what stands beside it must not move.
  undoKey.disabled = !step.can_undo && scaleGrades.every((grade) => grade === null);
  await showItem(stage, step.picture);
  fetchAhead(); // not before: what is to be on screen now comes first
};

const showItem = async (stage, item) => {
  if (shown?.number === item.number && stage.contains(shown.figures[0])) return;
  shown = null;
  delete stage.dataset.shown; // what can be rated, for measurements from outside
  let images;
  try {
    images = await fetchPictures(item);
  } catch (error) {
    return recover(error);
  }
  if (step?.picture?.number !== item.number) return; // an undo was quicker
  const put = putOnStage(stage, item, images);
  await painted();
  if (step?.picture?.number !== item.number) return;
  shown = put;
  noteSeen(put);
  stage.dataset.shown = item.number;
  range()?.dispatchEvent(new Event("newpicture"));
  unlight();
  dropReasons();
  clearGrades();
  showWhatCanBeAnswered();
  forgetOthers([item.number, step.upcoming?.number].filter(Boolean));
};

// Of pictures that are flipped, each must have been seen before there is an answer.
const showWhatCanBeAnswered = () => {
  if (!isPaired()) return;
  const inTurn = shown.arrangement === "in turn";
  parts.flipKey.hidden = !inTurn;
  parts.heading.textContent = shown.since === null ? t("flip_first") : question();
  for (const each of parts.grades.querySelectorAll("button")) each.disabled = shown.since === null;
};

const mayAnswer = () => {
  if (busy || !shown || shown.number !== step?.picture?.number) return false;
  if (shown.since === null) announce(t("flip_first"));
  return shown.since !== null && performance.now() - shown.since >= LEAST_LOOK_MS;
};

const give = async (choice, decidedAt = performance.now()) => {
  if (!mayAnswer()) return;
  const looked = decidedAt - shown.since;
  const said = answerText(choice);
  if (study.width_px && !areVisible(shown)) return announce(t("too_small"));
  busy = true;
  const box = shown.images.at(-1).getBoundingClientRect();
  const answer = {
    key: random(),
    assignment_id: shown.number,
    ...asAnswer(choice),
    ...furtherGrades(choice),
    reasons: givenReasons(),
    flipped: shown.arrangement === "single" ? null : shown.arrangement === "in turn",
    response_ms: Math.round(looked),
    width_px: Math.round(box.width * devicePixelRatio),
    height_px: Math.round(box.height * devicePixelRatio),
    pixel_ratio: devicePixelRatio,
  };
  light(choice);
  announce(t("saving", { grade: said }));
  const before = step;
  try {
    if (!(await deliver(answer))) return;
    announce(t("saved", { grade: said }));
    if (before.kind === "rate") times.push(Math.min(60, looked / 1000));
    if (feedback) showFeedback(choice);
  } finally {
    busy = false;
  }
};

// The answer is in the browser's storage before it is sent, and leaves it when the server has it or will never take it.
// Returns whether the server has it.
const deliver = async (answer) => {
  kept.set(ANSWER + answer.key, JSON.stringify({ token, answer }));
  try {
    take(await insist(() => post("rate", { answer }), "offline"));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    kept.drop(ANSWER + answer.key);
    await recover(error);
    return false;
  }
  kept.drop(ANSWER + answer.key);
  return true;
};

const keptAnswers = () =>
  kept
    .names()
    .filter((name) => name.startsWith(ANSWER))
    .map((name) => ({ name, ...JSON.parse(kept.get(name) || "{}") }))
    .filter((each) => each.token === token);

const deliverKept = async () => {
  for (const { name, answer } of keptAnswers()) {
    try {
      await insist(() => post("rate", { answer }), "offline");
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
    }
    kept.drop(name);
  }
};
// Whoever closes the page on an answer that is still under way may never come back.
addEventListener("pagehide", () => {
  for (const { answer } of keptAnswers()) {
    navigator.sendBeacon(
      `${ROUTES}/rate`,
      new Blob([JSON.stringify({ token, language, answer })], { type: "application/json" }),
    );
  }
});

const showFeedback = (given) => {
  const { near_enough: near, text } = feedback;
  const expected = feedback.expected_preferred ?? feedback.expected;
  const unexpected = text ? "feedback_said" : "feedback_none";
  const missed = near ? "feedback_near" : "feedback_far";
  const name = expected === null ? unexpected : given === expected ? "feedback_exact" : missed;
  const told = tOfMethod(name, { given: choiceText(given), expected: expected === null ? "" : choiceText(expected) });
  const message = isSeveral() ? `${titleOf(study.scale)}: ${told}` : told;
  const next = button(
    tOfMethod("next"),
    () => {
      feedback = null;
      render();
      parts.heading.focus();
    },
    { disabled: true, "aria-describedby": "feedback" },
  );
  conceal(parts.answering, true);
  conceal(parts.after, false);
  parts.after.replaceChildren(paragraph(text ? `${message} ${text}` : message, { id: "feedback" }), next);
  announce("");
  shown = null;
  delete parts.stage.dataset.shown;
  // The second click of a double click must not skip what is said.
  setTimeout(() => {
    next.disabled = false;
    next.focus();
  }, LEAST_LOOK_MS);
};

async function undo() {
  if (busy || !step?.can_undo) return;
  busy = true;
  try {
    try {
      take(await post("undo"));
      times.pop();
    } catch (error) {
      // it may have arrived all the same, so it is not repeated
      if (error instanceof Refused && error.kind === "AccessError") return showInvalid();
      take(await insist(() => post("look", { device })));
    }
    announce(tOfMethod("undone"));
  } finally {
    busy = false;
  }
}
