// The frame that every page has, its buttons, and what follows from the server's answer.

const STEPS = ["consent", "screen check", "training", "rate", "end"];
const STEP_WORDS = ["step_consent", "step_screen", "step_training", "step_rating", "step_end"];
const stepIndex = (kind) => ({ questions: 0, break: 3, waiting: 3, finish: 3, closed: 4 })[kind] ?? STEPS.indexOf(kind);

const stepList = (kind) =>
  make(
    "ol",
    { class: "steps" },
    ...STEP_WORDS.map((name, index) =>
      make(
        "li",
        {
          class: index < stepIndex(kind) ? "done" : "",
          "aria-current": index === stepIndex(kind) ? "step" : null,
        },
        t(name),
      ),
    ),
  );

const languageChoice = () => {
  const choice = make("select", {
    "aria-label": t("language"),
    onchange: () => {
      language = choice.value;
      kept.set("fiqa-language", language);
      if (step) render();
      else withoutStep();
    },
  });
  const offered = Object.entries(study?.languages ?? LANGUAGES);
  if (offered.length < 2) return null;
  for (const [code, name] of offered)
    choice.append(make("option", { value: code, selected: code === language, lang: code }, name));
  return choice;
};

const page = (kind, title, ...content) => {
  const movesFocus = [null, document.body].includes(document.activeElement) || body.contains(document.activeElement);
  document.body.classList.remove("rating-room");
  root.className = "rate page";
  root.lang = language;
  const heading = make("h2", { tabindex: "-1" }, title);
  body.replaceChildren(
    make("div", { class: "top" }, stepList(kind), languageChoice()),
    ...[remark()].filter(Boolean),
    heading,
    ...content.filter(Boolean),
  );
  if (linked || movesFocus) heading.focus({ preventScroll: true });
};
// Says of the demo and of a test run what they are.
const remark = () => {
  if (preview) return make("p", { class: "demo" }, make("b", {}, t("preview")), ` ${t("preview_hint")}`);
  return study?.demo ? make("p", { class: "demo" }, make("b", {}, t("demo")), ` ${t("demo_hint")}`) : null;
};
const paragraph = (text, attributes = {}) => make("p", attributes, text);
const button = (text, onclick, attributes = {}) =>
  make("button", { type: "button", class: "main", ...attributes, onclick }, text);

// Runs once however often it is clicked; what it returns is the next step.
const once = (ask) => async (event) => {
  if (busy) return;
  busy = true;
  announce("");
  const clicked = event?.currentTarget;
  if (clicked) clicked.disabled = true;
  await follow(ask).finally(() => {
    busy = false;
    if (clicked) clicked.disabled = false;
  });
};
const follow = async (ask) => {
  try {
    take(await insist(ask));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    await recover(error);
  }
};

const take = (content) => {
  if (content.token) {
    token = content.token;
    kept.set(place(), token);
    keepAddress();
  }
  step = content.step;
  feedback = content.feedback ?? null;
  showNotice(step.message);
  if (!feedback) render();
};

// The address becomes the personal link: reloaded or bookmarked, it goes on here.
const keepAddress = () => {
  if (!linked) return;
  const address = new URL(location.href);
  address.searchParams.delete("study");
  address.searchParams.set("participant", token);
  history.replaceState(history.state, "", address);
};

// After a refusal the truth is with the server: ask where we are.
const recover = async (error) => {
  if (["AccessError", "OutsidePanelError"].includes(error.kind)) return showInvalid(error);
  if (!token) return welcome(); // the study closed, or the last seat was taken, while they read
  try {
    take(await insist(() => post("look", { device })));
    announce(error.kind === "StudyStateError" || error.kind === "SittingError" ? "" : tOfMethod("moved_on"));
  } catch (next) {
    showInvalid(next);
  }
};

const showInvalid = (error) => {
  withoutStep = () => showInvalid(error);
  if (!linked && study) {
    kept.drop(place());
    token = "";
    step = { kind: "consent" };
    return render();
  } // a demo made anew
  step = null;
  const hint = error?.kind === "OutsidePanelError" ? "outside_panel" : "invalid_hint";
  page("consent", t("invalid_title"), paragraph(t(preview ? "preview_gone" : hint)));
};
