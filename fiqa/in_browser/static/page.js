// The page: takes a photo from a file, a drop, the clipboard or the camera, has the worker score it, shows what it says.

import { takePhotosFromCamera } from "./camera.js";
import { busyPanel, emptyPanel, problemPanel, resultPanel, wordFor } from "./panels.js";

const find = (id) => document.getElementById(id);
const [panel, state, said, photos, input] = ["panel", "state", "said", "photos", "file"].map(find);
const worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
let settings = null;
let asked = { id: 0, url: null, more: 0 };

const show = (...content) => panel.replaceChildren(...content);

// Scores the first of some files; an answer for what was asked before it is passed over.
function score(files) {
  const [file] = files;
  if (!file) return;
  if (asked.url) URL.revokeObjectURL(asked.url);
  asked = { id: asked.id + 1, url: URL.createObjectURL(file), more: files.length - 1 };
  said.textContent = "";
  show(busyPanel(file.name));
  worker.postMessage({ id: asked.id, file });
}

function answer({ id, result, problem }) {
  if (id !== asked.id) return;
  if (problem) {
    show(problemPanel(problem));
    return;
  }
  if (asked.more) result.notices.push(`One photo at a time: the first of ${asked.more + 1} was scored.`);
  show(resultPanel(result, asked.url, settings));
  const [{ score: value }] = result.faces;
  said.textContent = `Score ${value.toFixed(2)}: ${wordFor(value, settings)}.`;
}

function begin(known) {
  settings = known;
  state.textContent = "Ready. The page needs no network any more.";
  find("at-work").textContent = `At work: ${settings.checkpoint}, in this browser; fiqa ${settings.version}.`;
  if (!asked.id) show(emptyPanel(settings.words));
}

function fail(problem) {
  state.textContent = "";
  show(problemPanel(problem));
}

worker.addEventListener("message", ({ data }) => {
  if (data.ready) begin(data.settings);
  else if (data.failed) fail(data.problem);
  else if (data.total) state.textContent = `Loading… ${Math.round((100 * data.loaded) / data.total)} %`;
  else answer(data);
});
worker.addEventListener("error", () =>
  fail("This browser cannot run the page: load it again, or use a newer browser."),
);

// Fetches the example at once, so that it is there without a network too.
async function offerExample() {
  const [button, name] = [find("example"), "example.png"];
  const content = await (await fetch(name)).blob();
  button.querySelector("img").src = URL.createObjectURL(content);
  button.addEventListener("click", () => score([new File([content], name)]));
  button.disabled = false;
}

function followTheme() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  document.body.classList.toggle("dark", dark.matches);
  dark.addEventListener("change", () => document.body.classList.toggle("dark", dark.matches));
  find("theme").addEventListener("click", () => document.body.classList.toggle("dark"));
}

function takeDrops() {
  const over = (is) => photos.classList.toggle("over", is);
  addEventListener("dragover", (event) => {
    event.preventDefault();
    over(true);
  });
  addEventListener("dragleave", (event) => over(event.relatedTarget !== null));
  addEventListener("drop", (event) => {
    event.preventDefault();
    over(false);
    score(event.dataTransfer.files);
  });
}

find("choose-file").addEventListener("click", () => input.click());
input.addEventListener("change", () => {
  score([...input.files]);
  input.value = ""; // so that the same file can be chosen again
});
addEventListener("paste", (event) => score(event.clipboardData.files));
followTheme();
takeDrops();
takePhotosFromCamera((photo) => score([photo]), fail);
offerExample().catch(() => find("examples").remove());
