// Text made harmless, and elements made without markup: nothing here parses HTML.

const byId = (id) => document.getElementById(id);

// The same characters as scanner/report/text.py: controls, bidirectional marks, invisible ones.
const UNSAFE = new RegExp(
  "[\\u0000-\\u001f\\u007f-\\u009f\\u061c\\u180e\\u200b\\u200e\\u200f\\u2028-\\u202e" +
    "\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb\\u{e0000}-\\u{e007f}]",
  "gu",
);

const clean = (text) =>
  text.replace(UNSAFE, (character) => {
    const code = character.codePointAt(0);
    return code < 0x100
      ? `\\x${code.toString(16).padStart(2, "0")}`
      : `\\u${code.toString(16).padStart(4, "0")}`;
  });

const NUMBERS = new Intl.NumberFormat("en-US");
const number = (value) => NUMBERS.format(value);

const plural = (value, noun) => `${number(value)} ${noun}${value === 1 ? "" : "s"}`;

// element("td", {class: "x"}, child, "text", ...): strings become text nodes, null is skipped.
const element = (name, attributes, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== null) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
};

// Isolated, so that a name written right to left does not reorder what stands around it.
const name = (text, attributes = {}) => element("bdi", attributes, clean(text));
