// Saves a file as soon as its link appears.

watch("value", () =>
  requestAnimationFrame(() => {
    const link = element.querySelector("a[download]:not([data-begun])");
    if (!link) return;
    link.dataset.begun = "";
    link.click();
  }),
);
