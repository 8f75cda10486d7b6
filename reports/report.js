"use strict";
// Comfort only: everything is readable without this script. Search narrows the nodes.
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
        const said = named || [...row.cells].slice(0, 3).some((cell) => cell.textContent.toLowerCase().includes(wanted));
        const before = shown;
        for (const node of row.querySelectorAll("li")) {
          node.hidden = !(said || node.textContent.toLowerCase().includes(wanted));
          shown += !node.hidden;
        }
        row.hidden = shown === before;
        row.querySelector(".names").open = wanted !== "" && !row.hidden;
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
// What is folded on the screen is open on paper, and goes to where a link points.
addEventListener("beforeprint", () => document.querySelectorAll("details:not([open])").forEach((part) => { part.open = true; part.dataset.printed = ""; }));
addEventListener("afterprint", () => document.querySelectorAll("details[data-printed]").forEach((part) => { part.open = false; delete part.dataset.printed; }));
addEventListener("hashchange", () => {
  for (let part = document.getElementById(location.hash.slice(1)); part; part = part.parentElement) if (part.localName === "details") part.open = true;
});
