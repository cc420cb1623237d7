// Examples are shown one at a time; buttons, arrow keys, Home and End move between them. Runs in the report and in the
// app, which says in `element` where its examples are.
const root = typeof element === "undefined" ? document : element;
const KEYS = { ArrowLeft: (at) => at - 1, ArrowRight: (at) => at + 1, Home: () => 0, End: () => -1 };
const move = (examples, to) => {
  const figures = [...examples.querySelectorAll("figure")];
  const shown = figures.findIndex((figure) => !figure.hidden);
  figures[shown].hidden = true;
  figures[(to(shown) + figures.length) % figures.length].hidden = false;
};
root.addEventListener("click", (event) => {
  const button = event.target.closest(".examples .moves button");
  if (button) move(button.closest(".examples"), (at) => at + Number(button.value));
});
root.addEventListener("keydown", (event) => {
  const examples = event.target.closest(".examples");
  const to = KEYS[event.key];
  if (!examples || !to) return;
  event.preventDefault();
  move(examples, to);
});
