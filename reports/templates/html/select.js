// The choices of the filters: what occurs in the findings, by its text.

const fillSelects = () => {
  const fill = (key, entries) => {
    const shown = entries.filter(([value]) => value !== "");
    for (const [value, text, at] of shown) {
      byId(key).append(element("option", { value, "data-at": String(at), "data-text": clean(text) }, clean(text)));
    }
    byId(`${key}-label`).hidden = shown.length < 2;
  };
  const byText = (left, right) => (left[1] < right[1] ? -1 : 1);
  const several = new Set(rules.map((rule) => rule.policy)).size > 1;
  const used = new Set(rows.rule);
  fill(
    "rule",
    rules
      .map((rule, at) => [ruleKey(rule), several ? `${rule.title} (${rule.policy})` : rule.title, at])
      .filter(([, , at]) => used.has(at))
      .sort(byText),
  );
  fillControls();
  fill("waiver", waivers.map((id, at) => [id, id, at]));
  byId("waiver-label").hidden = waivers.length === 1;
  fill("owner", owners.map((owner, at) => [owner, owner, at]).sort(byText));
  for (const option of byId("group").querySelectorAll("option[value]")) {
    const texts = Object.hasOwn(GROUPS, option.value) ? GROUPS[option.value].texts() : [""];
    option.hidden = texts.length === 0 || (option.value === "org" && texts.length === 1);
    if (option.value === "waiver") option.hidden = waivers.length === 1;
    if (option.value === "owner") option.hidden = contacts.length === 0;
  }
  fill("outcome", OUTCOMES.map((outcome, at) => [outcome, OUTCOME_WORDS[at], at]));
  fill("org", organizations.map((slug, at) => [slug, slug, at]));
  fill(
    "project",
    places
      .map((place, at) => [place[1] === null ? "" : placeText(place), organizations.length > 1 ? placeText(place) : (place[1] ?? ""), at])
      .sort(byText),
  );
};

const fillControls = () => {
  const used = new Set([...new Set(rows.rule)].flatMap((rule) => controlsOfRule[rule]));
  const option = (at) => element("option", { value: controlKeys[at] }, clean(controls[at][2]));
  for (const title of new Set(controls.map(([, framework]) => framework))) {
    const mine = controls.map((_, at) => at).filter((at) => controls[at][1] === title && used.has(at));
    if (mine.length > 0) {
      byId("control").append(element("optgroup", { label: clean(title) }, ...mine.map(option)));
    }
  }
  byId("control-label").hidden = used.size === 0;
};
