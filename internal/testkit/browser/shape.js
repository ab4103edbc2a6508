(function () {
  "use strict";
  // What the style sheets ask of an element, besides its place.
  const asked = /^(class|role|type|hidden|disabled|checked|open|aria-(current|invalid|pressed|selected|checked|expanded|disabled)|data-(state|lecture|theme)|tabindex)$/;
  const own = (e) =>
    e.tagName +
    Array.from(e.attributes).filter((a) => asked.test(a.name)).map((a) => "[" + a.name + "=" + a.value + "]").join("") +
    (e.checked ? ":checked" : "") +
    (e.tagName === "LABEL" && e.matches(":has(:checked)") ? ":has" : "");
  // An element and all that it holds, without the words. Brothers of one shape
  // count once.
  const shape = (e, not) => {
    if (e === not) return "";
    let last = "", all = "";
    for (const c of e.children) {
      const s = shape(c, not);
      if (s !== last) all += s;
      last = s;
    }
    return own(e) + "{" + all + "}";
  };
  const hash = (s) => {
    let a = 0x811c9dc5, b = 0x1234567;
    for (let i = 0; i < s.length; i++) {
      a = Math.imul(a ^ s.charCodeAt(i), 0x01000193);
      b = Math.imul(b ^ s.charCodeAt(i), 0x85ebca6b) ^ (b >>> 13);
    }
    return (a >>> 0).toString(36) + "." + (b >>> 0).toString(36);
  };
  // Every element within the body with the way to it: of which kind it and all
  // that it stands in are, what each stands behind, and which of its brothers it is.
  const each = (f) => {
    const go = (e, above) => {
      let n = 0;
      for (const c of e.children) {
        n++;
        const before = c.previousElementSibling;
        const way = hash(above + ">" + (before ? own(before) + "+" : "") + own(c) + (n === 1 ? "f" : "") + (n % 2 ? "o" : "e") + (c.nextElementSibling ? "" : "l"));
        f(c, way);
        if (!(c instanceof SVGElement)) go(c, way);
      }
    };
    go(document.body, own(document.documentElement) + own(document.body));
  };
  return {
    halves: () => {
      const main = document.querySelector("main");
      return [shape(document.documentElement, main), main ? document.body.className + main.parentElement.className + shape(main) : ""].map(hash);
    },
    elements: () => {
      const out = [];
      each((e, way) => out.push(way));
      return out;
    },
    // mark marks the outermost of those that are told.
    mark: (which) => {
      document.querySelectorAll("[data-new]").forEach((e) => e.removeAttribute("data-new"));
      let n = 0, any = false;
      each((e) => {
        if (!which[n++] || e.parentElement.closest("[data-new]")) return;
        e.setAttribute("data-new", "");
        any = true;
      });
      return any;
    },
  };
})()
