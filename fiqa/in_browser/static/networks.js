// The networks of the page, run by ONNX Runtime, which is compiled to WebAssembly.

import * as ort from "./runtime/ort.wasm.min.mjs";

export const NETWORKS = ["detector", "first_look", "second_look", "quality"];

// Opens the networks; `files` holds the bytes of each and of ONNX Runtime.
export async function openNetworks(files) {
  ort.env.wasm.numThreads = 1; // more need headers that not every host of static pages sends
  ort.env.wasm.wasmPaths = { mjs: new URL("./runtime/ort-wasm-simd-threaded.mjs", import.meta.url).href };
  ort.env.wasm.wasmBinary = files["runtime/ort-wasm-simd-threaded.wasm"];
  const networks = {};
  for (const name of NETWORKS) {
    const session = await ort.InferenceSession.create(new Uint8Array(files[`${name}.onnx`]), {
      executionProviders: ["wasm"],
    });
    networks[name] = (inputs) => run(session, inputs);
  }
  return networks;
}

async function run(session, inputs) {
  const results = await session.run(inputs);
  return Object.fromEntries(Object.entries(results).map(([name, { data, dims }]) => [name, { data, dims }]));
}

// Pictures of one size as a tensor (B, 3, H, W) in 0..1.
export function pictureTensor(pictures) {
  const { width, height } = pictures[0];
  const area = width * height;
  const values = new Float32Array(3 * area * pictures.length);
  pictures.forEach(({ data }, index) => {
    for (let pixel = 0, at = 3 * area * index; pixel < area; pixel++, at++) {
      for (let channel = 0; channel < 3; channel++) values[at + channel * area] = data[4 * pixel + channel] / 255;
    }
  });
  return new ort.Tensor("float32", values, [pictures.length, 3, height, width]);
}

// Landmarks of several faces as a tensor (B, 68, 2).
export const landmarkTensor = (faces) =>
  new ort.Tensor("float32", Float32Array.from(faces.flat(2)), [faces.length, faces[0].length, 2]);

// Landmarks of several faces from an output (B, 68, 2).
export function readLandmarks({ data, dims: [faces, count] }) {
  const point = (index) => [data[2 * index], data[2 * index + 1]];
  return Array.from({ length: faces }, (_, face) =>
    Array.from({ length: count }, (_, index) => point(face * count + index)),
  );
}
