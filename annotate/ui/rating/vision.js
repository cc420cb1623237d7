// The optional check of sight: Landolt rings down to a gap of one pixel, and digits in coloured dots.
// All of it is drawn here. It refuses nobody; what was recognised is stored with the sitting.

const GAPS_PX = [4, 3, 2, 1]; // of the screen; by ISO 8596 a ring is five gaps wide and its line one
const OPEN_TO = ["→", "↓", "←", "↑"];
const PLATE_PX = 168;

// Linear RGB of the dots around and within a digit. Of the last two pairs, one lies on a line of colours that
// deuteranopes confuse, the other on one of protanopes (Viénot, Brettel, Mollon 1999); the first everybody sees.
const PLATES = [
  [
    [0.1, 0.12, 0.1],
    [0.34, 0.38, 0.34],
  ],
  [
    [0.15, 0.3, 0.1],
    [0.5, 0.155, 0.11],
  ],
  [
    [0.15, 0.3, 0.1],
    [0.5, 0.256, 0.1],
  ],
];
const LIGHTER = [0.6, 0.8, 1, 1.25, 1.5]; // so that lightness alone gives no digit away

const pick = (list) => list[Math.floor(Math.random() * list.length)];
const canvasOf = (side_px) => {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = side_px;
  canvas.style.width = canvas.style.height = `${side_px / devicePixelRatio}px`;
  canvas.setAttribute("aria-hidden", "true");
  return [canvas, canvas.getContext("2d", { willReadFrequently: true })];
};

const drawRing = (gap_px, turn) => {
  const [canvas, pen] = canvasOf(7 * gap_px);
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.width);
  pen.translate(3.5 * gap_px, 3.5 * gap_px);
  pen.rotate((turn * Math.PI) / 2);
  pen.lineWidth = gap_px;
  pen.arc(0, 0, 2 * gap_px, 0, 2 * Math.PI);
  pen.stroke();
  pen.fillRect(gap_px, -gap_px / 2, 2.5 * gap_px, gap_px);
  return canvas;
};

const digitMask = (digit, side_px) => {
  const [, pen] = canvasOf(side_px);
  pen.font = `bold ${0.8 * side_px}px sans-serif`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillText(digit, side_px / 2, 0.54 * side_px);
  const { data } = pen.getImageData(0, 0, side_px, side_px);
  return (x, y) => data[4 * (Math.round(y) * side_px + Math.round(x)) + 3] > 127;
};
const encoded = (linear) =>
  `rgb(${linear.map((light) => Math.round(255 * Math.min(1, 1.055 * light ** (1 / 2.4) - 0.055))).join()})`;

const drawPlate = ([around, within], digit) => {
  const scale = devicePixelRatio;
  const side_px = Math.round(PLATE_PX * scale);
  const [canvas, pen] = canvasOf(side_px);
  const isDigit = digitMask(digit, side_px);
  const step = 9 * scale;
  for (let row = 0; row * step < side_px; row++) {
    for (let column = 0; column * step < side_px; column++) {
      const x = (column + (row % 2 ? 0.75 : 0.25) + 0.2 * Math.random()) * step;
      const y = (row + 0.4 + 0.2 * Math.random()) * step;
      if (Math.hypot(x - side_px / 2, y - side_px / 2) > 0.48 * side_px) continue;
      const lighter = pick(LIGHTER);
      pen.fillStyle = encoded((isDigit(x, y) ? within : around).map((light) => light * lighter));
      pen.beginPath();
      pen.arc(x, y, (0.34 + 0.12 * Math.random()) * step, 0, 2 * Math.PI);
      pen.fill();
    }
  }
  return canvas;
};

// Returns the elements, the choices to be made, and a function that says what was recognised.
const sightCheck = (ask) => {
  const rings = GAPS_PX.map((gap_px, index) => {
    const turn = Math.floor(Math.random() * OPEN_TO.length);
    return { gap_px, right: OPEN_TO[turn], ...ask(drawRing(gap_px, turn), "sight_ring", index + 1, OPEN_TO) };
  });
  const plates = PLATES.map((colours, index) => {
    const digit = String(2 + Math.floor(8 * Math.random()));
    return { right: digit, ...ask(drawPlate(colours, digit), "sight_plate", index + 1, [..."23456789"]) };
  });
  const isRight = (item) => item.choice.value === item.right;
  const found = () => ({
    // The finest ring up to which all were right; 0 where the coarsest was not.
    acuity_gap_px: [0, ...GAPS_PX][[...rings.map(isRight), false].indexOf(false)],
    colour_plates: plates.filter(isRight).length,
    colour_plates_shown: plates.length,
  });
  return { rings, plates, choices: [...rings, ...plates].map((item) => item.choice), found };
};
