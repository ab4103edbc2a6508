// fromWord makes lists of the paragraphs by which a word processor pastes them:
// a bullet that was drawn, in a style that says so.
export function fromWord(html: string): string {
  if (!/mso-list/i.test(html)) return html;
  const doc = new DOMParser().parseFromString(html, "text/html");
  let list: Element | null = null;
  for (const p of doc.querySelectorAll("p[style*='mso-list' i]")) {
    if (!/mso-list:\s*l\d/i.test(p.getAttribute("style")!)) continue;
    const drawn = p.querySelector("[style*='mso-list' i]");
    const kind = /^\s*[0-9a-z]{1,3}[.)]/i.test(drawn?.textContent ?? "") ? "ol" : "ul";
    drawn?.remove();
    if (!list || list.localName !== kind || list.nextElementSibling !== p) {
      list = doc.createElement(kind);
      p.before(list);
    }
    const line = doc.createElement("li");
    line.append(...p.childNodes);
    list.append(line);
    p.remove();
  }
  return doc.body.innerHTML;
}
