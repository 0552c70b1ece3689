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
  return element("section", {}, element("h3", {}, "Evidence"), list);
};

const passage = (title, text) =>
  text === ""
    ? null
    : element("section", { class: "prose" }, element("h3", {}, title), ...prose(text));

const controlList = (controls) => {
  if (controls.length === 0) return null;
  const list = element("ul", { class: "supports" });
  for (const [, framework, requirements] of controls) {
    list.append(element("li", {}, `${clean(framework)}: ${clean(requirements.join(", "))}`));
  }
  return element("section", {}, element("h3", {}, "Supports"), list);
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

// Longer messages are cut in the table's row (three lines), so the detail repeats them.
const CLAMPED = 120;

// What could not be seen has no evidence and no page: its advice then takes all the room.
const columnsOf = (facts, rule) => {
  const advice = element(
    "div",
    {},
    passage("Why it matters", rule.rationale),
    passage("What to do", rule.remediation),
    controlList(rule.controls),
  );
  return facts.length === 0 ? [advice] : [element("div", {}, ...facts), advice];
};

const ownerTerm = (term, owner) => {
  if (owner === null) return null;
  const [who, contact] = owner;
  return term("Owner", name(who ?? "nobody"), ...(contact === "" ? [] : [", ", name(contact)]));
};

const detailView = (row) => {
  const rule = rules[rows.rule[row]];
  const { url, evidence, fingerprint, firstSeen } = detail(row);
  const waiver = waivers[rows.waiver[row]];
  const facts = [evidenceList(evidence), pageLink(url)].filter((part) => part !== null);
  const disposition = DISPOSITIONS[rows.disposition[row]];
  const term = (word, ...children) =>
    element("div", {}, element("dt", {}, word), element("dd", {}, ...children));
  return element(
    "div",
    { class: "detail" },
    rows.message[row].length > CLAMPED ? element("p", { class: "full" }, name(rows.message[row])) : null,
    element("div", { class: facts.length === 0 ? null : "columns" }, ...columnsOf(facts, rule)),
    element(
      "dl",
      { class: "identity" },
      term("Rule", element("code", {}, clean(ruleKey(rule)))),
      term("Resource", element("code", {}, clean(`${rule.resource} ${rows.id[row] || "(not seen)"}`))),
      ownerTerm(term, contacts[rows.owner[row]] ?? null),
      waiver === ""
        ? null
        : term(disposition === "waived" ? "Waiver" : "Lapsed waiver", element("code", {}, clean(waiver))),
      firstSeen === null
        ? null
        : term("First seen", element("time", { datetime: firstSeen }, firstSeen.slice(0, 10))),
      term("Fingerprint", element("code", {}, clean(fingerprint))),
    ),
  );
};
