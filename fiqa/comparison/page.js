// Examples are shown one at a time; buttons and arrow keys move between them.
for (const examples of document.querySelectorAll(".examples")) {
  const figures = [...examples.querySelectorAll("figure")];
  let shown = 0;
  const move = (step) => {
    figures[shown].hidden = true;
    shown = (shown + step + figures.length) % figures.length;
    figures[shown].hidden = false;
  };
  examples.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) move(Number(button.value));
  });
  examples.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    move(step);
  });
}
