// From a file to pixels: upright, in sRGB, over white where it is transparent, within limits.

import { PhotoError } from "./scoring.js";

// Returns { photo, notices }; raises PhotoError for what is no photo, or too large or small to judge.
export async function decode(file, { limits, sentences }) {
  if (!file.size) throw new PhotoError(`${file.name} is empty (0 bytes).`);
  if (file.size > limits.file_bytes) {
    throw new PhotoError(`${file.name} is larger than ${limits.file_bytes / 2 ** 20} MiB; save it smaller.`);
  }
  const bitmap = await open(file);
  try {
    check(bitmap, file.name, limits);
    return read(bitmap, file.name, sentences);
  } finally {
    bitmap.close();
  }
}

async function open(file) {
  try {
    return await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    throw new PhotoError(
      `${file.name} is no photo that this browser can read: it is of another kind or damaged; use JPEG, PNG or WebP.`,
    );
  }
}

function check({ width, height }, name, limits) {
  const [short, long] = [Math.min(width, height), Math.max(width, height)];
  const size = `${name} is ${width}×${height} pixels`;
  if (short < limits.side_px) {
    throw new PhotoError(`${size}, too small to judge: each side needs at least ${limits.side_px}.`);
  }
  if (short * long > limits.pixels) {
    throw new PhotoError(`${name} has more than ${limits.pixels / 1e6} megapixels; save it smaller.`);
  }
  if (long > limits.aspect * short) {
    throw new PhotoError(`${size}, too narrow to judge: at most ${limits.aspect} times as long as wide.`);
  }
}

function read(bitmap, name, sentences) {
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  if (!context) throw new PhotoError(`${name} does not fit into this browser's memory; save it smaller.`);
  context.drawImage(bitmap, 0, 0);
  let { data } = context.getImageData(0, 0, width, height);
  const opaque = isOpaque(data);
  if (!opaque) {
    context.fillStyle = "white";
    context.fillRect(0, 0, width, height);
    context.drawImage(bitmap, 0, 0);
    data = context.getImageData(0, 0, width, height).data;
  }
  return { photo: { data, width, height }, notices: opaque ? [] : [sentences.transparent] };
}

function isOpaque(data) {
  for (let at = 3; at < data.length; at += 4) if (data[at] < 255) return false;
  return true;
}
