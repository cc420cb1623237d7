// Shows on the map of the atlas where the degraded face lies.

// A ring laid over the map: to have Plotly redraw all its points would take longer than the score does.
const movePoint = () => {
  const trial = element.querySelector(".trial"),
    map = document.querySelector("#atlas .js-plotly-plot");
  if (!map?._fullLayout) return;
  let ring = map.querySelector(".ring");
  if (!ring) {
    ring = map.appendChild(document.createElement("i"));
    ring.className = "ring";
    for (const event of ["plotly_afterplot", "plotly_relayouting"]) map.on(event, movePoint);
  }
  ring.hidden = !trial || trial.dataset.steps === "0";
  if (ring.hidden) return;
  const { xaxis, yaxis } = map._fullLayout;
  ring.style.left = `${xaxis._offset + xaxis.l2p(Number(trial.dataset.x))}px`;
  ring.style.top = `${yaxis._offset + yaxis.l2p(Number(trial.dataset.y))}px`;
};
watch("value", () => requestAnimationFrame(movePoint));
