// What a browser prints: the first findings with their evidence, and each rule's advice once.

const PRINTED = 1000;

// What nobody narrowed is printed whole, with what is waived and what is in the baseline.
const printedRows = () => {
  if (isNarrowed()) return fittingNow;
  const chosen = state;
  state = { ...state, disposition: "all" };
  const found = fittingRows(filter());
  state = chosen;
  return found;
};

const printedTold = (printed, wanted) => {
  const left = new Array(SEVERITIES.length).fill(0);
  for (const row of wanted.subarray(printed)) left[SEVERITIES.indexOf(rules[rows.rule[row]].severity)] += 1;
  const parts = SEVERITIES.map((word, at) => [left[at], word]).filter(([count]) => count > 0);
  const missing = parts.map(([count, word]) => `${number(count)} ${word}`).join(", ");
  const told =
    wanted.length < total ? `${plural(wanted.length, "finding")} chosen of ${number(total)}` : plural(total, "finding");
  return printed === wanted.length
    ? told
    : `The first ${number(printed)} of ${told}. ${number(wanted.length - printed)} are not printed (${missing}); the JSON report has all.`;
};

// On paper nothing can be opened: each finding shows its evidence there, and each rule once why it
// matters and what to do.
const printedRow = (row) => {
  const { evidence, fingerprint, firstSeen } = detail(row);
  const facts = Object.entries(evidence).map(([column, value]) =>
    element("span", {}, element("code", {}, clean(column)), " ", evidenceValue(value)),
  );
  const more = [
    ["owner", contacts[rows.owner[row]]?.[0] ?? ""],
    ["waiver", waivers[rows.waiver[row]]],
    ["first seen", (firstSeen ?? "").slice(0, 10)],
    ["fingerprint", fingerprint],
  ].filter(([, text]) => text !== "");
  facts.push(...more.map(([word, text]) => element("span", {}, `${word} `, element("code", {}, clean(text)))));
  return element(
    "tr",
    { class: "detail-row" },
    element("td", { colspan: "5" }, element("div", { class: "printed-facts" }, ...facts)),
  );
};

const printedRules = (shown) => {
  const used = [...new Set(shown.map((row) => rows.rule[row]))];
  return used.map((at) => {
    const rule = rules[at];
    return element(
      "article",
      {},
      element("h3", {}, clean(rule.title), " ", element("code", {}, clean(ruleKey(rule)))),
      passage("Why it matters", rule.rationale),
      passage("What to do", rule.remediation),
      controlList(rule.controls),
    );
  });
};
