// What the rating page knows, and what the browser keeps of it. The files of this folder run one after the other as
// one script, which is given `element`; WORDING and LANGUAGES are put before them. Texts are only ever set
// as text.

const root = element.querySelector(".rate");
const query = new URLSearchParams(location.search);
const linked = document.documentElement.classList.contains("rating-only");
const LEAST_LOOK_MS = 200; // a second click of a double click must not rate the next picture
const RETRY_MS = [1000, 2000, 4000, 8000];
const TIMEOUT_MS = 20000;
const ANSWER = "fiqa-answer-";
const WITHDRAWN = "fiqa-withdrawn-";
const RETURNED = "fiqa-returned-";
const RETURN_MS = 10000; // from the end until somebody is taken back to their panel
const PROLIFIC = "https://app.prolific.com/submissions/complete?cc=";

// A test run has routes of its own, and neither the server nor the browser keeps anything of it.
const preview = query.get("preview");
const ROUTES = preview ? `rating/preview/${encodeURIComponent(preview)}` : "rating";

let token = query.get("participant") || "";
let study = null;
let step = null;
let shown = null; // the item on screen that can be answered, as `putOnStage` gives it
let staged = null; // the same, and still while its feedback is read
let busy = false;
let language = "en";
let feedback = null;
let withoutStep = null; // draws the page of somebody who is at no step: a wrong link, or all is deleted
const times = []; // seconds per picture, for the time left

// Without storage (some frames), or in a test run, only as long as the page lives.
const memory = new Map();
const inMemory = {
  get: (name) => memory.get(name) ?? null,
  set: (name, value) => memory.set(name, value),
  drop: (name) => memory.delete(name),
  names: () => [...memory.keys()],
};
const kept = preview
  ? inMemory
  : {
      get: (name) => {
        try {
          return localStorage.getItem(name) ?? memory.get(name) ?? null;
        } catch {
          return memory.get(name) ?? null;
        }
      },
      set: (name, value) => {
        try {
          localStorage.setItem(name, value);
        } catch {
          memory.set(name, value);
        }
      },
      drop: (name) => {
        memory.delete(name);
        try {
          localStorage.removeItem(name);
        } catch {
          /* nothing is kept */
        }
      },
      names: () => {
        try {
          return [...Object.keys(localStorage), ...memory.keys()];
        } catch {
          return [...memory.keys()];
        }
      },
    };
const random = () =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const device = kept.get("fiqa-device") || random();
kept.set("fiqa-device", device);
// A panel's people may share a computer; each has a place of their own.
const place = () => `fiqa-rating-${study.join_code}-${query.get("PROLIFIC_PID") || ""}`;
