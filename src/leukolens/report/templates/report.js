"use strict";
// The page is whole without this: it adds sorting and filtering only.
(() => {
  const tools = document.querySelector("[data-tools]");
  const items = [...document.querySelectorAll("[data-item]")];
  const cases = [...document.querySelectorAll("[data-case]")];
  const filter = tools.querySelector("[data-filter]");
  const search = tools.querySelector("[data-search]");
  const count = tools.querySelector("[data-count]");
  const rows = items.filter((item) => item.tagName === "TR");

  const fits = (item, kind, text) =>
    (kind === "" || item.dataset.tone === kind || (kind === "review" && item.dataset.review === "yes")) &&
    item.dataset.name.toLowerCase().includes(text);

  const apply = () => {
    const kind = filter.value;
    const text = search.value.trim().toLowerCase();
    for (const item of items) item.classList.toggle("off", !fits(item, kind, text));
    const plain = kind === "" && text === "";
    for (const one of cases) one.classList.toggle("off", !plain && !one.querySelector("[data-item]:not(.off)"));
    count.textContent = plain ? "" : rows.filter((row) => !row.classList.contains("off")).length + " of " + rows.length;
  };

  const value = (row, index, numeric) => {
    const cell = row.cells[index];
    const text = cell.dataset.value ?? cell.textContent.trim();
    return numeric ? Number(text) : text;
  };

  const sort = (table, head, index) => {
    const numeric = head.dataset.kind === "number";
    const down = head.getAttribute("aria-sort") === (numeric && index > 0 ? null : "ascending");
    const sign = down ? -1 : 1;
    const names = new Intl.Collator(undefined, { numeric: true });
    const body = table.tBodies[0];
    const keyed = [...body.rows].map((row) => [value(row, index, numeric), row]);
    keyed.sort((a, b) => sign * (numeric ? a[0] - b[0] : names.compare(a[0], b[0])));
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    body.append(...keyed.map((pair) => pair[1]));
  };

  for (const table of document.querySelectorAll("[data-sortable]")) {
    [...table.tHead.rows[0].cells].forEach((head, index) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      button.addEventListener("click", () => sort(table, head, index));
      head.replaceChildren(button);
    });
  }
  tools.addEventListener("submit", (event) => event.preventDefault());
  filter.addEventListener("change", apply);
  search.addEventListener("input", apply);
  tools.hidden = false;
  apply();
})();
