// Brings the card of a participant into view.

watch("value", () =>
  requestAnimationFrame(() => {
    element.querySelector(".card")?.scrollIntoView({ behavior: "smooth", block: "nearest" });
  }),
);
