// Tables of the class "sortable" get a button per heading. Numbers by value, text as people sort it, the empty last.
const text = new Intl.Collator(undefined, { numeric: true });
const order = (a, b, sign) => (a === "") - (b === "") || sign * (a - b || text.compare(a, b));
for (const table of document.querySelectorAll("table.sortable")) {
  [...table.tHead.rows[0].cells].forEach((head, at) => {
    const key = (row) => row.cells[at].dataset.key ?? row.cells[at].textContent.trim();
    const button = document.createElement("button");
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const rows = [...table.tBodies[0].rows].sort((a, b) => order(key(a), key(b), down ? -1 : 1));
      table.tBodies[0].append(...rows);
    });
  });
}
