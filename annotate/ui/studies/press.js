// Hands what a button asks for (its data-…) to the event of the element it is in.

element.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-do]");
  if (button) trigger("click", { ...button.dataset });
});
