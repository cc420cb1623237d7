// Every page but the rating itself.

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
  if (error.kind === "AccessError") return showInvalid();
  if (!token) return welcome(); // the study closed, or the last seat was taken, while they read
  try {
    take(await insist(() => post("look", { device })));
    announce(error.kind === "StudyStateError" || error.kind === "SittingError" ? "" : t("moved_on"));
  } catch (next) {
    showInvalid(next);
  }
};

const showInvalid = () => {
  withoutStep = showInvalid;
  if (!linked && study) {
    kept.drop(place());
    token = "";
    step = { kind: "consent" };
    return render();
  } // a demo made anew
  step = null;
  page("consent", t("invalid_title"), paragraph(t(preview ? "preview_gone" : "invalid_hint")));
};

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
    t("consent_title"),
    paragraph(texts.instructions, { class: "instructions" }),
    make("h3", {}, t("consent_heading")),
    paragraph(texts.consent, { class: "consent" }),
    make("label", { for: "eligibility-box" }, eligible, ` ${texts.eligibility}`),
    make("label", { for: "consent-box" }, box, ` ${t("consent_box")}`),
    begin,
  );
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

// Room for the picture beside everything else in the rating room, in pixels of the screen; `window_px` in those of CSS.
const around = ([width]) => (width < 640 ? [16, 384] : [32, 210]);
const room = (window_px = [innerWidth, innerHeight]) =>
  window_px.map((side, index) => Math.floor((side - around(window_px)[index]) * devicePixelRatio));
const fits = (window_px) => study.width_px <= room(window_px)[0] && study.height_px <= room(window_px)[1];
// The shorter side, in pixels of CSS: it is the same whichever way a phone is held.
const isLargeEnough = () => Math.min(screen.width, screen.height) >= study.min_screen_side_px;
const couldFit = ([width, height]) => fits([width, height]) || fits([height, width]); // turned

const patches = (name, background, levels) => {
  const row = make(
    "div",
    { class: "patches", style: `background: rgb(${background}, ${background}, ${background})`, "aria-hidden": "true" },
    ...levels.map((level) => make("i", { style: `background: rgb(${level}, ${level}, ${level})` })),
  );
  const choice = make(
    "select",
    { id: `patches-${name}` },
    make("option", { value: "" }, t("choose")),
    ...levels.map((_, index) => make("option", { value: index }, String(index))),
    make("option", { value: levels.length }, String(levels.length)),
  );
  return [
    make("div", { class: "patch-test" }, row, make("label", { for: `patches-${name}` }, t(`screen_${name}`)), choice),
    choice,
  ];
};

// What one choice of the screen check looks like: something drawn, a label, and options.
const ask = (drawn, name, number, options) => {
  const id = `${name}-${number}`;
  const choice = make(
    "select",
    { id },
    make("option", { value: "" }, t("choose")),
    ...options.map((option) => make("option", { value: option }, option)),
    make("option", { value: "?" }, t("sight_unclear")),
  );
  return {
    choice,
    shown: make("div", { class: "sight" }, drawn, make("label", { for: id }, t(name, { number })), choice),
  };
};

// Zoomed by the browser's menu, a window is wider outside than inside; not so on phones, and not in a frame.
const zoom = () => Math.round((100 * outerWidth) / innerWidth) / 100;
const verdictOnScreen = () => {
  const needed = `${study.width_px}×${study.height_px}`;
  const whole = [Math.max(screen.width, innerWidth), Math.max(screen.height, innerHeight)];
  if (isEnlarged()) return t("screen_enlarged");
  if (!isLargeEnough())
    return t("screen_required", { needed: study.min_screen_side_px, there: Math.min(screen.width, screen.height) });
  if (!fits() && !couldFit(whole)) return t("screen_never", { needed, there: room(whole).join("×") });
  if (!fits()) return t("screen_small", { needed, there: room().join("×") });
  return (
    t("screen_fits") +
    (Number.isInteger(devicePixelRatio * 4) ? "" : ` ${t("screen_zoom", { ratio: devicePixelRatio.toFixed(2) })}`)
  );
};

const screenPage = () => {
  const verdict = paragraph("", { class: "fit", role: "status" });
  const [darkTest, dark] = patches("dark", 0, [4, 8, 14, 22]);
  const [lightTest, light] = patches("light", 255, [251, 247, 241, 233]);
  const sight = study.sight_check ? sightCheck(ask) : null;
  const choices = [dark, light, ...(sight?.choices ?? [])];
  const measured = () => ({
    window_width_px: innerWidth,
    window_height_px: innerHeight,
    screen_width_px: screen.width,
    screen_height_px: screen.height,
    pixel_ratio: devicePixelRatio,
    zoom: zoom(),
    fits: fits(),
    dark_patches: Number(dark.value),
    light_patches: Number(light.value),
    ...sight?.found(),
  });
  const go = button(
    t("screen_button"),
    once(() => post("screen", { device, screen: measured(), passed: fits() && isLargeEnough() })),
  );
  const check = () => {
    if (!verdict.isConnected) return removeEventListener("resize", check);
    verdict.textContent = verdictOnScreen();
    const good = fits() && isLargeEnough() && !isEnlarged();
    verdict.classList.toggle("bad", !good);
    go.disabled = !(good && choices.every((choice) => choice.value));
  };
  const sightPart = sight
    ? [
        make("h3", {}, t("sight_title")),
        paragraph(t("sight_rings")),
        make("div", { class: "sights" }, ...sight.rings.map((ring) => ring.shown)),
        paragraph(t("sight_plates")),
        make("div", { class: "sights" }, ...sight.plates.map((plate) => plate.shown)),
      ]
    : [];
  page(
    "screen check",
    t("screen_title"),
    paragraph(t("screen_hint")),
    verdict,
    darkTest,
    lightTest,
    ...sightPart,
    go,
    withdrawButton(),
  );
  for (const choice of choices) choice.addEventListener("change", check);
  for (const each of [window, visualViewport].filter(Boolean)) each.addEventListener("resize", check);
  check();
};

const withdrawButton = () =>
  button(
    t("withdraw"),
    async () => {
      if (!confirm(t("withdraw_sure"))) return;
      // Refused is only who is deleted already: the answer to that was lost.
      try {
        await insist(() => post("withdraw"));
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
      }
      for (const { name } of keptAnswers()) kept.drop(name);
      kept.drop(place());
      kept.set(WITHDRAWN + study.join_code, "yes");
      token = "";
      // The address is again as they came.
      if (linked && !query.get("participant")) history.replaceState(history.state, "", `${location.pathname}?${query}`);
      step = null;
      withdrawnPage();
    },
    { class: "plain" },
  );

// The study's general link still lets anybody begin: whoever withdrew is told so, and begins as somebody new.
const withdrawnPage = () => {
  withoutStep = withdrawnPage;
  page(
    "end",
    t("withdrawn_title"),
    paragraph(t("withdrawn_hint")),
    query.get("participant")
      ? null
      : button(
          t("begin_anew"),
          () => {
            kept.drop(WITHDRAWN + study.join_code);
            welcome();
          },
          { class: "plain" },
        ),
  );
};

const breakPage = () => {
  const until = performance.now() + 1000 * step.wait_s;
  const go = button(
    "",
    once(() => post("end-break")),
    { disabled: true },
  );
  page(
    "break",
    t("break_title"),
    paragraph(t("break_hint", step)),
    make("div", { class: "choices" }, go, undoButton()),
    withdrawButton(),
  );
  const count = () => {
    if (!go.isConnected) return;
    const left = Math.ceil((until - performance.now()) / 1000);
    go.textContent = left > 0 ? t("break_wait", { seconds: left }) : t("go_on");
    go.disabled = left > 0;
    if (left > 0) setTimeout(count, 250);
    else if (linked) go.focus();
  };
  count();
};

const waitingPage = () => {
  page(
    "waiting",
    t("waiting_title"),
    paragraph(t("waiting_hint")),
    step.can_finish ? finishButton() : null,
    step.can_undo ? undoButton() : null,
  );
  const asked = step;
  setTimeout(() => {
    if (step === asked && !busy) follow(() => post("look", { device }));
  }, 1000 * Math.max(1, step.wait_s));
};

const finishButton = () =>
  button(
    t("finish"),
    once(() => post("finish")),
  );
const undoButton = () => (step.can_undo ? button(t("undo"), undo, { class: "plain" }) : null);
const finishPage = () =>
  page(
    "finish",
    t("finish_title"),
    paragraph(t("finish_hint")),
    make("div", { class: "choices" }, finishButton(), ...[undoButton()].filter(Boolean)),
  );

// The owner sees who has not taken their code; nothing depends on it, so it is sent once, even as the page is left.
const takeCode = () =>
  navigator.sendBeacon(
    "rating/take-code",
    new Blob([JSON.stringify({ token, language })], { type: "application/json" }),
  );
const endPage = () => {
  const copy = button(
    t("copy"),
    async () => {
      takeCode();
      try {
        await navigator.clipboard.writeText(step.completion_code);
        copy.textContent = t("copied");
      } catch {
        /* it can be selected */
      }
    },
    { class: "plain" },
  );
  const code =
    step.completion_code &&
    make("div", { class: "code" }, paragraph(t("end_code")), make("output", {}, step.completion_code), copy);
  const another = step.can_start_another
    ? button(
        t("another"),
        once(() => post("start-another", panel())),
      )
    : null;
  const again = study.demo
    ? button(t("again"), () => {
        kept.drop(place());
        token = "";
        step = { kind: "consent" };
        render();
      })
    : null;
  const back =
    step.completion_code && query.get("PROLIFIC_PID")
      ? make(
          "a",
          { class: "main", onclick: takeCode, href: `${PROLIFIC}${encodeURIComponent(step.completion_code)}` },
          t("to_panel"),
        )
      : null;
  page(
    "end",
    t("end_title"),
    paragraph(t("end_hint", step)),
    code,
    back,
    make("div", { class: "choices" }, ...[another, again].filter(Boolean)),
    withdrawButton(),
  );
};

const CLOSED = { over: ["over_title", "over_hint"], full: ["full_title", "full_hint"] };
const closedPage = () => {
  const [title, hint] = CLOSED[step.refusal] ?? ["closed_title", "closed_hint"];
  page("closed", t(title), paragraph(t(hint)), step.can_finish ? finishButton() : null);
};
