// Finds what a person would name: the field of a label, the button of a text.
// A name that begins like a CSS selector is one. Returns an element or null.
(function (kind, name) {
  "use strict";
  var plain = function (s) {
    return (s || "").replace(/[\s\u00a0\u202f]+/g, " ").replace(/\u2019/g, "'").trim();
  };
  var visible = function (e) {
    if (!e.getClientRects().length) return false;
    return getComputedStyle(e).visibility === "visible";
  };
  var named = function (e) {
    var by = e.getAttribute("aria-labelledby");
    if (by) {
      return plain(by.split(/\s+/).map(function (id) {
        var l = document.getElementById(id);
        return l ? l.textContent : "";
      }).join(" "));
    }
    if (e.getAttribute("aria-label")) return plain(e.getAttribute("aria-label"));
    if (e.tagName === "INPUT" && /^(submit|button|reset)$/.test(e.type)) return plain(e.value);
    var text = plain(e.innerText || e.textContent);
    if (text) return text;
    var img = e.querySelector("img[alt], svg title");
    return img ? plain(img.getAttribute("alt") || img.textContent) : "";
  };
  // The best of the candidates: same name, then the beginning, then a part.
  var best = function (candidates, nameOf) {
    var want = plain(name);
    var tests = [
      function (n) { return n === want; },
      function (n) { return n.startsWith(want); },
      function (n) { return n.includes(want); },
    ];
    for (var i = 0; i < tests.length; i++) {
      for (var j = 0; j < candidates.length; j++) {
        if (tests[i](nameOf(candidates[j]))) return candidates[j];
      }
    }
    return null;
  };
  if (/^([#.[*]|[a-z][a-z0-9-]*([#.[:>]| >|$))/.test(name)) {
    var all = Array.from(document.querySelectorAll(name));
    return (kind === "file" ? all[0] : all.find(visible)) || null;
  }
  if (kind === "field" || kind === "file") {
    // An editor is no control of a label for a browser, but is for who reads it.
    var of = function (l) {
      var e = l.control || document.getElementById(l.htmlFor);
      return e && (e === l.control || e.isContentEditable) ? e : null;
    };
    var labels = Array.from(document.querySelectorAll("label")).filter(of);
    var label = best(labels, function (l) { return plain(l.textContent).replace(/ ?[*:]$/, ""); });
    if (label) return of(label);
    return best(Array.from(document.querySelectorAll(
      "[aria-label]:is(input, select, textarea, [contenteditable]), [aria-labelledby]:is(input, select, textarea, [contenteditable])")), named);
  }
  var controls = Array.from(document.querySelectorAll(
    "button, a[href], input:is([type=submit], [type=button], [type=image]), summary, " +
    "[role=button], [role=tab], [role=menuitem], [role=option], [role=switch]")).filter(visible);
  return best(controls, named) || best(Array.from(document.querySelectorAll("label")).filter(visible), named);
})
