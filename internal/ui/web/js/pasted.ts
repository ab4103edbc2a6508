// pasted prepares what comes from elsewhere: looks become the elements that say
// the same, and a list that a word processor drew becomes a list. The editor then
// keeps what it knows. No style may be parsed, in whatever document: the policy
// forbids it, and says so.
export function pasted(html: string): string {
  const doc = new DOMParser().parseFromString(quiet(html), "text/html");
  lists(doc);
  for (const el of doc.querySelectorAll<HTMLElement>("[data-style]")) {
    const style = el.dataset.style!.toLowerCase();
    el.removeAttribute("data-style");
    // Documents of Google come within a <b> that is not bold.
    if (/^(b|strong)$/.test(el.localName) && /font-weight:\s*(normal|[1-4]00)/.test(style)) {
      el.replaceWith(...el.childNodes);
      continue;
    }
    if (el.localName === "a") continue;
    for (const [look, name] of looks) {
      if (!look.test(style) || !el.textContent || !inline(el)) continue;
      const mark = doc.createElement(name);
      mark.append(...el.childNodes);
      el.append(mark);
    }
  }
  return doc.body.innerHTML;
}

const looks: [RegExp, string][] = [
  [/font-weight:\s*(bold|[6-9]00)/, "strong"],
  [/font-style:\s*italic/, "em"],
  [/text-decoration(-line)?:[^;]*underline/, "u"],
  [/text-decoration(-line)?:[^;]*line-through/, "s"],
];

const inline = (el: Element) => !el.querySelector("p, div, ul, ol, li, table, blockquote, h1, h2, h3, h4, h5, h6");

const tag = /<[a-z](?:"[^"]*"|'[^']*'|[^"'>])*>/gi;

// quiet puts aside what a parser would stumble over.
function quiet(html: string): string {
  return html.replace(/<style[\s\S]*?<\/style>/gi, "").replace(tag, (t) => t.replace(/(\s|["'])(style|on[a-z]+)(?=\s*=)/gi, "$1data-$2"));
}

function lists(doc: Document): void {
  let list: Element | null = null;
  for (const p of doc.querySelectorAll<HTMLElement>("p[data-style*='mso-list' i]")) {
    if (!/mso-list:\s*l\d/i.test(p.dataset.style!)) continue;
    const drawn = p.querySelector("[data-style*='mso-list' i]");
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
}
