// Works beside the page, so that it never hangs: loads everything once, then scores photos without any network.
//
// Says { loaded, total } while it loads, then { ready, settings }, then for each { id, file } it is sent the same id
// with { result } or { problem }.

import { decode } from "./decoding.js";
import { openNetworks } from "./networks.js";
import { PhotoError, scorePhoto } from "./scoring.js";

const prepared = prepare();

async function prepare() {
  const settings = await (await fetchFile("settings.json")).json();
  const files = await fetchAll(settings.files);
  return { settings, networks: await openNetworks(files) };
}

async function fetchFile(name) {
  const answer = await fetch(new URL(name, import.meta.url));
  if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
  return answer;
}

// Fetches files one by one; `sizes` says how many bytes each has.
async function fetchAll(sizes) {
  const total = Object.values(sizes).reduce((sum, size) => sum + size, 0);
  const files = {};
  let loaded = 0;
  for (const name of Object.keys(sizes)) {
    const chunks = [];
    for (const reader = (await fetchFile(name)).body.getReader(); ; ) {
      const { done, value } = await reader.read();
      if (done) break;
      chunks.push(value);
      loaded += value.length;
      postMessage({ loaded, total });
    }
    files[name] = await new Blob(chunks).arrayBuffer();
  }
  return files;
}

async function score(file) {
  const { settings, networks } = await prepared;
  const started = performance.now();
  const { photo, notices } = await decode(file, settings);
  const scored = await scorePhoto(photo, networks, settings);
  const size = { width: photo.width, height: photo.height };
  return { ...size, faces: scored.faces, notices: [...notices, ...scored.notices], ms: performance.now() - started };
}

const inWords = (error) =>
  error instanceof PhotoError
    ? error.message
    : `Something went wrong (${error.message}): try again, or a smaller photo.`;

let queue = prepared.then(
  ({ settings }) => postMessage({ ready: true, settings }),
  (error) => postMessage({ failed: true, problem: `The page could not be loaded (${error.message}): load it again.` }),
);

addEventListener("message", ({ data: { id, file } }) => {
  queue = queue
    .then(() => score(file))
    .then(
      (result) => postMessage({ id, result }),
      (error) => postMessage({ id, problem: inWords(error) }),
    );
});
