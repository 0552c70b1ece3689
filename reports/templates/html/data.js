// The findings as columns. Rows are read at once, details when a finding is opened.

const SEVERITIES = ["critical", "high", "medium", "low"];
const OUTCOMES = ["fail", "unknown", "error"];
const OUTCOME_WORDS = ["Failed", "Unknown", "Error"];
const DISPOSITIONS = ["open", "waived", "baselined"];
const BLOCK = 1000;

const rules = JSON.parse(byId("rules-data").textContent);
const rowBlocks = [...document.querySelectorAll("script.rows-data")].map((block) =>
  JSON.parse(block.textContent),
);
const detailBlocks = [...document.querySelectorAll("script.details-data")];

const total = rowBlocks.reduce((sum, block) => sum + block.rule.length, 0);
const places = rowBlocks.flatMap((block) => block.places);

// All of one type: the loops over them stay fast only if they never meet another.
const joined = (column) => {
  const values = new Uint32Array(total);
  let start = 0;
  for (const block of rowBlocks) {
    values.set(block[column], start);
    start += block[column].length;
  }
  return values;
};

const rows = {
  rule: joined("rule"),
  outcome: joined("outcome"),
  disposition: joined("disposition"),
  place: joined("place"),
  id: rowBlocks.flatMap((block) => block.id),
  name: rowBlocks.flatMap((block) => block.name),
  message: rowBlocks.flatMap((block) => block.message),
};

// Few findings have a waiver: 0 is none, the others are numbered.
const waivers = [""];
const waiverNumbers = new Map([["", 0]]);
rows.waiver = new Uint32Array(total);
rowBlocks.forEach((block, at) => {
  for (const [place, id] of Object.entries(block.waiver)) {
    if (!waiverNumbers.has(id)) waiverNumbers.set(id, waivers.push(id) - 1);
    rows.waiver[at * BLOCK + Number(place)] = waiverNumbers.get(id);
  }
});

// Without a file of owners nobody owns anything.
const NOBODY = "(nobody)";
const contacts = rowBlocks.flatMap((block) => block.owners ?? []);
const owners = contacts.length === 0 ? [NOBODY] : contacts.map(([owner]) => owner ?? NOBODY);
rows.owner = contacts.length === 0 ? new Uint32Array(total) : joined("owner");
rowBlocks.length = 0;

// The requirements that rules support: [framework's id, its name, requirement].
const controls = [];
const controlKeys = [];
const controlsOfRule = rules.map((rule) =>
  rule.controls.flatMap(([framework, title, requirements]) =>
    requirements.map((requirement) => {
      const key = `${framework}/${requirement}`;
      const at = controlKeys.indexOf(key);
      if (at !== -1) return at;
      controls.push([framework, title, requirement]);
      return controlKeys.push(key) - 1;
    }),
  ),
);

const severityOfRule = Uint32Array.from(rules, (rule) => SEVERITIES.indexOf(rule.severity));
rows.severity = rows.rule.map((rule) => severityOfRule[rule]);

const organizations = [...new Set(places.map(([organization]) => organization ?? ""))].sort();
const organizationNumber = new Map(organizations.map((slug, index) => [slug, index]));
const organizationOfPlace = places.map(([slug]) => organizationNumber.get(slug ?? ""));
rows.org = Uint32Array.from(rows.place, (place) => organizationOfPlace[place]);

const placeText = ([organization, project]) =>
  [organization, project].filter((slug) => slug !== null).join("/");

// Link patterns are numbered over all blocks, so the blocks before one are read with it.
const details = [];
const links = [];
const detail = (row) => {
  const wanted = Math.floor(row / BLOCK);
  while (details.length <= wanted) {
    const block = JSON.parse(detailBlocks[details.length].textContent);
    links.push(...block.links);
    details.push(block);
  }
  const block = details[wanted];
  const at = row % BLOCK;
  const pattern = links[block.link[at]];
  return {
    url: pattern === null ? null : pattern.replaceAll("\u0000", () => rows.id[row]),
    evidence: block.evidence[at],
    fingerprint: block.fingerprint[at],
    firstSeen: block.first_seen[at] ?? null,
  };
};
