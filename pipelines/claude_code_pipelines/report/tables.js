// Search, sorting and download for long tables. The page is complete without it.
"use strict";
const number = (text) => { const value = Number(text.replace(/[$,%]|^x /g, "")); return text.trim() && !Number.isNaN(value) ? value : null; };
const compare = (a, b) => {
  const x = number(a), y = number(b);
  if (x !== null && y !== null) return x - y;
  if ((x === null) !== (y === null)) return x === null ? -1 : 1;
  return a.localeCompare(b);
};
const csvCell = (text) => {
  let value = text === "–" ? "" : text;
  if (number(value) !== null) value = value.replace(/[$,]/g, "");
  else if (/^[=+\-@\t\r]/.test(value)) value = "'" + value;
  return /[",\n]/.test(value) ? '"' + value.replaceAll('"', '""') + '"' : value;
};
for (const table of document.querySelectorAll("table[data-tools]")) {
  const body = table.tBodies[0], rows = [...body.rows], heads = [...table.tHead.rows[0].cells];
  const bar = document.createElement("div"), search = document.createElement("input"), count = document.createElement("span"), save = document.createElement("button");
  bar.className = "tools";
  search.type = "search"; search.placeholder = "Search"; search.setAttribute("aria-label", "Search " + heads[0].textContent);
  save.type = "button"; save.textContent = "Download CSV";
  count.setAttribute("role", "status");
  bar.append(search, count, save);
  table.parentElement.before(bar);
  search.addEventListener("input", () => {
    const wanted = search.value.trim().toLowerCase();
    let shown = 0;
    for (const row of rows) { row.hidden = wanted !== "" && !row.textContent.toLowerCase().includes(wanted); shown += !row.hidden; }
    count.textContent = wanted ? shown.toLocaleString("en") + " of " + rows.length.toLocaleString("en") : "";
  });
  save.addEventListener("click", () => {
    const lines = [table.tHead.rows[0], ...rows.filter((row) => !row.hidden), ...[...table.tBodies].slice(1).flatMap((rest) => [...rest.rows])].map((row) => [...row.cells].map((cell) => csvCell(cell.textContent)).join(","));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([lines.join("\n") + "\n"], { type: "text/csv" }));
    link.download = table.id.replace("table-", "") + ".csv";
    link.click();
    URL.revokeObjectURL(link.href);
  });
  heads.forEach((head, place) => {
    const button = document.createElement("button");
    button.type = "button"; button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const descending = head.getAttribute("aria-sort") === "descending" || (!head.hasAttribute("aria-sort") && head.className === "l");
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", descending ? "ascending" : "descending");
      rows.sort((a, b) => (descending ? 1 : -1) * compare(a.cells[place].textContent, b.cells[place].textContent));
      body.append(...rows);
    });
  });
}
