// Words in the participant's language, elements of a page, and messages: a banner for the connection, a line that
// screen readers speak, and what the owner says to everybody.

const t = (name, values = {}) =>
  (WORDING[language]?.[name] ?? WORDING.en[name]).replace(/\{(\w+)\}/g, (_, key) => String(values[key] ?? ""));
const hasReference = () => study.method.roles.includes("reference");
// As this study's method words it, where it has words of its own, and others with a reference.
const tOfMethod = (name, values) => {
  const own = `${name}_${study.method.name}`;
  return t(
    [hasReference() ? `${own}_reference` : own, own, name].find((each) => each in WORDING.en),
    values,
  );
};

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

const banner = make("p", { class: "banner", role: "alert", hidden: true });
const line = make("p", { class: "spoken", role: "status" });
const body = make("div", { class: "body" });
const showBanner = (message) => {
  if (banner.textContent !== message) banner.textContent = message;
  banner.hidden = !message;
};
// What the owner tells everybody who is rating; it lies over the page, so that no picture moves, until it is closed.
const notice = make("div", { class: "told", role: "status", hidden: true });
let noticeRead = "";
const showNotice = (message) => {
  notice.hidden = !message || message === noticeRead;
  if (notice.hidden || notice.firstChild?.textContent === message) return;
  notice.replaceChildren(
    make("p", {}, message),
    make(
      "button",
      {
        type: "button",
        onclick: () => {
          noticeRead = message;
          notice.hidden = true;
        },
      },
      t("close"),
    ),
  );
};
const announce = (message) => {
  line.textContent = message;
};
