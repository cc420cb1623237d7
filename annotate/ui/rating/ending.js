// Withdrawing, breaks, waiting, and the end.

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
    tOfMethod("finish_title"),
    paragraph(t("finish_hint")),
    make("div", { class: "choices" }, finishButton(), ...[undoButton()].filter(Boolean)),
  );

// The owner sees who has not taken their code; nothing depends on it, so it is sent once, even as the page is left.
const takeCode = () =>
  navigator.sendBeacon(
    `${ROUTES}/take-code`,
    new Blob([JSON.stringify({ token, language })], { type: "application/json" }),
  );
// Who came from a panel goes back to it with the code: by the link or, where nothing else is left to do, by itself,
// once, unless they stop it.
const wayBack = () => {
  const participant = query.get("PROLIFIC_PID");
  if (!step.completion_code || !participant) return [];
  const href = `${PROLIFIC}${encodeURIComponent(step.completion_code)}`;
  const link = make("a", { class: "main", onclick: takeCode, href }, t("to_panel"));
  const known = `${RETURNED}${participant}-${step.completion_code}`;
  return step.can_start_another || kept.get(known) ? [link] : [link, countdown(known, link)];
};
const countdown = (known, link) => {
  const said = paragraph("", { role: "timer" });
  const stop = () => {
    kept.set(known, "yes");
    waiting.remove();
    link.focus();
  };
  const waiting = make("div", { class: "choices returning" }, said, button(t("stay"), stop, { class: "plain" }));
  const until = performance.now() + RETURN_MS;
  const count = () => {
    const left = Math.max(0, Math.ceil((until - performance.now()) / 1000));
    said.textContent = t("returning", { seconds: left });
    if (left) return setTimeout(() => waiting.isConnected && count(), 250);
    kept.set(known, "yes");
    takeCode();
    location.assign(link.href);
  };
  count();
  return waiting;
};
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
        tOfMethod("another"),
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
  page(
    "end",
    t("end_title"),
    paragraph(tOfMethod("end_hint", step)),
    code,
    ...wayBack(),
    make("div", { class: "choices" }, ...[another, again].filter(Boolean)),
    withdrawButton(),
  );
};

const CLOSED = { over: ["over_title", "over_hint"], full: ["full_title", "full_hint"] };
const closedPage = () => {
  const [title, hint] = CLOSED[step.refusal] ?? ["closed_title", "closed_hint"];
  page("closed", t(title), paragraph(t(hint)), step.can_finish ? finishButton() : null);
};
