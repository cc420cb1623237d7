// Before the first picture: consent, and the questions of the study.

const consentPage = () => {
  const box = make("input", { type: "checkbox", id: "consent-box" });
  const eligible = make("input", { type: "checkbox", id: "eligibility-box" });
  const begin = button(
    t("consent_button"),
    once(() => (token ? post("consent", panel()) : post("join", { study: study.join_code, ...panel() }))),
    { disabled: true },
  );
  const check = () => {
    begin.disabled = !(box.checked && eligible.checked);
  };
  for (const each of [box, eligible]) each.addEventListener("change", check);
  const texts = study.texts[language];
  page(
    "consent",
    tOfMethod("consent_title"),
    paragraph(texts.instructions, { class: "instructions" }),
    isPreference() && hasReference() ? paragraph(t("reference_hint")) : null,
    make("h3", {}, t("consent_heading")),
    paragraph(texts.consent, { class: "consent" }),
    paragraph(storageTime()),
    make(
      "details",
      { class: "data-protection" },
      make("summary", {}, t("data_protection_title")),
      paragraph(texts.data_protection, { class: "consent" }),
    ),
    make("label", { for: "eligibility-box" }, eligible, ` ${texts.eligibility}`),
    make("label", { for: "consent-box" }, box, ` ${t("consent_box")}`),
    begin,
  );
};
const storageTime = () => {
  if (!study.identifiers_until) return t("storage_unlimited");
  const date = new Date(study.identifiers_until).toLocaleDateString(language, { dateStyle: "long" });
  return t("storage_until", { date });
};
const panel = () => {
  const participant = query.get("PROLIFIC_PID");
  return participant ? { panel_participant: participant, panel_session: query.get("SESSION_ID") || "" } : {};
};

// Questions before the first picture; whoever leaves one out is not asked again.
const questionsPage = () => {
  const fields = study.questions.map((question) => askQuestion(question));
  const answers = () =>
    Object.fromEntries(fields.map(({ name, value }) => [name, value()]).filter(([, given]) => given !== ""));
  page(
    "questions",
    t("questions_title"),
    paragraph(t("questions_hint")),
    ...fields.map((field) => field.shown),
    button(
      t("screen_button"),
      once(() => post("questions", { start_answers: answers() })),
    ),
    withdrawButton(),
  );
};
const askQuestion = ({ name, text, choices }) => {
  const id = `question-${name}`;
  const label = make("label", { for: id }, text[language]);
  const listed = choices[language];
  if (!listed.length) {
    const written = make("input", { type: "text", id, maxlength: 200 });
    return { name, value: () => written.value.trim(), shown: make("div", { class: "question" }, label, written) };
  }
  const chosen = make(
    "select",
    { id },
    make("option", { value: "" }, t("no_answer")),
    ...listed.map((choice, index) => make("option", { value: index }, choice)),
  );
  return {
    name,
    value: () => chosen.value && Number(chosen.value),
    shown: make("div", { class: "question" }, label, chosen),
  };
};
