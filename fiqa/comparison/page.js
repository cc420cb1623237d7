// Examples are shown one at a time; buttons and arrow keys move between them. Runs in the report and in the app, which
// says in `element` where its examples are.
const root = typeof element === "undefined" ? document : element;
const move = (examples, step) => {
  const figures = [...examples.querySelectorAll("figure")];
  const shown = figures.findIndex((figure) => !figure.hidden);
  figures[shown].hidden = true;
  figures[(shown + step + figures.length) % figures.length].hidden = false;
};
root.addEventListener("click", (event) => {
  const button = event.target.closest(".examples .moves button");
  if (button) move(button.closest(".examples"), Number(button.value));
});
root.addEventListener("keydown", (event) => {
  const examples = event.target.closest(".examples");
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!examples || !step) return;
  event.preventDefault();
  move(examples, step);
});
