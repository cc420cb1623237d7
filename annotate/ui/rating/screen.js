// The screen check: room for the pictures, dark and light patches, and sight where the study asks for it.

const NINE_IN_A_ROW_PX = 1250; // of the window; in a narrower one they take two rows
const SECOND_ROW_PX = 52;

// Room for the picture beside everything else in the rating room, in pixels of the screen; `window_px` in those of CSS.
const around = ([width]) => {
  const isBeside = isSeveral() && width >= SIDE_FROM_PX;
  const caption = isPaired() ? CAPTION_PX : 0;
  if (isBeside) return [32 + SIDE_PX, 60 + caption];
  if (isSeveral()) return [32, rowsPx() + caption + (study.method.reasons.length ? REASONS_PX : 0)];
  const secondRow = study.scale.grades.length > 5 && width < NINE_IN_A_ROW_PX ? SECOND_ROW_PX : 0;
  const [across, below] = width < 640 ? [16, isPreference() ? 284 : 384] : [32, 210 + secondRow];
  return [across, below + caption + (study.method.reasons.length ? REASONS_PX : 0)];
};
const room = (window_px = [innerWidth, innerHeight]) =>
  window_px.map((side, index) => Math.floor((side - around(window_px)[index]) * devicePixelRatio));
const fits = (window_px) => study.width_px <= room(window_px)[0] && study.height_px <= room(window_px)[1];
// The shorter side, in pixels of CSS: it is the same whichever way a phone is held.
const isLargeEnough = () => Math.min(screen.width, screen.height) >= study.min_screen_side_px;
const couldFit = ([width, height]) => fits([width, height]) || fits([height, width]); // turned

const patches = (name, background, levels) => {
  const row = make(
    "div",
    { class: "patches", style: `background: rgb(${background}, ${background}, ${background})`, "aria-hidden": "true" },
    ...levels.map((level) => make("i", { style: `background: rgb(${level}, ${level}, ${level})` })),
  );
  const choice = make(
    "select",
    { id: `patches-${name}` },
    make("option", { value: "" }, t("choose")),
    ...levels.map((_, index) => make("option", { value: index }, String(index))),
    make("option", { value: levels.length }, String(levels.length)),
  );
  return [
    make("div", { class: "patch-test" }, row, make("label", { for: `patches-${name}` }, t(`screen_${name}`)), choice),
    choice,
  ];
};

// What one choice of the screen check looks like: something drawn, a label, and options.
const ask = (drawn, name, number, options) => {
  const id = `${name}-${number}`;
  const choice = make(
    "select",
    { id },
    make("option", { value: "" }, t("choose")),
    ...options.map((option) => make("option", { value: option }, option)),
    make("option", { value: "?" }, t("sight_unclear")),
  );
  return {
    choice,
    shown: make("div", { class: "sight" }, drawn, make("label", { for: id }, t(name, { number })), choice),
  };
};

// Zoomed by the browser's menu, a window is wider outside than inside; not so on phones, and not in a frame.
const zoom = () => Math.round((100 * outerWidth) / innerWidth) / 100;
const verdictOnScreen = () => {
  const needed = `${study.width_px}×${study.height_px}`;
  const whole = [Math.max(screen.width, innerWidth), Math.max(screen.height, innerHeight)];
  if (isEnlarged()) return t("screen_enlarged");
  if (!isLargeEnough())
    return t("screen_required", { needed: study.min_screen_side_px, there: Math.min(screen.width, screen.height) });
  if (!fits() && !couldFit(whole)) return t("screen_never", { needed, there: room(whole).join("×") });
  if (!fits()) return t("screen_small", { needed, there: room().join("×") });
  return (
    t("screen_fits") +
    (Number.isInteger(devicePixelRatio * 4) ? "" : ` ${t("screen_zoom", { ratio: devicePixelRatio.toFixed(2) })}`)
  );
};

const screenPage = () => {
  const verdict = paragraph("", { class: "fit", role: "status" });
  const [darkTest, dark] = patches("dark", 0, [4, 8, 14, 22]);
  const [lightTest, light] = patches("light", 255, [251, 247, 241, 233]);
  const sight = study.sight_check ? sightCheck(ask) : null;
  const choices = [dark, light, ...(sight?.choices ?? [])];
  const measured = () => ({
    window_width_px: innerWidth,
    window_height_px: innerHeight,
    screen_width_px: screen.width,
    screen_height_px: screen.height,
    pixel_ratio: devicePixelRatio,
    zoom: zoom(),
    fits: fits(),
    dark_patches: Number(dark.value),
    light_patches: Number(light.value),
    ...sight?.found(),
  });
  const go = button(
    t("screen_button"),
    once(() => post("screen", { device, screen: measured(), passed: fits() && isLargeEnough() })),
  );
  const check = () => {
    if (!verdict.isConnected) return removeEventListener("resize", check);
    verdict.textContent = verdictOnScreen();
    const good = fits() && isLargeEnough() && !isEnlarged();
    verdict.classList.toggle("bad", !good);
    go.disabled = !(good && choices.every((choice) => choice.value));
  };
  const sightPart = sight
    ? [
        make("h3", {}, t("sight_title")),
        paragraph(t("sight_rings")),
        make("div", { class: "sights" }, ...sight.rings.map((ring) => ring.shown)),
        paragraph(t("sight_plates")),
        make("div", { class: "sights" }, ...sight.plates.map((plate) => plate.shown)),
      ]
    : [];
  page(
    "screen check",
    t("screen_title"),
    paragraph(t("screen_hint")),
    verdict,
    darkTest,
    lightTest,
    ...sightPart,
    go,
    withdrawButton(),
  );
  for (const choice of choices) choice.addEventListener("change", check);
  for (const each of [window, visualViewport].filter(Boolean)) each.addEventListener("resize", check);
  check();
};
