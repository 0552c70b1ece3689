// Findings counted by what they have in common: the groups of the table, and the charts.

const GROUPS = {
  rule: {
    word: "Rule",
    column: "rule",
    texts: () => rules.map((rule) => rule.title),
    choice: (at) => ({ rule: ruleKeys[at] }),
  },
  project: {
    word: "Project",
    column: "place",
    texts: () => placeKeys.map((text) => text || "not in a project"),
    choice: (at) => (places[at][1] === null ? { org: places[at][0] ?? "" } : { project: placeKeys[at] }),
  },
  org: {
    word: "Organization",
    column: "org",
    texts: () => organizations.map((text) => text || "not known"),
    choice: (at) => ({ org: organizations[at] }),
  },
  control: {
    word: "Requirement",
    column: "rule",
    // A finding stands under each requirement that its rule supports.
    values: (rule) => controlsOfRule[rule],
    texts: () => controls.map(([, framework, requirement]) => `${framework}: ${requirement}`),
    choice: (at) => ({ control: controlKeys[at] }),
  },
  owner: {
    word: "Owner",
    column: "owner",
    texts: () => owners,
    choice: (at) => ({ owner: owners[at] }),
  },
  waiver: {
    word: "Waiver",
    column: "waiver",
    texts: () => waivers.map((text) => text || "no waiver"),
    choice: (at) => ({ waiver: waivers[at] }),
  },
};
const MOST_GROUPS = 500;

// Return [value, findings by severity, all], the largest first.
const grouped = (group, fits) => {
  const { column, values, texts } = GROUPS[group];
  const of = rows[column];
  const counts = new Uint32Array((Math.max(-1, ...new Set(of)) + 1) * SEVERITIES.length);
  for (let row = 0; row < total; row += 1) {
    if (fits(row)) counts[of[row] * SEVERITIES.length + rows.severity[row]] += 1;
  }
  const sums = texts().map(() => new Uint32Array(SEVERITIES.length));
  for (let value = 0; value * SEVERITIES.length < counts.length; value += 1) {
    for (const at of values === undefined ? [value] : values(value)) {
      SEVERITIES.forEach((_, severity) => {
        sums[at][severity] += counts[value * SEVERITIES.length + severity];
      });
    }
  }
  return sums
    .map((by, at) => [at, by, by.reduce((sum, one) => sum + one, 0)])
    .filter(([, , all]) => all > 0)
    .sort((left, right) => right[2] - left[2] || left[0] - right[0]);
};

const SVG = "http://www.w3.org/2000/svg";
const drawing = (name, attributes, ...children) => {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
};

// The numbers that a bar draws stand beside it as text.
const groupBar = (by, most) => {
  let start = 0;
  const parts = SEVERITIES.map((severity, at) => {
    const width = (100 * by[at]) / most;
    const part = drawing("rect", { class: "ink", x: start.toFixed(3), width: width.toFixed(3), height: "4" });
    start += width;
    return drawing("g", { class: `is-${severity}` }, part);
  });
  const track = drawing("rect", { class: "track", width: "100", height: "4" });
  return drawing(
    "svg",
    { class: "bar", viewBox: "0 0 100 4", preserveAspectRatio: "none", "aria-hidden": "true" },
    track,
    ...parts,
  );
};

// An address that keeps what is chosen and adds the group.
const groupLink = (group, at, kept) => {
  const chosen = new URLSearchParams(kept);
  chosen.delete("group");
  chosen.delete("page");
  chosen.delete("open");
  for (const [key, value] of Object.entries(GROUPS[group].choice(at))) chosen.set(key, value);
  return `#${chosen}`;
};

const groupTable = (group, found, kept, limit) => {
  const texts = GROUPS[group].texts();
  const most = found.length === 0 ? 1 : found[0][2];
  const head = (text, attributes = {}) => element("th", { scope: "col", ...attributes }, text);
  const line = ([at, by, all]) =>
    element(
      "tr",
      {},
      element(
        "th",
        { scope: "row" },
        element("a", { href: groupLink(group, at, kept) }, name(texts[at])),
      ),
      element("td", { class: "wide" }, groupBar(by, most)),
      ...SEVERITIES.map((_, severity) => element("td", { class: "number severity" }, number(by[severity]))),
      element("td", { class: "number" }, number(all)),
    );
  const rest = found.length - limit;
  return [
    element(
      "table",
      { class: "plain by-group" },
      element("caption", { class: "hidden" }, `Findings by ${GROUPS[group].word.toLowerCase()}, the most first`),
      element(
        "thead",
        {},
        element(
          "tr",
          {},
          head(GROUPS[group].word),
          head("", { class: "wide", "aria-hidden": "true" }),
          ...SEVERITIES.map((severity) => head(severity, { class: "number severity" })),
          head("Findings", { class: "number" }),
        ),
      ),
      element("tbody", {}, ...found.slice(0, limit).map(line)),
    ),
    rest > 0 ? element("p", { class: "sub" }, `and ${number(rest)} more`) : null,
  ].filter((part) => part !== null);
};

const CHARTED = 10;
const drawChart = (group) => {
  const chart = byId(`by-${group}`);
  const found = grouped(group, (row) => rows.disposition[row] === 0);
  if (found.length < 2) return;
  chart.hidden = false;
  chart.querySelector(".groups").replaceChildren(...groupTable(group, found, "", CHARTED));
  if (found.length > CHARTED) {
    chart.querySelector(".sub").replaceChildren(
      element("a", { href: `#group=${group}` }, `and ${number(found.length - CHARTED)} more`),
    );
  }
};

// Where the findings of a waiver are, and what they are about.
const NAMED = 3;
const drawCovers = () => {
  for (const place of document.querySelectorAll(".covers")) {
    const at = waiverNumbers.get(place.dataset.waiver);
    if (at === undefined) continue;
    const found = new Set();
    for (let row = 0; row < total; row += 1) {
      if (rows.waiver[row] === at) found.add(placeKeys[rows.place[row]]);
    }
    const shown = [...found].filter((text) => text !== "");
    if (shown.length === 0) continue;
    const rest = shown.length > NAMED ? ` and ${number(shown.length - NAMED)} more` : "";
    place.append(" in ", ...shown.slice(0, NAMED).flatMap((text, index) => [index > 0 ? ", " : "", name(text)]), rest);
  }
};
