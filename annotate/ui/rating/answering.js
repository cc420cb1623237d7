// What an item is answered with: grades, the slider of the continuous scale, or which of two pictures is better.
// A choice is a grade, one of PREFERENCES, or null for unusable.

const PREFERENCES = { left: "←", none: "↓", right: "→" };
const PREFERENCE_WORDS = { left: "left_better", none: "no_difference", right: "right_better" };
const PREFERENCE_KEYS = { ArrowLeft: "left", ArrowDown: "none", 0: "none", ArrowRight: "right" };

const isPreference = () => study.method.answer === "preference";
const choiceText = (choice) => {
  if (choice === null) return t("unusable");
  if (choice in PREFERENCES) return t(PREFERENCE_WORDS[choice]);
  return textOn(study.scale, choice);
};
const asAnswer = (choice) =>
  choice in PREFERENCES
    ? { preferred: choice }
    : { grade: typeof choice === "number" ? choice : null, unusable: choice === null };

// The second click of a double click is no answer. After a click the focus leaves the button, as the space bar would
// press it again where it is to flip the pictures.
const onClick = (choice) => (event) => {
  if (event.detail < 2) give(choice);
  if (event.detail && isPaired()) parts.heading.focus({ preventScroll: true });
};
const choiceButton = (choice, key, word) =>
  make(
    "button",
    { type: "button", class: "grade", value: choice, onclick: onClick(choice) },
    make("kbd", { "aria-hidden": word ? "true" : null }, key), // of nine grades some have no word
    make("span", {}, word),
  );
const gradeButtons = () =>
  study.scale.grades.map((grade) => choiceButton(grade, String(grade), wordOn(study.scale, grade) ?? ""));
const preferences = () => Object.keys(PREFERENCES).filter((each) => each !== "none" || study.method.no_difference);
const preferenceButtons = () =>
  preferences().map((choice) => choiceButton(choice, PREFERENCES[choice], t(PREFERENCE_WORDS[choice])));
const choices = () => {
  if (isPreference()) return preferenceButtons();
  if (isSeveral()) return scaleRows();
  return study.scale.grades.length ? gradeButtons() : slider();
};
const unusableButton = () =>
  make(
    "button",
    { type: "button", class: "unusable", title: t("unusable_hint"), onclick: onClick(null) },
    make("kbd", { "aria-hidden": "true" }, "0"),
    ` ${t("unusable")}`,
  );

// On the continuous scale a grade can be given once the slider was moved: where it stands at first is nobody's opinion.
const slider = () => {
  const { low, high } = study.scale;
  const range = make("input", { type: "range", min: low, max: high, step: 1, "aria-label": question() });
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

// Why, if somebody wants to say it: chosen before the answer, which goes on to the next item.
const reasonRow = () => {
  if (!study.method.reasons.length) return null;
  const chips = study.method.reasons.map((reason) =>
    make(
      "button",
      { type: "button", class: "reason", value: reason, "aria-pressed": "false", onclick: toggleReason },
      t(`reason_${reason}`),
    ),
  );
  return make("div", { class: "reasons", role: "group", "aria-label": t("reasons") }, t("reasons"), ...chips);
};
const toggleReason = ({ currentTarget: chip, detail }) => {
  chip.setAttribute("aria-pressed", String(chip.ariaPressed !== "true"));
  if (detail) parts.heading.focus({ preventScroll: true }); // the next key is an answer, and presses no chip again
};
const chosenChips = () => [...body.querySelectorAll(".reason[aria-pressed=true]")];
const givenReasons = () => chosenChips().map((chip) => chip.value);
const dropReasons = () => {
  for (const chip of chosenChips()) chip.setAttribute("aria-pressed", "false");
};

const light = (choice) => {
  if (isSeveral() && choice !== null) return; // the grades are lit already
  unlight();
  const pressed = choice === null ? parts.unusable : parts.grades.querySelector(`[value="${choice}"]`);
  pressed?.classList.add("taken");
};
const unlight = () => {
  for (const each of parts.answering.querySelectorAll(".taken")) each.classList.remove("taken");
};

// Answers by key; returns nothing where the key means nothing.
const answerByKey = (event) => {
  if (isPreference()) {
    const choice = PREFERENCE_KEYS[event.key];
    if (!choice) return;
    event.preventDefault(); // arrows would scroll
    return void (preferences().includes(choice) && give(choice));
  }
  if (event.key === "0" && study.offer_unusable) return void give(null);
  if (isSeveral()) return gradeByKey(event);
  if (range() && event.key in SLIDES) return slide(event);
  if (range() && event.key === "Enter" && event.target.tagName !== "BUTTON") return giveSlid();
  const grade = Number(event.key);
  if (study.scale.grades.includes(grade)) give(grade);
};
const onKey = (event) => {
  if (!document.body.classList.contains("rating-room") || event.ctrlKey || event.metaKey || event.altKey || feedback)
    return;
  if (event.repeat && !(event.key in SLIDES && range())) return; // a key that is held is no second answer
  if (event.key === "Backspace" || event.key.toLowerCase() === "z") {
    event.preventDefault();
    return void goBack();
  }
  if (event.key === " " && event.target.tagName !== "BUTTON" && shown?.arrangement === "in turn") {
    event.preventDefault();
    return void flip();
  }
  answerByKey(event);
};
document.addEventListener("keydown", onKey);
