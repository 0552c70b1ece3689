// The little Markdown that policies are written in: paragraphs, lists, bold and code. Whatever
// else there is stays text, and nothing is ever markup.

const inline = (text) =>
  text
    .split(/(`[^`]+`|\*\*[^*]+\*\*)/u)
    .filter((piece) => piece !== "")
    .map((piece) => {
      if (/^`[^`]+`$/u.test(piece)) return element("code", {}, clean(piece.slice(1, -1)));
      if (/^\*\*[^*]+\*\*$/u.test(piece)) return element("strong", {}, clean(piece.slice(2, -2)));
      return clean(piece);
    });

const ITEM = /^\s*(?:([-*])|\d{1,9}[.)])\s+(?<text>.*)$/u;

const prose = (text) => {
  const blocks = [];
  let lines = null; // the words of the paragraph or list item that is being read
  let list = null;
  const begin = (holder) => {
    lines = [];
    holder.push(lines);
  };
  for (const line of text.split(/\r?\n/u)) {
    const item = ITEM.exec(line);
    if (line.trim() === "") {
      lines = null;
    } else if (item !== null) {
      const tag = item[1] === undefined ? "ol" : "ul";
      if (list === null || list.tag !== tag) {
        list = { tag, items: [] };
        blocks.push(list);
      }
      begin(list.items);
      lines.push(item.groups.text.trim());
    } else {
      const continues = lines !== null || (list !== null && /^\s{2,}/u.test(line));
      if (!continues) list = null;
      if (lines === null) {
        if (list === null) {
          const paragraph = { tag: "p", items: [] };
          blocks.push(paragraph);
          begin(paragraph.items);
        } else {
          lines = list.items[list.items.length - 1];
        }
      }
      lines.push(line.trim());
    }
  }
  return blocks.map(({ tag, items }) => {
    const contents = items.map((words) => inline(words.join(" ")));
    if (tag === "p") return element("p", {}, ...contents[0]);
    return element(tag, {}, ...contents.map((content) => element("li", {}, ...content)));
  });
};
