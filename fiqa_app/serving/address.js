// What is shown is in the address, as #studies/12/results: Back goes back, a reload stays, and a link can be sent.
//
// The parts are read from the page: the chosen tab, then the value of a visible [data-address] and the tab chosen
// beside it. While a visible [data-address-waits] is there, a sign-in for instance, an address of its tab is left as
// it is. Runs inside Gradio, which gives `element` and `trigger`; "input" asks for the tab that the address says.

const FIRST = "score";
const isVisible = (each) => each.offsetParent !== null;
const chosen = () => [...document.querySelectorAll('#tabs [role="tab"][aria-selected="true"]')].filter(isVisible);
const said = () => decodeURIComponent(location.hash.slice(1)) || FIRST;
let going = said(); // where the address leads and the page is not yet

const shown = () => {
  const [tab, inner] = chosen().map((each) => each.dataset.tabId);
  if (!tab) return null;
  const waits = [...document.querySelectorAll("[data-address-waits]")].some(isVisible);
  if (waits) return said().split("/")[0] === tab ? null : tab;
  const part = [...document.querySelectorAll("[data-address]")].find(isVisible)?.dataset.address;
  return part ? [tab, part, inner].filter(Boolean).join("/") : tab;
};

const follow = () => {
  document.documentElement.dataset.tab = chosen()[0]?.dataset.tabId ?? "";
  const address = shown();
  if (address === null) return;
  if (going !== null) {
    if (address !== going) return;
    going = null;
  }
  if (address !== said()) history.pushState(history.state, "", `#${address}`);
};

let due = 0;
const soon = () => {
  if (due) return; // what changes together is one step
  due = setTimeout(() => {
    due = 0;
    follow();
  }, 80);
};
new MutationObserver(soon).observe(document.body, {
  subtree: true,
  childList: true,
  attributeFilter: ["aria-selected", "class", "style", "data-address"],
});

// What went wrong a moment ago says nothing of what is done now.
const closeErrors = () => {
  for (const close of document.querySelectorAll(".toast-body.error .toast-close")) close.click();
};
addEventListener("popstate", () => {
  closeErrors();
  going = said();
  trigger("input");
});
// Whoever does something goes elsewhere than the address says.
for (const kind of ["pointerdown", "keydown"])
  addEventListener(
    kind,
    () => {
      going = null;
    },
    true,
  );
addEventListener(
  "click",
  ({ target }) => {
    if (target.closest("button, [role=tab]") && !target.closest(".toast-wrap")) closeErrors();
  },
  true,
);
addEventListener(
  "keydown",
  ({ key }) => {
    if (key === "Enter") closeErrors();
  },
  true,
);
soon();
