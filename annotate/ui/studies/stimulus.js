// Brings a panel into view whenever it shows something else. Runs inside Gradio, which gives `element` and `watch`.

watch("value", () =>
  requestAnimationFrame(() => {
    element.closest(".column")?.scrollIntoView({ behavior: "smooth", block: "nearest" });
  }),
);
