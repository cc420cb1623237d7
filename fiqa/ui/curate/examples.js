// Good or bad, by button or by key: G, B, S to skip, the left arrow to go back.

const KEYS = { g: "good", b: "bad", s: "skip", ArrowLeft: "back" };
// The number says which photo was seen: of two quick answers the second may come before the next photo is there.
const answer = (value) => {
  const { number } = element.querySelector(".example").dataset;
  trigger("click", { answer: value, number: Number(number) });
};

element.addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  if (button) answer(button.value);
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const shown = element.querySelector(".example");
  if (!shown || shown.offsetParent === null) return;
  // Arrows move what has the focus; letters mean nothing to a choice that was clicked.
  const busy = event.key === "ArrowLeft" ? "input, textarea" : "textarea, input:not([type=radio], [type=checkbox])";
  if (event.target.closest(busy)) return;
  const value = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!value) return;
  event.preventDefault();
  answer(value);
});
