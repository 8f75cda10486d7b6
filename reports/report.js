"use strict";
// Comfort only: everything is readable without this script. Search narrows the rows, headings sort them.
for (const findings of document.querySelectorAll(".findings")) {
  const label = findings.querySelector(".search");
  if (!label) continue;
  label.hidden = false;
  const field = label.querySelector("input");
  const found = findings.querySelector(".found");
  const search = () => {
    const wanted = field.value.trim().toLowerCase();
    let count = 0;
    for (const rule of findings.querySelectorAll(".rule")) {
      const named = rule.querySelector("summary").textContent.toLowerCase().includes(wanted);
      let shown = 0;
      for (const row of rule.querySelectorAll(".places tbody tr")) {
        row.hidden = !(named || row.textContent.toLowerCase().includes(wanted));
        shown += !row.hidden;
      }
      rule.hidden = shown === 0;
      count += shown;
    }
    found.hidden = wanted === "";
    found.textContent = count + (count === 1 ? " place" : " places");
  };
  let waiting;
  field.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(search, 120); });
}
for (const table of document.querySelectorAll(".places")) {
  table.querySelectorAll("thead th").forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = heading.textContent;
    heading.replaceChildren(button);
    button.addEventListener("click", () => {
      const up = heading.getAttribute("aria-sort") !== "ascending";
      for (const other of table.querySelectorAll("th[aria-sort]")) other.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", up ? "ascending" : "descending");
      const body = table.tBodies[0];
      const order = new Intl.Collator("en", { numeric: true });
      const rows = [...body.rows].map((row) => [row.cells[column].textContent, row]);
      rows.sort((one, other) => (up ? 1 : -1) * order.compare(one[0], other[0]));
      body.append(...rows.map((pair) => pair[1]));
    });
  });
}
// What is folded on the screen is open on paper, and goes to where a link points.
addEventListener("beforeprint", () => document.querySelectorAll("details:not([open])").forEach((part) => { part.open = true; part.dataset.printed = ""; }));
addEventListener("afterprint", () => document.querySelectorAll("details[data-printed]").forEach((part) => { part.open = false; delete part.dataset.printed; }));
addEventListener("hashchange", () => {
  for (let part = document.getElementById(location.hash.slice(1)); part; part = part.parentElement) if (part.localName === "details") part.open = true;
});
