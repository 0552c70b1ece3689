// What is chosen, and the rows that fit: one pass over number columns for a change of filter.

const FACETS = ["severity", "disposition", "outcome", "rule", "org", "place", "waiver", "owner"];
const columns = FACETS.map((facet) => rows[facet]);
const sizes = [SEVERITIES, DISPOSITIONS, OUTCOMES, rules, organizations, places, waivers, owners].map(
  (values) => values.length,
);

const initial = () => ({
  q: "",
  severity: [],
  disposition: "open",
  outcome: "",
  rule: "",
  org: "",
  project: "",
  control: "",
  waiver: "",
  owner: "",
  group: "",
  sort: "severity",
  page: 1,
  open: -1,
});
let state = initial();

const ruleKey = (rule) => `${rule.policy}/${rule.id}`;
const ruleKeys = rules.map(ruleKey);
const placeKeys = places.map(placeText);

const supports = (rule) =>
  state.control === "" || controlsOfRule[rule].some((at) => controlKeys[at] === state.control);

// For each facet and each of its values, whether it is let through (1).
const allowed = () => {
  const only = (size, fits) => Uint8Array.from({ length: size }, (_, value) => (fits(value) ? 1 : 0));
  const equal = (values, chosen) =>
    only(values.length, chosen === "" ? () => true : (value) => values[value] === chosen);
  const severities = state.severity.length === 0 ? SEVERITIES : state.severity;
  return [
    only(SEVERITIES.length, (value) => severities.includes(SEVERITIES[value])),
    equal(DISPOSITIONS, state.disposition === "all" ? "" : state.disposition),
    equal(OUTCOMES, state.outcome),
    // A requirement is a choice of rules.
    only(rules.length, (rule) => (state.rule === "" || ruleKeys[rule] === state.rule) && supports(rule)),
    equal(organizations, state.org),
    equal(placeKeys, state.project),
    equal(waivers, state.waiver),
    equal(owners, state.owner),
  ];
};

// Search: every word must occur in name, id, message or waiver, or in the rule's text, that of the
// requirements it supports, the place's or the owner's.
const haystacks = [];
const readHaystacks = (until) => {
  for (let row = haystacks.length; row < until; row += 1) {
    const waiver = waivers[rows.waiver[row]];
    haystacks.push(`${rows.name[row] ?? ""}\n${rows.id[row]}\n${rows.message[row]}\n${waiver}`.toLowerCase());
  }
};
const ruleTexts = rules.map((rule, at) =>
  [ruleKey(rule), rule.title, ...controlsOfRule[at].map((control) => controls[control].join(" "))]
    .join("\n")
    .toLowerCase(),
);
const ownerTexts = contacts.map(([owner, contact]) => `${owner ?? ""}\n${contact}`.toLowerCase());
const placeTexts = placeKeys.map((key) => key.toLowerCase());

let searched = "";
let matches = null;
const search = (text) => {
  const words = text.toLowerCase().split(/\s+/u).filter((word) => word !== "");
  const query = words.join(" ");
  if (query === searched) return matches;
  searched = query;
  if (words.length === 0) return (matches = null);
  readHaystacks(total);
  const found = new Uint8Array(total).fill(1);
  for (const word of words) {
    const inRule = Uint8Array.from(ruleTexts, (rule) => (rule.includes(word) ? 1 : 0));
    const inPlace = Uint8Array.from(placeTexts, (place) => (place.includes(word) ? 1 : 0));
    const inOwner = Uint8Array.from(ownerTexts, (owner) => (owner.includes(word) ? 1 : 0));
    for (let row = 0; row < total; row += 1) {
      if (found[row] === 0 || inOwner[rows.owner[row]] === 1 || inRule[rows.rule[row]] === 1 || inPlace[rows.place[row]] === 1) continue;
      if (!haystacks[row].includes(word)) found[row] = 0;
    }
  }
  return (matches = found);
};

// Read the texts to search while nobody waits, so that the first search is quick too.
const readAhead = (deadline) => {
  while (haystacks.length < total && deadline.timeRemaining() > 2) {
    readHaystacks(Math.min(total, haystacks.length + 500));
  }
  if (haystacks.length < total) requestIdleCallback(readAhead);
};
if ("requestIdleCallback" in window) requestIdleCallback(readAhead);

// Which rows fit, and for every facet's value how many would, were that facet left open.
const filter = () => {
  const chosen = allowed();
  const found = search(state.q);
  const counts = sizes.map((size) => new Uint32Array(size));
  const fits = new Uint8Array(total);
  let fitting = 0;
  for (let row = 0; row < total; row += 1) {
    if (found !== null && found[row] === 0) continue;
    let against = -1;
    for (let facet = 0; facet < FACETS.length; facet += 1) {
      if (chosen[facet][columns[facet][row]] === 1) continue;
      if (against !== -1) {
        against = -2;
        break;
      }
      against = facet;
    }
    if (against === -1) {
      fits[row] = 1;
      fitting += 1;
      for (let facet = 0; facet < FACETS.length; facet += 1) counts[facet][columns[facet][row]] += 1;
    } else if (against >= 0) {
      counts[against][columns[against][row]] += 1;
    }
  }
  return { fits, fitting, counts };
};

// Ranks by which rows are sorted, made when first asked for. Rows come worst first already.
const ranked = (texts) => {
  const unique = [...new Set(texts)].sort((left, right) => (left < right ? -1 : 1));
  const rank = new Map(unique.map((text, index) => [text, index]));
  return texts.map((text) => rank.get(text));
};
const RANKS = {
  rule: () => {
    const rank = ranked(rules.map((rule) => rule.title.toLowerCase()));
    return Float64Array.from(rows.rule, (rule) => rank[rule]);
  },
  name: () => Float64Array.from(ranked(rows.name.map((text, row) => (text ?? rows.id[row]).toLowerCase()))),
  project: () => {
    const rank = ranked(placeTexts);
    return Float64Array.from(rows.place, (place) => rank[place]);
  },
  outcome: () => Float64Array.from(rows.outcome),
};

const orders = new Map();
const order = (column) => {
  if (!orders.has(column)) {
    const made = Float64Array.from({ length: total }, (_, row) => row);
    if (column !== "severity") {
      // Rank and row in one number: a plain numeric sort is then stable and fast.
      const rank = RANKS[column]();
      for (let row = 0; row < total; row += 1) made[row] += rank[row] * total;
      made.sort();
      for (let row = 0; row < total; row += 1) made[row] %= total;
    }
    orders.set(column, made);
  }
  return orders.get(column);
};

const fittingRows = ({ fits, fitting }) => {
  const falling = state.sort.startsWith("-");
  const all = order(falling ? state.sort.slice(1) : state.sort);
  const result = new Uint32Array(fitting);
  let at = 0;
  for (let index = 0; index < total; index += 1) {
    const row = all[falling ? total - 1 - index : index];
    if (fits[row] === 1) result[at++] = row;
  }
  return result;
};
