// Sliders, seam and readings of the maps.

const chosen = { opacity: 65, seam: 0, dots: false };
const draw = () => {
  for (const stage of element.querySelectorAll(".stage")) {
    stage.style.setProperty("--opacity", chosen.opacity / 100);
    stage.style.setProperty("--seam", `${chosen.seam}%`);
    stage.classList.toggle("with-dots", chosen.dots);
    stage.querySelector(".seam").classList.toggle("at-rest", !chosen.seam);
  }
  for (const input of element.querySelectorAll(".sliders input")) {
    if (input.type === "checkbox") input.checked = chosen[input.name];
    else input.value = chosen[input.name];
  }
};
let again = false;
watch("value", () => {
  draw();
  const below = element.getBoundingClientRect().top > 0.6 * window.innerHeight;
  if (again && below && element.querySelector(".stage")) element.scrollIntoView({ behavior: "smooth" });
  again ||= element.querySelector(".stage") !== null;
});
draw();
element.addEventListener("input", (event) => {
  const input = event.target;
  if (!(input.name in chosen)) return;
  chosen[input.name] = input.type === "checkbox" ? input.checked : Number(input.value);
  draw();
});
const read = (stage, across, along) => {
  const [left, top, right, bottom] = stage.dataset.window.split(" ").map(Number);
  for (const pin of element.querySelectorAll(".pin")) pin.hidden = true;
  const pin = stage.querySelector(".pin");
  Object.assign(pin.style, { left: `${100 * across}%`, top: `${100 * along}%` });
  pin.hidden = false;
  const side = Number(stage.closest("figure").dataset.side);
  trigger("select", { side, x: left + across * (right - left), y: top + along * (bottom - top) });
};
element.addEventListener("click", (event) => {
  const save = event.target.closest("button.save");
  if (save) {
    trigger("click", { side: Number(save.closest("figure").dataset.side), format: save.value });
    return;
  }
  const stage = event.target.closest(".stage");
  if (!stage) return;
  const box = stage.getBoundingClientRect();
  read(stage, (event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
});
element.addEventListener("keydown", (event) => {
  const stage = event.target.closest(".stage");
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1], Enter: [0, 0] };
  if (!stage || !(event.key in steps)) return;
  event.preventDefault();
  const pin = stage.querySelector(".pin");
  const [across, along] = [parseFloat(pin.style.left) || 50, parseFloat(pin.style.top) || 50];
  const [dx, dy] = steps[event.key];
  const within = (share) => Math.min(0.995, Math.max(0.005, share));
  read(stage, within((across + 2 * dx) / 100), within((along + 2 * dy) / 100));
});
