// SPDX-License-Identifier: Apache-2.0
// The page is whole without it: it sorts tables, opens pictures, and unfolds all for the printer.
#include "lamella/report/page_internal.h"

namespace lamella::report {

const char* const kPageScript = R"script(
"use strict";
const valueOf = (row, k) => {
  const cell = row.cells[k];
  const text = cell.dataset.v === undefined ? cell.textContent.trim() : cell.dataset.v;
  const number = text === "-inf" ? -Infinity : Number(text);
  return text !== "" && !Number.isNaN(number) ? number : text;
};
const compare = (a, b) => {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
  return a.localeCompare(b, "en", {numeric: true});
};
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, k) => head.querySelector("button").addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of heads) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => [valueOf(row, k), row]);
    rows.sort((a, b) => (down ? -1 : 1) * compare(a[0], b[0]));
    body.append(...rows.map((pair) => pair[1]));
  }));
}
const dialog = document.querySelector("dialog");
const large = dialog.querySelector("img");
for (const button of document.querySelectorAll("button.zoom")) {
  button.addEventListener("click", () => {
    large.src = button.querySelector("img").src;
    large.alt = button.dataset.title;
    dialog.querySelector("p").textContent = button.dataset.title;
    dialog.showModal();
  });
}
dialog.addEventListener("click", (event) => {
  if (event.target === dialog || event.target.tagName === "BUTTON") dialog.close();
});
let folded = [];
addEventListener("beforeprint", () => {
  folded = [...document.querySelectorAll("details:not([open])")];
  for (const part of folded) part.open = true;
});
addEventListener("afterprint", () => {
  for (const part of folded) part.open = false;
});
)script";

}  // namespace lamella::report
