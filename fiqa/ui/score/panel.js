// Brings a new result into view, and sorts its table.

watch("value", () => {
  const below = element.getBoundingClientRect().top > 0.6 * window.innerHeight;
  if (below && !element.querySelector(".empty")) element.scrollIntoView({ behavior: "smooth" });
});

const key = (row, column) => {
  const cell = row.cells[column];
  const number = parseFloat(cell.dataset.sort ?? cell.textContent);
  return column === 1 || Number.isNaN(number) ? (cell.dataset.sort ?? cell.textContent) : number;
};
element.addEventListener("click", (event) => {
  const head = event.target.closest("table.sortable th");
  if (!head) return;
  const body = head.closest("table").tBodies[0];
  const down = head.getAttribute("aria-sort") === "ascending";
  const compare = (a, b) =>
    typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
  for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  const rows = [...body.rows].sort((a, b) => compare(key(a, head.cellIndex), key(b, head.cellIndex)));
  body.append(...(down ? rows.reverse() : rows));
});
