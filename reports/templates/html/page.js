// The page: choices kept in the address, controls, keys, theme and print.

const root = document.documentElement;
root.classList.add("js");

const SELECTS = ["rule", "outcome", "org", "project", "control", "waiver", "owner"];
const KEYS = ["q", "severity", "disposition", ...SELECTS, "group", "sort", "page", "open"];

const fragment = () => {
  const standard = initial();
  const chosen = new URLSearchParams();
  for (const key of KEYS) {
    const value = String(state[key]);
    if (value !== String(standard[key])) chosen.set(key, value);
  }
  return chosen.toString();
};

// Read the state from an address; null where its fragment is a plain anchor or empty.
const fromFragment = (hash) => {
  const given = new URLSearchParams(hash.replace(/^#/u, ""));
  if (!KEYS.some((key) => given.has(key))) return null;
  const read = initial();
  for (const key of ["q", ...SELECTS]) read[key] = given.get(key) ?? "";
  // Its own alone: every object has a `constructor`, and an address may name it.
  if (Object.hasOwn(GROUPS, given.get("group") ?? "")) read.group = given.get("group");
  read.severity = SEVERITIES.filter((word) => (given.get("severity") ?? "").split(",").includes(word));
  const disposition = given.get("disposition");
  if (disposition === "all" || DISPOSITIONS.includes(disposition)) read.disposition = disposition;
  const sort = given.get("sort") ?? "";
  if (/^-?(?:severity|rule|name|project|outcome)$/u.test(sort)) read.sort = sort;
  const whole = (key, low, high) => {
    const value = Number.parseInt(given.get(key) ?? "", 10);
    return value >= low && value <= high ? value : read[key];
  };
  read.page = whole("page", 1, Math.ceil(total / PAGE));
  read.open = whole("open", 0, total - 1);
  return read;
};

let fittingNow = [];

const drawCounts = (counts) => {
  const put = (group, values, numbers) => {
    for (const label of document.querySelectorAll(`#${group} [data-count]`)) {
      const at = values.indexOf(label.dataset.count);
      const value = at === -1 ? numbers.reduce((sum, one) => sum + one, 0) : numbers[at];
      label.textContent = number(value);
      label.closest("label").classList.toggle("zero", value === 0);
    }
  };
  put("severity", SEVERITIES, counts[0]);
  put("disposition", DISPOSITIONS, counts[1]);
};

// There may be hundreds of projects to choose from: their counts wait until nobody else does.
const whenIdle = window.requestIdleCallback ?? ((work) => setTimeout(work, 200));
const dropIdle = window.cancelIdleCallback ?? clearTimeout;
let optionCounts = 0;
const drawOptionCounts = (counts) => {
  dropIdle(optionCounts);
  optionCounts = whenIdle(() => putOptionCounts(counts), { timeout: 2000 });
};

const MAX_COUNTED = 500;
const putOptionCounts = (counts) => {
  const numbers = {
    outcome: counts[2],
    rule: counts[3],
    org: counts[4],
    project: counts[5],
    waiver: counts[6],
    owner: counts[7],
  };
  for (const key of Object.keys(numbers)) {
    const options = byId(key).querySelectorAll("option[data-at]");
    if (options.length > MAX_COUNTED) continue;
    for (const option of options) {
      const value = numbers[key][option.dataset.at];
      const text = `${option.dataset.text} (${number(value)})`;
      if (option.textContent !== text) option.textContent = text;
    }
  }
};

const FILTERS = ["q", "severity", "disposition", ...SELECTS];
const isNarrowed = () => {
  const standard = initial();
  return FILTERS.some((key) => String(state[key]) !== String(standard[key]));
};

const drawControls = () => {
  byId("q").value = state.q;
  for (const box of document.querySelectorAll("#severity input")) box.checked = state.severity.includes(box.value);
  for (const radio of document.querySelectorAll("#disposition input")) radio.checked = state.disposition === radio.value;
  for (const key of SELECTS) {
    byId(key).value = state[key];
    byId(key).classList.toggle("chosen", state[key] !== "");
  }
  byId("group").value = state.group;
  byId("group").classList.toggle("chosen", state.group !== "");
  byId("clear").hidden = !isNarrowed();
};

const pageRows = () => fittingNow.subarray((state.page - 1) * PAGE, state.page * PAGE);

let announcement = 0;
const announce = (text) => {
  clearTimeout(announcement);
  announcement = setTimeout(() => {
    byId("live").textContent = text;
  }, 400);
};

// With a group chosen, the table of findings gives way to one of groups.
const drawGroups = ({ fits, fitting }) => {
  const wanted = state.group !== "";
  byId("grouped").hidden = !wanted || fitting === 0;
  byId("listed").hidden = wanted;
  if (!wanted) return;
  const found = grouped(state.group, (row) => fits[row] === 1);
  byId("grouped").replaceChildren(...groupTable(state.group, found, fragment(), MOST_GROUPS));
};

const drawPage = () => {
  state.page = Math.min(state.page, pages(fittingNow.length));
  drawRows(pageRows());
  drawPagers(fittingNow.length);
  const first = (state.page - 1) * PAGE + 1;
  const last = Math.min(state.page * PAGE, fittingNow.length);
  byId("shown").textContent =
    fittingNow.length === 0
      ? "No finding"
      : fittingNow.length <= PAGE
        ? plural(fittingNow.length, "finding")
        : `${number(first)}\u2013${number(last)} of ${plural(fittingNow.length, "finding")}`;
  byId("none").hidden = fittingNow.length !== 0;
  document.querySelector("table.findings").hidden = fittingNow.length === 0;
  // Replaced, not pushed: Back leaves the report instead of undoing a search letter by letter.
  const chosen = fragment();
  if (chosen !== "" || fromFragment(location.hash) !== null) {
    history.replaceState(null, "", chosen === "" ? "#findings" : `#${chosen}`);
  }
};

const drawAll = () => {
  performance.mark("filter-start");
  const result = filter();
  fittingNow = fittingRows(result);
  if (state.open !== -1) {
    // An address may name a finding: show its page, or forget it where the filters hide it.
    const at = fittingNow.indexOf(state.open);
    if (at === -1) state.open = -1;
    else state.page = Math.floor(at / PAGE) + 1;
  }
  drawControls();
  drawHeads();
  drawPage();
  drawGroups(result);
  drawCounts(result.counts);
  drawOptionCounts(result.counts);
  announce(plural(fittingNow.length, "finding"));
  performance.measure("filter", "filter-start");
};

const change = (changes) => {
  state = { ...state, page: 1, open: -1, ...changes };
  drawAll();
};

const clearFilters = () => {
  change({ ...initial(), sort: state.sort });
  byId("q").focus();
};

const toggleDetail = (row) => {
  const line = document.querySelector(`tr[data-row="${row}"]`);
  const wasOpen = state.open === row;
  for (const opened of document.querySelectorAll("tr.detail-row")) opened.remove();
  for (const opened of document.querySelectorAll("tr.opened")) {
    opened.classList.remove("opened");
    opened.querySelector("button.open").setAttribute("aria-expanded", "false");
  }
  state.open = wasOpen ? -1 : row;
  if (!wasOpen) {
    line.classList.add("opened");
    line.querySelector("button.open").setAttribute("aria-expanded", "true");
    line.after(detailRow(row));
  }
  const chosen = fragment();
  history.replaceState(null, "", chosen === "" ? "#findings" : `#${chosen}`);
};

const listen = () => {
  byId("q").addEventListener("input", () => change({ q: byId("q").value }));
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  byId("severity").addEventListener("change", () => {
    const boxes = [...document.querySelectorAll("#severity input:checked")];
    change({ severity: boxes.map((box) => box.value) });
  });
  byId("disposition").addEventListener("change", (event) => change({ disposition: event.target.value }));
  for (const key of SELECTS) byId(key).addEventListener("change", () => change({ [key]: byId(key).value }));
  byId("group").addEventListener("change", () => change({ group: byId("group").value }));
  byId("export").addEventListener("click", exportCsv);
  for (const button of document.querySelectorAll("#clear, [data-clear]")) button.addEventListener("click", clearFilters);
  for (const head of document.querySelectorAll("th[data-sort]")) {
    head.querySelector("button").addEventListener("click", () => {
      const column = head.dataset.sort;
      change({ sort: state.sort === column ? `-${column}` : column });
    });
  }
  for (const pager of document.querySelectorAll("[data-pager]")) {
    pager.addEventListener("click", (event) => {
      const button = event.target.closest("[data-page]");
      if (button === null) return;
      state.page = Number(button.dataset.page);
      state.open = -1;
      drawPage();
      announce(`Page ${number(state.page)}`);
      byId("findings").scrollIntoView();
      byId("findings").focus({ preventScroll: true });
    });
  }
  byId("rows").addEventListener("click", (event) => {
    const line = event.target.closest("tr[data-row]");
    // A click that ends a selection of text is not meant to open anything.
    if (line === null || String(getSelection()) !== "") return;
    toggleDetail(Number(line.dataset.row));
  });
  addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, select, textarea") ?? null;
    if (event.key === "/" && typing === null && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      byId("q").focus();
    }
  });
  addEventListener("hashchange", () => {
    const read = fromFragment(location.hash);
    if (read === null) return;
    state = read;
    drawAll();
    byId("findings").scrollIntoView();
    byId("findings").focus({ preventScroll: true });
  });
  addEventListener("beforeprint", () => {
    const wanted = printedRows();
    const shown = wanted.subarray(0, PRINTED);
    drawRows(shown, printedRow);
    byId("remedies").replaceChildren(...printedRules(shown));
    byId("shown").textContent = printedTold(shown.length, wanted);
  });
  addEventListener("afterprint", () => {
    byId("remedies").replaceChildren();
    drawPage();
  });
};

// The theme that was chosen, or else the system's. Storage may be closed to local files.
const stored = (change) => {
  try {
    return change(localStorage);
  } catch {
    return null;
  }
};
const theme = stored((storage) => storage.getItem("keypolicy-theme"));
if (theme === "light" || theme === "dark") root.dataset.theme = theme;
byId("theme").addEventListener("click", () => {
  const dark = root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  stored((storage) => storage.setItem("keypolicy-theme", root.dataset.theme));
});

if (byId("filters") !== null) {
  fillSelects();
  drawChart("project");
  drawChart("owner");
  drawCovers();
  listen();
  const read = fromFragment(location.hash);
  if (read !== null) state = read;
  drawAll();
  if (read !== null) byId("findings").scrollIntoView();
}
performance.mark("ready");
