// One finding opened: what was seen, why it matters, what to do.

const evidenceValue = (value) => {
  if (value === null) return element("span", { class: "muted" }, "not set");
  if (typeof value === "string") return name(value);
  return element("bdi", {}, clean(JSON.stringify(value)));
};

const evidenceList = (evidence) => {
  const entries = Object.entries(evidence);
  if (entries.length === 0) return null;
  const list = element("dl", { class: "evidence" });
  for (const [column, value] of entries) {
    list.append(
      element("div", {}, element("dt", {}, clean(column)), element("dd", {}, evidenceValue(value))),
    );
  }
  return element("section", {}, element("h4", {}, "Evidence"), list);
};

const passage = (title, text) =>
  text === "" ? null : element("section", {}, element("h4", {}, title), element("p", {}, clean(text)));

const controlList = (controls) => {
  if (controls.length === 0) return null;
  const list = element("ul", { class: "supports" });
  for (const [framework, requirements] of controls) {
    list.append(element("li", {}, `${clean(framework)}: ${clean(requirements.join(", "))}`));
  }
  return element("section", {}, element("h4", {}, "Supports"), list);
};

// Only a web address is followed, whatever the inventory says.
const pageLink = (url) => {
  if (url === null || !/^https?:\/\//u.test(url)) return null;
  return element(
    "a",
    { class: "page", href: url, target: "_blank", rel: "noopener noreferrer" },
    "Open in Sentry",
    element("span", { class: "hidden" }, " (new tab)"),
  );
};

const detailView = (row) => {
  const rule = rules[rows.rule[row]];
  const { url, evidence, fingerprint } = detail(row);
  const term = (word, ...children) =>
    element("div", {}, element("dt", {}, word), element("dd", {}, ...children));
  return element(
    "div",
    { class: "detail" },
    element("p", { class: "full" }, name(rows.message[row])),
    element(
      "div",
      { class: "columns" },
      element("div", {}, evidenceList(evidence), pageLink(url)),
      element(
        "div",
        {},
        passage("Why it matters", rule.rationale),
        passage("What to do", rule.remediation),
        controlList(rule.controls),
      ),
    ),
    element(
      "dl",
      { class: "identity" },
      term("Rule", element("code", {}, clean(ruleKey(rule)))),
      term("Resource", element("code", {}, clean(`${rule.resource} ${rows.id[row] || "(not seen)"}`))),
      term("Fingerprint", element("code", {}, clean(fingerprint))),
    ),
  );
};
