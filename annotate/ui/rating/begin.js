// Which page belongs to a step, and what happens first.

const PAGES = {
  consent: consentPage,
  questions: questionsPage,
  "screen check": screenPage,
  training: ratingRoom,
  rate: ratingRoom,
  break: breakPage,
  waiting: waitingPage,
  finish: finishPage,
  end: endPage,
  closed: closedPage,
};
const render = () => {
  if (!["training", "rate"].includes(step.kind)) {
    shown = null;
    fetchAhead();
  }
  return PAGES[step.kind]();
};

// The key of the study, or of the participant, was cut off on the way.
const isCutOff = () => linked && !preview && !token && !query.get("study");
const meet = async () => {
  study = await insist(() => post("welcome", { study: query.get("study") || "", ...panel() }));
};
// What a newcomer sees first.
const greet = () => {
  step = study.refusal ? { kind: "closed", refusal: study.refusal } : { kind: "consent" };
  return render();
};
const welcome = async () => {
  try {
    await meet();
  } catch (error) {
    if (error instanceof Refused) return showInvalid(error);
    throw error;
  }
  return greet();
};

const begin = async () => {
  root.replaceChildren(banner, notice, body, line);
  const spoken = kept.get("fiqa-language") || navigator.language.slice(0, 2);
  if (spoken in LANGUAGES) language = spoken; // until the study is known, which may be never
  body.replaceChildren(paragraph(t("loading")));
  if (isCutOff()) return showInvalid();
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
    showInvalid(error);
  }
};

// The tab asks for nothing before somebody looks at it.
new IntersectionObserver((entries, observer) => {
  if (!entries.some((entry) => entry.isIntersecting)) return;
  observer.disconnect();
  begin();
}).observe(element);
