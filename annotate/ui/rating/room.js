// The rating room: a picture, the grades, and nothing else.

let parts = null;

const gradeButtons = () =>
  study.scale.grades.map((grade) =>
    make(
      "button",
      {
        type: "button",
        class: "grade",
        value: grade,
        onclick: (event) => {
          if (event.detail < 2) give(grade);
        },
      },
      make("kbd", { "aria-hidden": "true" }, String(grade)),
      make("span", {}, wordOf(grade) ?? ""),
    ),
  );

// On the continuous scale a grade can be given once the slider was moved: where it stands at first is nobody's opinion.
const slider = () => {
  const { low, high } = study.scale;
  const range = make("input", { type: "range", min: low, max: high, step: 1, "aria-label": t("question") });
  const words = make(
    "div",
    { class: "slider-words", "aria-hidden": "true" },
    ...study.scale.words[language].map(([, word]) => make("span", {}, word)),
  );
  const value = make("output", {});
  const giveIt = button(t("give_grade"), (event) => {
    if (event.detail < 2) giveSlid();
  });
  const say = () => {
    value.textContent = range.dataset.moved ? range.value : "–";
    giveIt.disabled = !range.dataset.moved;
  };
  const move = () => {
    range.dataset.moved = "yes";
    say();
  };
  for (const kind of ["input", "pointerup"]) range.addEventListener(kind, move);
  range.addEventListener("newpicture", () => {
    delete range.dataset.moved;
    range.value = (low + high) / 2;
    say();
  });
  return [make("div", { class: "grade-slider" }, words, range), value, giveIt];
};
const range = () => parts.grades.querySelector("input");
const giveSlid = () => (range().dataset.moved ? give(Number(range().value)) : announce(t("move_slider")));
const SLIDES = {
  ArrowLeft: -1,
  ArrowDown: -1,
  ArrowRight: 1,
  ArrowUp: 1,
  PageDown: -10,
  PageUp: 10,
  Home: -1000,
  End: 1000,
};
const slide = (event) => {
  event.preventDefault();
  range().value = Number(range().value) + SLIDES[event.key];
  range().dispatchEvent(new Event("input"));
};

const enterRoom = () => {
  document.body.classList.add("rating-room");
  root.className = "rate room";
  root.lang = language;
  const stage = make("div", { class: "viewing" });
  const progress = make("progress", { max: 1, value: 0, "aria-label": t("step_rating") });
  const count = make("span", { class: "count" });
  const undoKey = make(
    "button",
    { type: "button", class: "undo", onclick: undo },
    make("kbd", { "aria-hidden": "true" }, "Z"),
    ` ${t("undo")}`,
  );
  const unusable = study.offer_unusable
    ? make(
        "button",
        {
          type: "button",
          class: "unusable",
          title: t("unusable_hint"),
          onclick: (event) => {
            if (event.detail < 2) give(null);
          },
        },
        make("kbd", { "aria-hidden": "true" }, "0"),
        ` ${t("unusable")}`,
      )
    : null;
  const leave = make("button", { type: "button", class: "leave", onclick: leaveRoom }, t("leave"));
  const grades = make(
    "div",
    { class: "grades", role: "group", "aria-label": t("question") },
    ...(study.scale.grades.length ? gradeButtons() : slider()),
  );
  const after = make("div", { class: "after concealed" });
  const heading = make("h2", { tabindex: "-1" }, t("question"));
  const extras = make("div", { class: "extras" }, undoKey, unusable);
  const answering = make("div", { class: "answering" }, grades, extras);
  const tried = preview ? make("span", { class: "tried" }, t("preview")) : null;
  body.replaceChildren(
    make("div", { class: "top-bar" }, ...[tried].filter(Boolean), count, progress, leave),
    stage,
    make("div", { class: "controls" }, heading, make("div", { class: "answers" }, answering, after)),
  );
  parts = { stage, progress, count, undoKey, grades, after, answering, unusable, heading, language };
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
  conceal(undoKey, !step.can_undo);
  await showPicture(stage, step.picture);
  if (step.upcoming) fetchPicture(step.upcoming).catch(() => {});
};

const showPicture = async (stage, picture) => {
  if (shown?.number === picture.number && stage.contains(shown.image)) return;
  shown = null;
  delete stage.dataset.shown; // what can be rated, for measurements from outside
  let image;
  try {
    image = await fetchPicture(picture);
  } catch (error) {
    return recover(error);
  }
  if (step?.picture?.number !== picture.number) return; // an undo was quicker
  image.alt = t("picture");
  stage.replaceChildren(image);
  nativeSize(image);
  await painted();
  if (step?.picture?.number !== picture.number) return;
  shown = { number: picture.number, since: performance.now(), image };
  stage.dataset.shown = picture.number;
  range()?.dispatchEvent(new Event("newpicture"));
  unlight();
  forgetOthers([picture.number, step.upcoming?.number].filter(Boolean));
};

const light = (grade) => {
  unlight();
  const pressed = grade === null ? parts.unusable : parts.grades.querySelector(`[value="${grade}"]`);
  pressed?.classList.add("taken");
};
const unlight = () => {
  for (const each of parts.stage.parentNode.querySelectorAll(".taken")) each.classList.remove("taken");
};

const give = async (grade) => {
  if (busy || !shown || shown.number !== step?.picture?.number) return;
  const looked = performance.now() - shown.since;
  if (looked < LEAST_LOOK_MS) return;
  if (study.width_px && !visible(shown.image)) return announce(t("too_small"));
  busy = true;
  const box = shown.image.getBoundingClientRect();
  const answer = {
    key: random(),
    assignment_id: shown.number,
    grade,
    unusable: grade === null,
    response_ms: Math.round(looked),
    width_px: Math.round(box.width * devicePixelRatio),
    height_px: Math.round(box.height * devicePixelRatio),
    pixel_ratio: devicePixelRatio,
  };
  light(grade);
  announce(t("saving", { grade: gradeText(grade) }));
  const before = step;
  try {
    if (!(await deliver(answer))) return;
    announce(t("saved", { grade: gradeText(grade) }));
    if (before.kind === "rate") times.push(Math.min(60, looked / 1000));
    if (feedback) showFeedback(grade);
  } finally {
    busy = false;
  }
};
const isEnlarged = () => (visualViewport?.scale ?? 1) > 1.01; // with two fingers
const visible = (image) => {
  const box = image.getBoundingClientRect();
  return !isEnlarged() && box.width <= parts.stage.clientWidth + 1 && box.height <= parts.stage.clientHeight + 1;
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
  const { expected, near_enough: near, text } = feedback;
  const unexpected = text ? "feedback_said" : "feedback_none";
  const missed = near ? "feedback_near" : "feedback_far";
  const name = expected === null ? unexpected : given === expected ? "feedback_exact" : missed;
  const message = t(name, { given: gradeText(given), expected: expected === null ? "" : gradeText(expected) });
  const next = button(
    t("next"),
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
    announce(t("undone"));
  } finally {
    busy = false;
  }
}

const onKey = (event) => {
  if (!document.body.classList.contains("rating-room") || event.ctrlKey || event.metaKey || event.altKey || feedback)
    return;
  if (event.repeat && !(event.key in SLIDES)) return; // a key that is held is no second answer
  if (event.key === "Backspace" || event.key.toLowerCase() === "z") {
    event.preventDefault();
    return void undo();
  }
  if (event.key === "0" && study.offer_unusable) return void give(null);
  if (range() && event.key in SLIDES) return slide(event);
  if (range() && event.key === "Enter" && event.target.tagName !== "BUTTON") return giveSlid();
  const grade = Number(event.key);
  if (study.scale.grades.includes(grade)) give(grade);
};
document.addEventListener("keydown", onKey);
addEventListener("resize", () => {
  if (shown) nativeSize(shown.image);
});
