// Asks for the report that is made when it is asked for.

element.addEventListener("click", (event) => {
  const button = event.target.closest('button[value="html"]');
  if (button) trigger("click", { format: "html" });
});
