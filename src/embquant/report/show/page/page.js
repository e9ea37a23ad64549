// Sorting, filtering, copying and saving of a page that is loaded once and asks for nothing more.
"use strict";

const key = (row, column) => row.cells[column].dataset.key ?? row.cells[column].textContent;

// Numbers by value, texts as a reader would order them; what is missing comes last, whichever way.
function compare(one, other, numeric, direction) {
  if (one === "" || other === "") return (one === "") - (other === "");
  return direction * (numeric ? one - other : one.localeCompare(other, "en", { numeric: true }));
}

function sort(table, column) {
  const headers = [...table.tHead.rows[0].cells];
  const header = headers[column];
  const numeric = header.classList.contains("number");
  const next = header.ariaSort === "ascending" ? "descending" : "ascending";
  headers.forEach((other) => { other.ariaSort = "none"; });
  header.ariaSort = next;
  const direction = next === "ascending" ? 1 : -1;
  const body = table.tBodies[0];
  const rows = [...body.rows];
  rows.sort((one, other) => compare(key(one, column), key(other, column), numeric, direction));
  body.append(...rows);
}

function filter(part) {
  const words = part.querySelector("input").value.toLowerCase().split(/\s+/).filter(Boolean);
  const chosen = [...part.querySelectorAll("select")].filter((select) => select.value !== "");
  const rows = [...part.querySelector("tbody").rows];
  let shown = 0;
  for (const row of rows) {
    const text = row.textContent.toLowerCase();
    const fits = chosen.every((select) => row.cells[select.dataset.column].textContent === select.value)
      && words.every((word) => text.includes(word));
    row.hidden = !fits;
    shown += fits;
  }
  part.querySelector(".count").textContent = `${shown} of ${rows.length} rows`;
}

function save(part, name) {
  const rows = [...part.querySelectorAll("tr")].filter((row) => !row.hidden);
  const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const lines = rows.map((row) => [...row.cells].map((cell) => quoted(cell.textContent.trim())).join(","));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([lines.join("\n") + "\n"], { type: "text/csv" }));
  link.download = `${name}.csv`;
  link.click();
  URL.revokeObjectURL(link.href);
}

async function copy(button) {
  const from = document.getElementById(button.dataset.from);
  try {
    await navigator.clipboard.writeText(from.textContent);
    button.textContent = "copied";
  } catch {
    getSelection().selectAllChildren(from); // where a file may not use the clipboard, the reader's keys still may
    button.textContent = "selected";
  }
}

for (const part of document.querySelectorAll(".table")) {
  part.querySelectorAll("th button").forEach((button, column) => {
    button.addEventListener("click", () => sort(part.querySelector("table"), column));
  });
  for (const changed of ["input", "change"]) {
    part.querySelector(".controls").addEventListener(changed, () => filter(part));
  }
  part.querySelector(".export").addEventListener("click", (event) => save(part, event.target.dataset.name));
  filter(part);
}
for (const button of document.querySelectorAll(".copy")) button.addEventListener("click", () => copy(button));

// Paper can't be opened.
let opened = [];
addEventListener("beforeprint", () => {
  opened = [...document.querySelectorAll("details:not([open])")];
  opened.forEach((part) => { part.open = true; });
});
addEventListener("afterprint", () => opened.forEach((part) => { part.open = false; }));
