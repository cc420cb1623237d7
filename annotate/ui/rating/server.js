// Talking to the server: an answer is sent again until it is acknowledged. Pictures are fetched whole and ahead.

class Refused extends Error {
  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }
}
class Lost extends Error {} // its message is the text that says why

const wait = (ms) =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
    addEventListener("online", resolve, { once: true });
  });

const request = async (path, options) => {
  let answer;
  try {
    answer = await fetch(`${ROUTES}/${path}`, { ...options, signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (answer.ok) return options.method ? await answer.json() : await answer.blob();
  } catch {
    throw new Lost();
  }
  const { kind, error } = await answer.json().catch(() => ({}));
  if (answer.status === 429) throw new Lost("busy");
  if (answer.status >= 500 && kind) throw new Lost("unavailable_hint");
  if (answer.status >= 500 || !kind) throw new Lost(); // of a proxy on the way
  throw new Refused(kind, error);
};

const post = (action, body = {}) =>
  request(action, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ token, language, ...body }),
  });

// Repeats until the server answers. Only for what may arrive twice: answers by their key, and questions.
const insist = async (ask, banner = "offline_idle") => {
  for (let attempt = 0; ; attempt++) {
    try {
      const content = await ask();
      if (attempt) announce(t("resent"));
      showBanner("");
      return content;
    } catch (error) {
      if (!(error instanceof Lost)) {
        showBanner("");
        throw error;
      }
      showBanner(t(error.message || banner));
      await wait(RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)]);
    }
  }
};

// The pictures of an item, decoded, by its number: none is shown before all of them are here.
const pictures = new Map();
const fetchPictures = (item) => {
  if (!pictures.has(item.number)) {
    const loading = Promise.all(item.pictures.map(({ role }) => fetchPicture(item.number, role)));
    loading.catch(() => pictures.delete(item.number));
    pictures.set(item.number, loading);
  }
  return pictures.get(item.number);
};
const fetchAhead = () => {
  if (step?.upcoming) fetchPictures(step.upcoming).catch(() => {});
};
const fetchPicture = async (number, role) => {
  const options = { headers: { Authorization: `Bearer ${token}` } };
  const bytes = await insist(() => request(`picture/${number}/${role}`, options));
  const image = new Image();
  image.src = URL.createObjectURL(bytes);
  await image.decode();
  return image;
};
const forgetOthers = (numbers) => {
  for (const [number, loading] of pictures) {
    if (numbers.includes(number)) continue;
    pictures.delete(number);
    loading.then(
      (images) => {
        for (const image of images) URL.revokeObjectURL(image.src);
      },
      () => {},
    );
  }
};

// The place nearest to `at` that begins with a pixel of the screen; between two the browser would mix neighbours.
const onPixel = (at) => {
  const nearest = Array.from(
    { length: 41 },
    (_, index) => Math.round(at) + (index % 2 ? 1 : -1) * Math.ceil(index / 2),
  );
  return (
    nearest.find((place) => Math.abs(place * devicePixelRatio - Math.round(place * devicePixelRatio)) < 0.01) ?? at
  );
};
// One pixel of a picture is one of the screen, whatever the screen's pixel ratio. Where they stand is asked when all have
// their size: each would move the others, and the browser lay out the page again.
const nativeSizes = (images) => {
  for (const { style, naturalWidth, naturalHeight } of images) {
    style.width = `${naturalWidth / devicePixelRatio}px`;
    style.height = `${naturalHeight / devicePixelRatio}px`;
    style.left = style.top = "0px";
  }
  const boxes = images.map((image) => image.getBoundingClientRect());
  images.forEach(({ style }, index) => {
    const { left, top } = boxes[index];
    style.left = `${onPixel(left) - left}px`;
    style.top = `${onPixel(top) - top}px`;
  });
};
const painted = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
