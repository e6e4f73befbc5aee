// Search, sorting and download for long tables. The page is complete without it.
"use strict";
const number = (text) => (text.startsWith("x ") ? 100 : 1) * parseFloat(text.replace(/[$,]|^x /g, ""));
const value = (text) => Number.isNaN(number(text)) ? -Infinity : number(text);
for (const table of document.querySelectorAll("table[data-csv]")) {
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
  save.addEventListener("click", async () => {
    const packed = Uint8Array.from(atob(table.dataset.csv), (letter) => letter.charCodeAt(0));
    const text = new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip")));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await text.blob());
    link.download = table.dataset.file;
    link.click();
    URL.revokeObjectURL(link.href);
  });
  heads.forEach((head, place) => {
    const button = document.createElement("button");
    const isText = head.align === "left";
    const compare = (a, b) => isText ? a.localeCompare(b) : value(a) - value(b);
    button.type = "button"; button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const descending = head.getAttribute("aria-sort") === "descending" || (!head.hasAttribute("aria-sort") && isText);
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", descending ? "ascending" : "descending");
      rows.sort((a, b) => (descending ? 1 : -1) * compare(a.cells[place].textContent, b.cells[place].textContent));
      body.append(...rows);
    });
  });
}
