"use strict";
// Comfort only: everything is readable without this script. The form narrows every list, headings sort them.
const PART = 100; // rows of a part: what is off the screen is not laid out
const form = document.querySelector("form.narrow");
const order = new Intl.Collator("en", { numeric: true });

class List {
  constructor(table) {
    this.table = table;
    this.heads = [...table.tHead.rows[0].cells];
    this.keys = this.heads.map((head) => head.dataset.key);
    this.rows = [...table.querySelectorAll("tbody tr")].map((element) => ({ element, text: "" }));
    this.heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      head.replaceChildren(button);
      button.addEventListener("click", () => this.sort(head, column));
    });
  }

  sort(head, column) {
    const way = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    for (const other of this.heads) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", way > 0 ? "ascending" : "descending");
    const values = new Map(this.rows.map((row) => [row, row.element.cells[column].textContent]));
    this.rows.sort((one, other) => way * order.compare(values.get(one), values.get(other)));
    this.narrow();
  }

  // Show what every field of the form allows; a field says nothing about a list without its column.
  narrow() {
    const text = form.elements.text.value.trim().toLowerCase();
    const wanted = [...form.elements].filter((field) => field.localName === "select" && field.value !== "");
    const fields = wanted.map((field) => [this.keys.indexOf(field.name), field.value]).filter((pair) => pair[0] >= 0);
    const shown = this.rows.filter((row) => {
      for (const [column, value] of fields) {
        const said = row.element.cells[column].textContent.trim();
        if (said !== value && !` ${said} `.includes(` ${value} `)) return false;
      }
      return text === "" || (row.text ||= row.element.textContent.toLowerCase()).includes(text);
    });
    for (const body of [...this.table.tBodies]) body.remove();
    for (let start = 0; start < shown.length; start += PART) {
      const body = document.createElement("tbody");
      body.append(...shown.slice(start, start + PART).map((row) => row.element));
      this.table.append(body);
    }
    return shown.length;
  }
}

const lists = [...document.querySelectorAll("table.list")].map((table) => new List(table));
const narrow = () => {
  const counts = lists.map((list) => list.narrow());
  const isNarrow = [...form.elements].some((field) => field.value !== "");
  const models = lists.at(-1).rows.length;
  form.querySelector(".found").textContent = isNarrow ? `${counts.at(-1)} of ${models} verdicts` : "";
};
form.hidden = false;
let waiting;
form.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(narrow, 120); });
form.addEventListener("submit", (event) => event.preventDefault());
if ([...form.elements].some((field) => field.value !== "")) narrow(); // a browser may fill a form again
