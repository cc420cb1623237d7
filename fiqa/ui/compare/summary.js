// Brings what came out into view, and asks for the report that is made when it is asked for.

let shown = "";
watch("value", () => {
  const kind = element.querySelector(".panel")?.className ?? "";
  if (kind === shown) return; // only the progress is new
  shown = kind;
  const { top } = element.getBoundingClientRect();
  if (top < 0 || top > 0.6 * window.innerHeight) element.scrollIntoView({ behavior: "smooth" });
});
element.addEventListener("click", (event) => {
  const button = event.target.closest('button[value="html"]');
  if (button) trigger("click", { format: "html" });
});
