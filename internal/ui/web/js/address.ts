// address completes what a person types for a link: "www.exemple.fr", a mail, a
// telephone, a path of this site. "" is for what leads nowhere.
export function address(typed: string): string {
  let s = typed.trim();
  if (/^\+?[0-9][0-9 .()-]{5,}$/.test(s)) return `tel:${s.replace(/[^+0-9]/g, "")}`;
  if (/^[^\s@:/]+@[^\s@:/]+\.[a-z]{2,}$/i.test(s)) return `mailto:${s}`;
  if (!/^(\/|[a-z][a-z0-9+-]*:(?![0-9]))/i.test(s)) s = `https://${s}`;
  try {
    decodeURI(s);
    if (!allowed(s)) return "";
    // A lone word is no name of a site.
    if (/^https?:/i.test(s) && !/[^.]\.[^.]/.test(new URL(s).hostname)) return "";
  } catch {
    return "";
  }
  return s;
}

// allowed says whether the server keeps a link to it: see richtext.
export function allowed(url: string): boolean {
  return /^(https?:\/\/[^\s\\]+|mailto:[^\s]+|tel:[^\s]+|\/([^/\\\s][^\s\\]*)?)$/i.test(url);
}
