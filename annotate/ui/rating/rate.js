// The rating page: draws every step, and keeps each answer in the browser until the server has it on disk.
// Runs inside Gradio, which gives `element`; WORDING and LANGUAGES are put before it. Texts are only ever set as text.

const root = element.querySelector(".rate");
const query = new URLSearchParams(location.search);
const linked = document.documentElement.classList.contains("rating-only");
const LEAST_LOOK_MS = 200; // a second click of a double click must not rate the next picture
const RETRY_MS = [1000, 2000, 4000, 8000];
const TIMEOUT_MS = 20000;
const ANSWER = "fiqa-answer-";
const WITHDRAWN = "fiqa-withdrawn-";
const PROLIFIC = "https://app.prolific.com/submissions/complete?cc=";

// A test run has routes of its own, and neither the server nor the browser keeps anything of it.
const preview = query.get("preview");
const ROUTES = preview ? `rating/preview/${encodeURIComponent(preview)}` : "rating";

let token = query.get("participant") || "";
let study = null;
let step = null;
let shown = null; // the picture on screen: { number, since, image }
let busy = false;
let language = "en";
let feedback = null;
let withoutStep = null; // draws the page of somebody who is at no step: a wrong link, or all is deleted
const times = []; // seconds per picture, for the time left

// ---- what the browser keeps; without storage (some frames), or in a test run, only as long as the page lives ----

const memory = new Map();
const inMemory = {
  get: (name) => memory.get(name) ?? null,
  set: (name, value) => memory.set(name, value),
  drop: (name) => memory.delete(name),
  names: () => [...memory.keys()],
};
const kept = preview ? inMemory : {
  get: (name) => { try { return localStorage.getItem(name) ?? memory.get(name) ?? null; } catch { return memory.get(name) ?? null; } },
  set: (name, value) => { try { localStorage.setItem(name, value); } catch { memory.set(name, value); } },
  drop: (name) => { memory.delete(name); try { localStorage.removeItem(name); } catch { /* nothing is kept */ } },
  names: () => { try { return [...Object.keys(localStorage), ...memory.keys()]; } catch { return [...memory.keys()]; } },
};
const random = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const device = kept.get("fiqa-device") || random();
kept.set("fiqa-device", device);
// A panel's people may share a computer; each has a place of their own.
const place = () => `fiqa-rating-${study.join_code}-${query.get("PROLIFIC_PID") || ""}`;

// ---- words ----

const t = (name, values = {}) =>
  (WORDING[language]?.[name] ?? WORDING.en[name]).replace(/\{(\w+)\}/g, (_, key) => String(values[key] ?? ""));
const wordOf = (grade) => study.scale.words[language]?.find(([value]) => value === grade)?.[1];
const gradeText = (grade) => grade === null ? t("unusable") : wordOf(grade) ? `${grade} ${wordOf(grade)}` : String(grade);

const make = (tag, attributes = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
};

// ---- talking to the server ----

class Refused extends Error {
  constructor(kind, message) { super(message); this.kind = kind; }
}
class Lost extends Error {} // its message is the text that says why

const wait = (ms) => new Promise((resolve) => {
  setTimeout(resolve, ms);
  addEventListener("online", resolve, { once: true });
});

const request = async (path, options) => {
  let answer;
  try {
    answer = await fetch(`${ROUTES}/${path}`, { ...options, signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (answer.ok) return options.method ? await answer.json() : await answer.blob();
  } catch { throw new Lost(); }
  const { kind, error } = await answer.json().catch(() => ({}));
  if (answer.status === 429) throw new Lost("busy");
  if (answer.status >= 500 && kind) throw new Lost("unavailable_hint");
  if (answer.status >= 500 || !kind) throw new Lost(); // of a proxy on the way
  throw new Refused(kind, error);
};

const post = (action, body = {}) => request(action, {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({ token, language, ...body }),
});

// Repeats until the server answers. Only for what may arrive twice: answers by their key, and questions.
const insist = async (ask, banner = "offline_idle") => {
  for (let attempt = 0; ; attempt++) {
    try {
      const content = await ask();
      if (attempt) announce(t("resent"));
      showBanner("");
      return content;
    } catch (error) {
      if (!(error instanceof Lost)) { showBanner(""); throw error; }
      showBanner(t(error.message || banner));
      await wait(RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)]);
    }
  }
};

// ---- pictures: fetched whole and ahead, shown from memory ----

const pictures = new Map();
const fetchPicture = (picture) => {
  if (!pictures.has(picture.number)) {
    const options = { headers: { Authorization: `Bearer ${token}` } };
    const loading = insist(() => request(`picture/${picture.number}`, options)).then(async (bytes) => {
      const image = new Image();
      image.src = URL.createObjectURL(bytes);
      await image.decode();
      return image;
    });
    loading.catch(() => pictures.delete(picture.number));
    pictures.set(picture.number, loading);
  }
  return pictures.get(picture.number);
};
const forgetOthers = (numbers) => {
  for (const [number, loading] of pictures) {
    if (numbers.includes(number)) continue;
    pictures.delete(number);
    loading.then((image) => URL.revokeObjectURL(image.src), () => {});
  }
};

// The place nearest to `at` that begins with a pixel of the screen; between two the browser would mix neighbours.
const onPixel = (at) => {
  const nearest = Array.from({ length: 41 }, (_, index) => Math.round(at) + (index % 2 ? 1 : -1) * Math.ceil(index / 2));
  return nearest.find((place) => Math.abs(place * devicePixelRatio - Math.round(place * devicePixelRatio)) < 0.01) ?? at;
};
// One pixel of the picture is one of the screen, whatever the screen's pixel ratio.
const nativeSize = (image) => {
  image.style.width = `${image.naturalWidth / devicePixelRatio}px`;
  image.style.height = `${image.naturalHeight / devicePixelRatio}px`;
  image.style.left = image.style.top = "0px";
  const { left, top } = image.getBoundingClientRect();
  image.style.left = `${onPixel(left) - left}px`;
  image.style.top = `${onPixel(top) - top}px`;
};
const painted = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));

// ---- messages: a banner for the connection, a line that screen readers speak ----

const banner = make("p", { class: "banner", role: "alert", hidden: true });
const line = make("p", { class: "spoken", role: "status" });
const body = make("div", { class: "body" });
const showBanner = (message) => { if (banner.textContent !== message) banner.textContent = message; banner.hidden = !message; };
// What the owner tells everybody who is rating; it lies over the page, so that no picture moves, until it is closed.
const notice = make("div", { class: "told", role: "status", hidden: true });
let noticeRead = "";
const showNotice = (message) => {
  notice.hidden = !message || message === noticeRead;
  if (notice.hidden || notice.firstChild?.textContent === message) return;
  notice.replaceChildren(make("p", {}, message), make("button", { type: "button", onclick: () => { noticeRead = message; notice.hidden = true; } }, t("close")));
};
const announce = (message) => { line.textContent = message; };

// ---- pages: everything but the rating itself ----

const STEPS = ["consent", "screen check", "training", "rate", "end"];
const STEP_WORDS = ["step_consent", "step_screen", "step_training", "step_rating", "step_end"];
const stepIndex = (kind) => ({ questions: 0, break: 3, waiting: 3, finish: 3, closed: 4 })[kind] ?? STEPS.indexOf(kind);

const stepList = (kind) => make("ol", { class: "steps" }, ...STEP_WORDS.map((name, index) => make("li", {
  class: index < stepIndex(kind) ? "done" : "",
  "aria-current": index === stepIndex(kind) ? "step" : null,
}, t(name))));

const languageChoice = () => {
  const choice = make("select", { "aria-label": t("language"), onchange: () => {
    language = choice.value;
    kept.set("fiqa-language", language);
    if (step) render(); else withoutStep();
  } });
  const offered = Object.entries(study?.languages ?? LANGUAGES);
  if (offered.length < 2) return null;
  for (const [code, name] of offered) choice.append(make("option", { value: code, selected: code === language, lang: code }, name));
  return choice;
};

const page = (kind, title, ...content) => {
  const movesFocus = [null, document.body].includes(document.activeElement) || body.contains(document.activeElement);
  document.body.classList.remove("rating-room");
  root.className = "rate page";
  root.lang = language;
  const heading = make("h2", { tabindex: "-1" }, title);
  body.replaceChildren(make("div", { class: "top" }, stepList(kind), languageChoice()), ...[remark()].filter(Boolean), heading, ...content.filter(Boolean));
  if (linked || movesFocus) heading.focus({ preventScroll: true });
};
// Says of the demo and of a test run what they are.
const remark = () => {
  if (preview) return make("p", { class: "demo" }, make("b", {}, t("preview")), ` ${t("preview_hint")}`);
  return study?.demo ? make("p", { class: "demo" }, make("b", {}, t("demo")), ` ${t("demo_hint")}`) : null;
};
const paragraph = (text, attributes = {}) => make("p", attributes, text);
const button = (text, onclick, attributes = {}) => make("button", { type: "button", class: "main", ...attributes, onclick }, text);

// Runs once however often it is clicked; what it returns is the next step.
const once = (ask) => async (event) => {
  if (busy) return;
  busy = true;
  announce("");
  const clicked = event?.currentTarget;
  if (clicked) clicked.disabled = true;
  await follow(ask).finally(() => { busy = false; if (clicked) clicked.disabled = false; });
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
  if (content.token) { token = content.token; kept.set(place(), token); keepAddress(); }
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
  } catch (next) { showInvalid(next); }
};

const showInvalid = () => {
  withoutStep = showInvalid;
  if (!linked && study) { kept.drop(place()); token = ""; step = { kind: "consent" }; return render(); } // a demo made anew
  step = null;
  page("consent", t("invalid_title"), paragraph(t(preview ? "preview_gone" : "invalid_hint")));
};

const consentPage = () => {
  const box = make("input", { type: "checkbox", id: "consent-box" });
  const eligible = make("input", { type: "checkbox", id: "eligibility-box" });
  const begin = button(t("consent_button"), once(() => token ? post("consent", panel()) : post("join", { study: study.join_code, ...panel() })), { disabled: true });
  const check = () => { begin.disabled = !(box.checked && eligible.checked); };
  for (const each of [box, eligible]) each.addEventListener("change", check);
  const texts = study.texts[language];
  page("consent", t("consent_title"),
    paragraph(texts.instructions, { class: "instructions" }),
    make("h3", {}, t("consent_heading")),
    paragraph(texts.consent, { class: "consent" }),
    make("label", { for: "eligibility-box" }, eligible, ` ${texts.eligibility}`),
    make("label", { for: "consent-box" }, box, ` ${t("consent_box")}`), begin);
};
const panel = () => {
  const participant = query.get("PROLIFIC_PID");
  return participant ? { panel_participant: participant, panel_session: query.get("SESSION_ID") || "" } : {};
};

// Questions before the first picture; whoever leaves one out is not asked again.
const questionsPage = () => {
  const fields = study.questions.map((question) => askQuestion(question));
  const answers = () => Object.fromEntries(fields.map(({ name, value }) => [name, value()]).filter(([, given]) => given !== ""));
  page("questions", t("questions_title"), paragraph(t("questions_hint")), ...fields.map((field) => field.shown),
    button(t("screen_button"), once(() => post("questions", { start_answers: answers() }))), withdrawButton());
};
const askQuestion = ({ name, text, choices }) => {
  const id = `question-${name}`;
  const label = make("label", { for: id }, text[language]);
  const listed = choices[language];
  if (!listed.length) {
    const written = make("input", { type: "text", id, maxlength: 200 });
    return { name, value: () => written.value.trim(), shown: make("div", { class: "question" }, label, written) };
  }
  const chosen = make("select", { id }, make("option", { value: "" }, t("no_answer")),
    ...listed.map((choice, index) => make("option", { value: index }, choice)));
  return { name, value: () => chosen.value && Number(chosen.value), shown: make("div", { class: "question" }, label, chosen) };
};

// Room for the picture beside everything else in the rating room, in pixels of the screen; `window_px` in those of CSS.
const around = ([width]) => width < 640 ? [16, 384] : [32, 210];
const room = (window_px = [innerWidth, innerHeight]) =>
  window_px.map((side, index) => Math.floor((side - around(window_px)[index]) * devicePixelRatio));
const fits = (window_px) => study.width_px <= room(window_px)[0] && study.height_px <= room(window_px)[1];
// The shorter side, in pixels of CSS: it is the same whichever way a phone is held.
const isLargeEnough = () => Math.min(screen.width, screen.height) >= study.min_screen_side_px;
const couldFit = ([width, height]) => fits([width, height]) || fits([height, width]); // turned

const patches = (name, background, levels) => {
  const row = make("div", { class: "patches", style: `background: rgb(${background}, ${background}, ${background})`, "aria-hidden": "true" },
    ...levels.map((level) => make("i", { style: `background: rgb(${level}, ${level}, ${level})` })));
  const choice = make("select", { id: `patches-${name}` }, make("option", { value: "" }, t("choose")),
    ...levels.map((_, index) => make("option", { value: index }, String(index))), make("option", { value: levels.length }, String(levels.length)));
  return [make("div", { class: "patch-test" }, row, make("label", { for: `patches-${name}` }, t(`screen_${name}`)), choice), choice];
};

// What one choice of the screen check looks like: something drawn, a label, and options.
const ask = (drawn, name, number, options) => {
  const id = `${name}-${number}`;
  const choice = make("select", { id }, make("option", { value: "" }, t("choose")),
    ...options.map((option) => make("option", { value: option }, option)), make("option", { value: "?" }, t("sight_unclear")));
  return { choice, shown: make("div", { class: "sight" }, drawn, make("label", { for: id }, t(name, { number })), choice) };
};

// Zoomed by the browser's menu, a window is wider outside than inside; not so on phones, and not in a frame.
const zoom = () => Math.round(100 * outerWidth / innerWidth) / 100;
const verdictOnScreen = () => {
  const needed = `${study.width_px}×${study.height_px}`;
  const whole = [Math.max(screen.width, innerWidth), Math.max(screen.height, innerHeight)];
  if (isEnlarged()) return t("screen_enlarged");
  if (!isLargeEnough()) return t("screen_required", { needed: study.min_screen_side_px, there: Math.min(screen.width, screen.height) });
  if (!fits() && !couldFit(whole)) return t("screen_never", { needed, there: room(whole).join("×") });
  if (!fits()) return t("screen_small", { needed, there: room().join("×") });
  return t("screen_fits") + (Number.isInteger(devicePixelRatio * 4) ? "" : ` ${t("screen_zoom", { ratio: devicePixelRatio.toFixed(2) })}`);
};

const screenPage = () => {
  const verdict = paragraph("", { class: "fit", role: "status" });
  const [darkTest, dark] = patches("dark", 0, [4, 8, 14, 22]);
  const [lightTest, light] = patches("light", 255, [251, 247, 241, 233]);
  const sight = study.sight_check ? sightCheck(ask) : null;
  const choices = [dark, light, ...(sight?.choices ?? [])];
  const measured = () => ({
    window_width_px: innerWidth, window_height_px: innerHeight, screen_width_px: screen.width, screen_height_px: screen.height,
    pixel_ratio: devicePixelRatio, zoom: zoom(), fits: fits(), dark_patches: Number(dark.value), light_patches: Number(light.value), ...sight?.found(),
  });
  const go = button(t("screen_button"), once(() => post("screen", { device, screen: measured(), passed: fits() && isLargeEnough() })));
  const check = () => {
    if (!verdict.isConnected) return removeEventListener("resize", check);
    verdict.textContent = verdictOnScreen();
    const good = fits() && isLargeEnough() && !isEnlarged();
    verdict.classList.toggle("bad", !good);
    go.disabled = !(good && choices.every((choice) => choice.value));
  };
  const sightPart = sight ? [make("h3", {}, t("sight_title")),
    paragraph(t("sight_rings")), make("div", { class: "sights" }, ...sight.rings.map((ring) => ring.shown)),
    paragraph(t("sight_plates")), make("div", { class: "sights" }, ...sight.plates.map((plate) => plate.shown))] : [];
  page("screen check", t("screen_title"), paragraph(t("screen_hint")), verdict, darkTest, lightTest, ...sightPart, go, withdrawButton());
  for (const choice of choices) choice.addEventListener("change", check);
  for (const each of [window, visualViewport].filter(Boolean)) each.addEventListener("resize", check);
  check();
};

const withdrawButton = () => button(t("withdraw"), async () => {
  if (!confirm(t("withdraw_sure"))) return;
  // Refused is only who is deleted already: the answer to that was lost.
  try { await insist(() => post("withdraw")); } catch (error) { if (!(error instanceof Refused)) throw error; }
  for (const { name } of keptAnswers()) kept.drop(name);
  kept.drop(place());
  kept.set(WITHDRAWN + study.join_code, "yes");
  token = "";
  if (linked && !query.get("participant")) history.replaceState(history.state, "", `${location.pathname}?${query}`); // as they came
  step = null;
  withdrawnPage();
}, { class: "plain" });

// The study's general link still lets anybody begin: whoever withdrew is told so, and begins as somebody new.
const withdrawnPage = () => {
  withoutStep = withdrawnPage;
  page("end", t("withdrawn_title"), paragraph(t("withdrawn_hint")), query.get("participant") ? null : button(t("begin_anew"), () => {
    kept.drop(WITHDRAWN + study.join_code);
    welcome();
  }, { class: "plain" }));
};

const breakPage = () => {
  const until = performance.now() + 1000 * step.wait_s;
  const go = button("", once(() => post("end-break")), { disabled: true });
  page("break", t("break_title"), paragraph(t("break_hint", step)), make("div", { class: "choices" }, go, undoButton()), withdrawButton());
  const count = () => {
    if (!go.isConnected) return;
    const left = Math.ceil((until - performance.now()) / 1000);
    go.textContent = left > 0 ? t("break_wait", { seconds: left }) : t("go_on");
    go.disabled = left > 0;
    if (left > 0) setTimeout(count, 250); else if (linked) go.focus();
  };
  count();
};

const waitingPage = () => {
  page("waiting", t("waiting_title"), paragraph(t("waiting_hint")), step.can_finish ? finishButton() : null, step.can_undo ? undoButton() : null);
  const asked = step;
  setTimeout(() => { if (step === asked && !busy) follow(() => post("look", { device })); }, 1000 * Math.max(1, step.wait_s));
};

const finishButton = () => button(t("finish"), once(() => post("finish")));
const undoButton = () => step.can_undo ? button(t("undo"), undo, { class: "plain" }) : null;
const finishPage = () => page("finish", t("finish_title"), paragraph(t("finish_hint")), make("div", { class: "choices" }, finishButton(), ...[undoButton()].filter(Boolean)));

// The owner sees who has not taken their code; nothing depends on it, so it is sent once, even as the page is left.
const takeCode = () => navigator.sendBeacon("rating/take-code", new Blob([JSON.stringify({ token, language })], { type: "application/json" }));
const endPage = () => {
  const copy = button(t("copy"), async () => {
    takeCode();
    try { await navigator.clipboard.writeText(step.completion_code); copy.textContent = t("copied"); } catch { /* it can be selected */ }
  }, { class: "plain" });
  const code = step.completion_code && make("div", { class: "code" }, paragraph(t("end_code")), make("output", {}, step.completion_code), copy);
  const another = step.can_start_another ? button(t("another"), once(() => post("start-another", panel()))) : null;
  const again = study.demo ? button(t("again"), () => { kept.drop(place()); token = ""; step = { kind: "consent" }; render(); }) : null;
  const back = step.completion_code && query.get("PROLIFIC_PID")
    ? make("a", { class: "main", onclick: takeCode, href: `${PROLIFIC}${encodeURIComponent(step.completion_code)}` }, t("to_panel")) : null;
  page("end", t("end_title"), paragraph(t("end_hint", step)), code, back, make("div", { class: "choices" }, ...[another, again].filter(Boolean)), withdrawButton());
};

const CLOSED = { over: ["over_title", "over_hint"], full: ["full_title", "full_hint"] };
const closedPage = () => {
  const [title, hint] = CLOSED[step.refusal] ?? ["closed_title", "closed_hint"];
  page("closed", t(title), paragraph(t(hint)), step.can_finish ? finishButton() : null);
};

// ---- the rating room: a picture, the grades, and nothing else ----

let parts = null;

const gradeButtons = () => study.scale.grades.map((grade) => make("button", {
  type: "button", class: "grade", value: grade, onclick: (event) => { if (event.detail < 2) give(grade); },
}, make("kbd", { "aria-hidden": "true" }, String(grade)), make("span", {}, wordOf(grade) ?? "")));

// On the continuous scale a grade can be given once the slider was moved: where it stands at first is nobody's opinion.
const slider = () => {
  const { low, high } = study.scale;
  const range = make("input", { type: "range", min: low, max: high, step: 1, "aria-label": t("question") });
  const words = make("div", { class: "slider-words", "aria-hidden": "true" }, ...study.scale.words[language].map(([, word]) => make("span", {}, word)));
  const value = make("output", {});
  const giveIt = button(t("give_grade"), (event) => { if (event.detail < 2) giveSlid(); });
  const say = () => { value.textContent = range.dataset.moved ? range.value : "–"; giveIt.disabled = !range.dataset.moved; };
  const move = () => { range.dataset.moved = "yes"; say(); };
  for (const kind of ["input", "pointerup"]) range.addEventListener(kind, move);
  range.addEventListener("newpicture", () => { delete range.dataset.moved; range.value = (low + high) / 2; say(); });
  return [make("div", { class: "grade-slider" }, words, range), value, giveIt];
};
const range = () => parts.grades.querySelector("input");
const giveSlid = () => range().dataset.moved ? give(Number(range().value)) : announce(t("move_slider"));
const SLIDES = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10, Home: -1000, End: 1000 };
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
  const undoKey = make("button", { type: "button", class: "undo", onclick: undo }, make("kbd", { "aria-hidden": "true" }, "Z"), ` ${t("undo")}`);
  const unusable = study.offer_unusable
    ? make("button", { type: "button", class: "unusable", title: t("unusable_hint"), onclick: (event) => { if (event.detail < 2) give(null); } }, make("kbd", { "aria-hidden": "true" }, "0"), ` ${t("unusable")}`)
    : null;
  const leave = make("button", { type: "button", class: "leave", onclick: leaveRoom }, t("leave"));
  const grades = make("div", { class: "grades", role: "group", "aria-label": t("question") }, ...(study.scale.grades.length ? gradeButtons() : slider()));
  const after = make("div", { class: "after concealed" });
  const heading = make("h2", { tabindex: "-1" }, t("question"));
  const extras = make("div", { class: "extras" }, undoKey, unusable);
  const answering = make("div", { class: "answering" }, grades, extras);
  const tried = preview ? make("span", { class: "tried" }, t("preview")) : null;
  body.replaceChildren(make("div", { class: "top-bar" }, ...[tried].filter(Boolean), count, progress, leave), stage,
    make("div", { class: "controls" }, heading, make("div", { class: "answers" }, answering, after)));
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
  count.textContent = training ? t("training", { number: step.done + 1, total: step.total }) : `${t("progress", step)}, ${t("minutes_left", { minutes: minutesLeft() })}`;
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
  try { image = await fetchPicture(picture); } catch (error) { return recover(error); }
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
const unlight = () => parts.stage.parentNode.querySelectorAll(".taken").forEach((each) => each.classList.remove("taken"));

const give = async (grade) => {
  if (busy || !shown || shown.number !== step?.picture?.number) return;
  const looked = performance.now() - shown.since;
  if (looked < LEAST_LOOK_MS) return;
  if (study.width_px && !visible(shown.image)) return announce(t("too_small"));
  busy = true;
  const box = shown.image.getBoundingClientRect();
  const answer = {
    key: random(), assignment_id: shown.number, grade, unusable: grade === null, response_ms: Math.round(looked),
    width_px: Math.round(box.width * devicePixelRatio), height_px: Math.round(box.height * devicePixelRatio), pixel_ratio: devicePixelRatio,
  };
  light(grade);
  announce(t("saving", { grade: gradeText(grade) }));
  const before = step;
  try {
    if (!await deliver(answer)) return;
    announce(t("saved", { grade: gradeText(grade) }));
    if (before.kind === "rate") times.push(Math.min(60, looked / 1000));
    if (feedback) showFeedback(grade);
  } finally { busy = false; }
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

const keptAnswers = () => kept.names().filter((name) => name.startsWith(ANSWER))
  .map((name) => ({ name, ...JSON.parse(kept.get(name) || "{}") })).filter((each) => each.token === token);

const deliverKept = async () => {
  for (const { name, answer } of keptAnswers()) {
    try { await insist(() => post("rate", { answer }), "offline"); } catch (error) { if (!(error instanceof Refused)) throw error; }
    kept.drop(name);
  }
};
// Whoever closes the page on an answer that is still under way may never come back.
addEventListener("pagehide", () => {
  for (const { answer } of keptAnswers()) {
    navigator.sendBeacon(`${ROUTES}/rate`, new Blob([JSON.stringify({ token, language, answer })], { type: "application/json" }));
  }
});

const showFeedback = (given) => {
  const { expected, near_enough: near, text } = feedback;
  const unexpected = text ? "feedback_said" : "feedback_none";
  const name = expected === null ? unexpected : near ? "feedback_near" : "feedback_far";
  const message = t(name, { given: gradeText(given), expected: expected === null ? "" : gradeText(expected) });
  const next = button(t("next"), () => { feedback = null; render(); parts.heading.focus(); }, { disabled: true, "aria-describedby": "feedback" });
  conceal(parts.answering, true);
  conceal(parts.after, false);
  parts.after.replaceChildren(paragraph(text ? `${message} ${text}` : message, { id: "feedback" }), next);
  announce("");
  shown = null;
  delete parts.stage.dataset.shown;
  // The second click of a double click must not skip what is said.
  setTimeout(() => { next.disabled = false; next.focus(); }, LEAST_LOOK_MS);
};

async function undo() {
  if (busy || !step?.can_undo) return;
  busy = true;
  try {
    try {
      take(await post("undo"));
      times.pop();
    } catch (error) { // it may have arrived all the same, so it is not repeated
      if (error instanceof Refused && error.kind === "AccessError") return showInvalid();
      take(await insist(() => post("look", { device })));
    }
    announce(t("undone"));
  } finally { busy = false; }
}

const onKey = (event) => {
  if (!document.body.classList.contains("rating-room") || event.ctrlKey || event.metaKey || event.altKey || feedback) return;
  if (event.repeat && !(event.key in SLIDES)) return; // a key that is held is no second answer
  if (event.key === "Backspace" || event.key.toLowerCase() === "z") { event.preventDefault(); return void undo(); }
  if (event.key === "0" && study.offer_unusable) return void give(null);
  if (range() && event.key in SLIDES) return slide(event);
  if (range() && event.key === "Enter" && event.target.tagName !== "BUTTON") return giveSlid();
  const grade = Number(event.key);
  if (study.scale.grades.includes(grade)) give(grade);
};
document.addEventListener("keydown", onKey);
addEventListener("resize", () => { if (shown) nativeSize(shown.image); });

// ---- beginning ----

const PAGES = { consent: consentPage, questions: questionsPage, "screen check": screenPage, training: ratingRoom, rate: ratingRoom, break: breakPage, waiting: waitingPage, finish: finishPage, end: endPage, closed: closedPage };
const render = () => {
  if (!["training", "rate"].includes(step.kind)) shown = null;
  if (step.upcoming) fetchPicture(step.upcoming).catch(() => {});
  return PAGES[step.kind]();
};

const meet = async () => { study = await insist(() => post("welcome", { study: query.get("study") || "", ...panel() })); };
// What a newcomer sees first.
const greet = () => {
  step = study.refusal ? { kind: "closed", refusal: study.refusal } : { kind: "consent" };
  return render();
};
const welcome = async () => {
  try { await meet(); } catch (error) { if (error instanceof Refused) return showInvalid(); throw error; }
  return greet();
};

const begin = async () => {
  root.replaceChildren(banner, notice, body, line);
  body.replaceChildren(paragraph(t("loading")));
  try {
    await meet();
    const chosen = kept.get("fiqa-language") || (token ? study.language : navigator.language.slice(0, 2));
    language = chosen in study.languages ? chosen : study.language;
    token ||= kept.get(place()) || "";
    if (!token) return kept.get(WITHDRAWN + study.join_code) ? withdrawnPage() : greet();
    await deliverKept();
    take(await insist(() => post("look", { device })));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    showInvalid();
  }
};

// The tab asks for nothing before somebody looks at it.
new IntersectionObserver((entries, observer) => {
  if (!entries.some((entry) => entry.isIntersecting)) return;
  observer.disconnect();
  begin();
}).observe(element);
