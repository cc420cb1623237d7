// Several scales: a row of grades for each, one under the other. By key the first one without a grade is answered, by
// touch any. The answer goes on when all have a grade and Enter or the button is pressed; its time is the last grade's.

const SIDE_FROM_PX = 1100; // of the window, from which on the rows stand beside the picture, as in the style sheet
const SIDE_PX = 470;
const ROW_PX = 64;
const TALL_ROW_PX = 92; // where words take several lines
const LONG_TEXT = 16; // letters of a grade's words
const LONG_WORD = 11; // of one of them, that is written smaller
const PAIRED_PX = 64; // a longer question, and one button more
const AROUND_ROWS_PX = 150; // the question and what stands below the rows, and the bar above the picture

let scaleGrades = []; // one for each scale, null where none is given yet
let gradedAt = null;

const scales = () => [study.scale, ...study.more_scales];
const isSeveral = () => study.more_scales.length > 0;
const titleOf = (scale) => scale.title[language];
const wordOn = (scale, grade) => scale.words[language]?.find(([value]) => value === grade)?.[1];
const textOn = (scale, grade) => [grade, wordOn(scale, grade)].filter((each) => each !== undefined).join(" ");
const rowsPx = () => {
  const words = scales().flatMap((scale) => scale.words[language].map(([, word]) => word.length));
  const rowPx = Math.max(...words) > LONG_TEXT ? TALL_ROW_PX : ROW_PX;
  return AROUND_ROWS_PX + scales().length * rowPx + (isPaired() ? PAIRED_PX : 0);
};

// Nine grades leave no room for their words; the worst and the best are said above them.
const headOf = (scale) => {
  const { length, 0: worst, [length - 1]: best } = study.scale.grades;
  return length > 5 ? `${titleOf(scale)}: ${textOn(scale, worst)} – ${textOn(scale, best)}` : titleOf(scale);
};
const scaleRows = () =>
  scales().map((scale, index) =>
    make(
      "div",
      { class: "scale", role: "group", "aria-label": titleOf(scale), style: `--grades: ${study.scale.grades.length}` },
      make("span", { class: "scale-title", "aria-hidden": "true" }, headOf(scale)),
      ...study.scale.grades.map((grade) => scaleButton(scale, index, grade)),
    ),
  );
const isLong = (text) => text.split(/\s/).some((word) => word.length >= LONG_WORD);
const scaleButton = (scale, index, grade) => {
  const word = wordOn(scale, grade) ?? "";
  return make(
    "button",
    {
      type: "button",
      class: "grade",
      value: grade,
      "aria-pressed": "false",
      "aria-label": textOn(scale, grade),
      onclick: ({ detail }) => {
        gradeOn(index, grade);
        if (detail) parts.heading.focus({ preventScroll: true }); // Enter is to go on, not to press it again
      },
    },
    make("kbd", {}, String(grade)),
    make("span", { class: isLong(word) ? "long" : "" }, word),
  );
};
const nextButton = () =>
  make(
    "button",
    { type: "button", class: "next", onclick: ({ detail }) => detail < 2 && giveGrades() },
    make("kbd", { "aria-hidden": "true" }, "↵"),
    ` ${t("next")}`,
  );

const gradeOn = (index, grade) => {
  if (!mayAnswer()) return;
  scaleGrades[index] = grade;
  gradedAt = performance.now();
  showGrades();
  const said = `${titleOf(scales()[index])}: ${textOn(scales()[index], grade)}.`;
  announce(areAllGraded() ? `${said} ${t("all_graded")}` : said);
};
const areAllGraded = () => !scaleGrades.includes(null);
const giveGrades = () => {
  if (!areAllGraded()) return;
  parts.heading.focus({ preventScroll: true }); // the button is off until the next picture has its grades
  give(scaleGrades[0], gradedAt);
};
const gradeByKey = (event) => {
  if (event.key === "Enter" && event.target.tagName !== "BUTTON") return giveGrades();
  const grade = Number(event.key);
  if (!study.scale.grades.includes(grade)) return;
  if (areAllGraded()) announce(t("all_graded"));
  else gradeOn(scaleGrades.indexOf(null), grade);
};

// Clears the last grade; without one, the answer before is taken back.
const goBack = () => {
  const last = scaleGrades.findLastIndex((grade) => grade !== null);
  if (!isSeveral() || last < 0) return undo();
  if (busy) return;
  scaleGrades[last] = null;
  showGrades();
  announce(`${titleOf(scales()[last])}: ${t("undone")}`);
};

const clearGrades = () => {
  if (!isSeveral()) return;
  scaleGrades = scales().map(() => null);
  showGrades();
};
const showGrades = () => {
  const current = scaleGrades.indexOf(null);
  [...parts.grades.children].forEach((row, index) => {
    row.ariaCurrent = index === current ? "true" : null;
    for (const each of row.querySelectorAll("button")) {
      const isGiven = Number(each.value) === scaleGrades[index];
      each.setAttribute("aria-pressed", String(isGiven));
      each.classList.toggle("taken", isGiven);
    }
  });
  parts.next.disabled = !areAllGraded();
  parts.undoKey.disabled = !step.can_undo && scaleGrades.every((grade) => grade === null);
};

const furtherGrades = (choice) => {
  if (!isSeveral() || choice === null) return {};
  return {
    more_grades: Object.fromEntries(study.more_scales.map(({ name }, index) => [name, scaleGrades[index + 1]])),
  };
};
const answerText = (choice) => {
  if (!isSeveral() || choice === null) return choiceText(choice);
  return scales()
    .map((scale, index) => `${titleOf(scale)} ${textOn(scale, scaleGrades[index])}`)
    .join(", ");
};
