// The table of findings: one page of rows at a time.

const PAGE = 50;

const cell = (title, className, ...children) =>
  element("td", { role: "cell", class: className, "data-title": title }, ...children);

const resourceName = (row) => {
  if (rows.name[row] !== null && rows.name[row] !== "") return name(rows.name[row]);
  if (rows.id[row] !== "") return element("code", {}, clean(rows.id[row]));
  return element("span", { class: "muted" }, `unseen part of ${rules[rows.rule[row]].resource}`);
};

const outcomeCell = (row) => {
  const outcome = OUTCOMES[rows.outcome[row]];
  const disposition = DISPOSITIONS[rows.disposition[row]];
  return cell(
    "Outcome",
    "c-outcome",
    element("span", { class: `outcome is-${outcome}` }, OUTCOME_WORDS[rows.outcome[row]]),
    disposition === "open" ? null : element("span", { class: "sub" }, disposition),
  );
};

const rowView = (row) => {
  const rule = rules[rows.rule[row]];
  const [organization, project] = places[rows.place[row]];
  const open = state.open === row;
  const toggle = element(
    "button",
    { type: "button", class: "open", "aria-expanded": String(open), "aria-controls": `detail-${row}` },
    name(rows.message[row] || rule.title),
  );
  return element(
    "tr",
    { role: "row", "data-row": String(row), class: open ? "opened" : null },
    cell("Severity", "c-severity", element("span", { class: `badge is-${rule.severity}` }, rule.severity)),
    cell("Finding", "c-rule", toggle, element("span", { class: "sub" }, clean(rule.title))),
    cell(
      "Resource",
      "c-name",
      resourceName(row),
      rows.name[row] && rows.id[row]
        ? element("span", { class: "sub" }, element("code", {}, clean(rows.id[row])))
        : null,
    ),
    cell(
      "Project",
      "c-project",
      project === null ? element("span", { class: "muted" }, "-") : name(project),
      organization === null ? null : name(organization, { class: "sub" }),
    ),
    outcomeCell(row),
  );
};

const detailRow = (row) =>
  element(
    "tr",
    { role: "row", class: "detail-row", id: `detail-${row}` },
    element("td", { role: "cell", colspan: "5" }, detailView(row)),
  );

const drawRows = (shown, detailed = detailRow) => {
  const body = document.createDocumentFragment();
  for (const row of shown) {
    body.append(rowView(row));
    if (detailed !== detailRow || state.open === row) body.append(detailed(row));
  }
  byId("rows").replaceChildren(body);
};

const pages = (fitting) => Math.max(1, Math.ceil(fitting / PAGE));

const drawPagers = (fitting) => {
  const last = pages(fitting);
  for (const pager of document.querySelectorAll("[data-pager]")) {
    pager.hidden = last === 1;
    const button = (word, page, mark) =>
      element(
        "button",
        { type: "button", class: "quiet", "data-page": String(page), "aria-label": word, disabled: page < 1 || page > last || page === state.page },
        mark,
      );
    pager.replaceChildren(
      button("First page", 1, "\u00ab"),
      button("Previous page", state.page - 1, "\u2039"),
      element("span", {}, `Page ${number(state.page)} of ${number(last)}`),
      button("Next page", state.page + 1, "\u203a"),
      button("Last page", last, "\u00bb"),
    );
  }
};

const drawHeads = () => {
  const falling = state.sort.startsWith("-");
  const column = falling ? state.sort.slice(1) : state.sort;
  for (const head of document.querySelectorAll("th[data-sort]")) {
    // Severity comes worst first, which is its falling order.
    const descends = column === "severity" ? !falling : falling;
    const value = head.dataset.sort !== column ? "none" : descends ? "descending" : "ascending";
    head.setAttribute("aria-sort", value);
  }
};
