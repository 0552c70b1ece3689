// What the table shows, as a CSV file: the same rows in the same order, made on this machine.

const EXPORTED = [
  ["severity", (row) => rules[rows.rule[row]].severity],
  ["outcome", (row) => OUTCOMES[rows.outcome[row]]],
  ["disposition", (row) => DISPOSITIONS[rows.disposition[row]]],
  ["policy", (row) => rules[rows.rule[row]].policy],
  ["rule_id", (row) => rules[rows.rule[row]].id],
  ["title", (row) => rules[rows.rule[row]].title],
  ["message", (row) => rows.message[row]],
  ["organization", (row) => places[rows.place[row]][0]],
  ["project", (row) => places[rows.place[row]][1]],
  ["type", (row) => rules[rows.rule[row]].resource],
  ["id", (row) => rows.id[row]],
  ["name", (row) => rows.name[row]],
  ["waiver", (row) => waivers[rows.waiver[row]]],
  ["owner", (row) => contacts[rows.owner[row]]?.[0]],
  ["url", (row) => detail(row).url],
  ["fingerprint", (row) => detail(row).fingerprint],
];

// A spreadsheet runs a cell that begins like a formula; as in scanner/report/csv_findings.py.
const FORMULA = /^ *[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/u;
const csvCell = (value) => {
  const text = value ?? "";
  const safe = `${FORMULA.test(text) ? "'" : ""}${clean(text)}`;
  return `"${safe.replaceAll('"', '""')}"`;
};

const exportCsv = () => {
  const lines = [EXPORTED.map(([column]) => csvCell(column)).join(",")];
  for (const row of fittingNow) lines.push(EXPORTED.map(([, value]) => csvCell(value(row))).join(","));
  const blob = new Blob([`${lines.join("\r\n")}\r\n`], { type: "text/csv;charset=utf-8" });
  const address = URL.createObjectURL(blob);
  element("a", { href: address, download: "keypolicy-findings.csv" }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
};
