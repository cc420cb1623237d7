// Links of a study: completes their addresses, copies them, saves personal ones. PUBLIC_URL is put before it.
// Runs inside Gradio, which gives `element` and `watch`.

const LOCAL = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\]|0\.0\.0\.0)$/;
const base = PUBLIC_URL ?? location.origin + location.pathname;
const onlyHere = PUBLIC_URL === null && LOCAL.test(location.hostname);

const complete = () => {
  for (const link of element.querySelectorAll("[data-path]")) link.textContent = base + link.dataset.path;
  // A test run is tried by whoever made it, under the address that they see.
  for (const link of element.querySelectorAll("a[data-here]")) link.href = location.pathname + link.dataset.here;
  for (const hint of element.querySelectorAll("[data-only-here]")) hint.hidden = !onlyHere;
};
watch("value", complete);
complete();

const save = (name, lines) => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([`${lines.join("\r\n")}\r\n`], { type: "text/csv" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
};

element.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-do]");
  if (!button) return;
  if (button.dataset.do === "copy") {
    const link = button.parentElement.querySelector("[data-path]");
    try {
      await navigator.clipboard.writeText(link.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(link);
    }
  }
  if (button.dataset.do === "save") {
    const people = [...element.querySelectorAll("[data-person]")];
    save("links.csv", ["participant,url", ...people.map((each) => `${each.dataset.person},${each.textContent}`)]);
  }
});
