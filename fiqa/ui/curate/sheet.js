// Puts every small picture below its verdict. Runs in the summary and in the sheet, whichever comes last.

const sort = () => {
  const told = document.querySelector("#curate-summary .verdicts");
  const sheet = document.querySelector("#curate-sheet .sheet");
  if (!told || !sheet) return;
  const verdicts = JSON.parse(told.dataset.verdicts);
  const items = [...sheet.querySelectorAll("li[data-index]")].sort((a, b) => a.dataset.place - b.dataset.place);
  if (items.some((item) => !verdicts[item.dataset.index])) return; // of other photos
  for (const item of items) {
    const [verdict, reason] = verdicts[item.dataset.index];
    item.querySelector(".why").textContent = reason;
    sheet.querySelector(`[data-verdict="${verdict}"] ul`).append(item);
  }
  for (const section of sheet.querySelectorAll("section")) {
    const count = section.querySelectorAll("li").length;
    section.hidden = !count;
    section.querySelector("h3 span").textContent = count;
  }
};
watch("value", () => requestAnimationFrame(sort));
requestAnimationFrame(sort);
