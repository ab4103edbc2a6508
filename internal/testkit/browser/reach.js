// What the Tab key must reach on this page, and questions about where it is.
window.reach = (function () {
  "use strict";
  var shown = function (e) {
    return e.checkVisibility({visibilityProperty: true}) && !e.closest("[inert]");
  };
  var say = function (e) {
    var text = (e.getAttribute("aria-label") || e.innerText || e.value || e.name || "").replace(/\s+/g, " ").trim().slice(0, 50);
    return e.tagName.toLowerCase() + (e.id ? "#" + e.id : e.className ? "." + String(e.className).split(" ")[0] : "") + " " + JSON.stringify(text);
  };
  // Of a group of radio buttons the Tab key reaches one.
  var stops = function (within) {
    var seen = {};
    return Array.from(within.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex], [contenteditable]")).filter(function (e) {
      if (e.matches(":disabled") || e.tabIndex < 0 || e.type === "hidden" || !shown(e)) return false;
      if (e.parentElement.isContentEditable) return false; // a link that is being written
      if (e.type !== "radio") return true;
      var key = (e.form ? Array.from(document.forms).indexOf(e.form) : "") + "/" + e.name;
      if (seen[key]) return false;
      return seen[key] = true;
    });
  };
  var same = function (a, b) {
    return a === b || a.type === "radio" && b.type === "radio" && a.name === b.name && a.form === b.form;
  };
  // What a person sees of a control: its label, when the control itself is drawn by it.
  var box = function (e) {
    var r = e.getBoundingClientRect();
    if (r.width > 4 && r.height > 4 && getComputedStyle(e).opacity !== "0") return e;
    return e.closest("label") || (e.labels && e.labels[0]) || e;
  };
  var ringed = function (e) {
    var ring = function (x) {
      if (!x) return false;
      var s = getComputedStyle(x);
      return s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2 && shown(x);
    };
    var b = box(e);
    return ring(e) || ring(b) || ring(e.parentElement) || ring(e.nextElementSibling) || Array.from(b.children).some(ring);
  };
  var obscured = function (e) {
    var b = box(e), r = b.getClientRects()[0] || b.getBoundingClientRect();
    if (!r || r.width === 0) return "it has no size";
    if (r.right <= 0 || r.bottom <= 0 || r.left >= innerWidth || r.top >= innerHeight) return "it is outside the window";
    // Of a text that is written, what counts is the line of the cursor.
    if (e.tagName === "TEXTAREA" || e.isContentEditable) r = new DOMRect(r.x, r.y, r.width, Math.min(r.height, 64));
    var bar = document.querySelector(".terre");
    if (bar && !bar.contains(e) && shown(bar)) {
      var t = bar.getBoundingClientRect();
      if (r.bottom > t.top + 1 && r.height < t.top) return "it is under the phone bar";
    }
    var x = Math.min(Math.max(r.left + r.width / 2, 1), innerWidth - 1), y = Math.min(Math.max(r.top + r.height / 2, 1), innerHeight - 1);
    var hit = document.elementFromPoint(x, y);
    if (!hit || b.contains(hit) || hit.contains(b) || (e.labels && Array.from(e.labels).some(function (l) { return l.contains(hit); }))) return "";
    return "it is under " + hit.cloneNode(false).outerHTML.slice(0, 100);
  };
  // Of two stops that follow each other, the second must not stand before the
  // first where both are laid out by the same box.
  var backwards = function (a, b) {
    for (var p = a.parentElement; p && !p.contains(b); p = p.parentElement) a = p;
    if (!p || a.contains(b)) return false;
    while (b.parentElement !== p) b = b.parentElement;
    var floats = function (x) { return /fixed|sticky|absolute/.test(getComputedStyle(x).position); };
    if (floats(a) || floats(b)) return false;
    // From one part of the page to another the order is that of what matters.
    var part = function (x) { return /^(SECTION|ASIDE|ARTICLE|NAV|FORM)$/.test(x.tagName) || x.querySelector("h2") !== null; };
    if (part(a) && part(b)) return false;
    // A link that covers its card stands where the card does.
    if (getComputedStyle(a, "::after").position === "absolute" && a.offsetParent) a = a.offsetParent;
    var ra = a.getBoundingClientRect(), rb = b.getBoundingClientRect();
    if (!ra.width || !rb.width) return false;
    if (rb.bottom <= ra.top + 1 && rb.left < ra.right - 1) return true;
    return rb.top < ra.bottom - 1 && rb.bottom > ra.top + 1 && rb.right <= ra.left + 1;
  };
  return {
    shown: shown, say: say, stops: stops,
    // begin puts the focus before everything. Of a walk each stop is looked at when
    // the press that leaves it begins, and the last of them when it is asked for.
    begin: function (walk) {
      var self = this;
      if (!self.listens) {
        self.listens = true;
        addEventListener("keydown", function (e) {
          if (self.walks && e.key === "Tab" && self.pressed++ > 0) self.look();
        }, true);
      }
      self.walks = !!walk;
      self.pressed = 0;
      self.faults = [];
      self.end = false;
      // An announcement waits for whoever is at it: it must not leave half way round.
      document.querySelectorAll(".annonce[data-leaves]").forEach(function (e) { e.dispatchEvent(new Event("pointerenter")); });
      this.list = stops(document);
      this.left = this.list.slice();
      this.last = null;
      document.body.tabIndex = -1;
      document.body.focus();
      document.body.removeAttribute("tabindex");
      scrollTo(0, 0);
      return this.list.length;
    },
    // look notes what is wrong where the focus is.
    look: function () {
      var e = document.activeElement, faults = this.faults;
      if (this.end || e && e === this.last) return; // a date has three stops in one
      if (!e || e === document.body || e === document.documentElement) {
        this.end = true;
        return;
      }
      var at = this.left.findIndex(function (x) { return same(x, e); });
      if (at < 0) {
        if (!this.list.some(function (x) { return same(x, e); }) && shown(e)) faults.push("unexpected stop at " + say(e));
        this.end = true;
        return;
      }
      this.left.splice(at, 1);
      if (!ringed(e)) faults.push("no visible focus on " + say(e));
      var hidden = obscured(e);
      if (hidden) faults.push(say(e) + " has the focus but " + hidden);
      if (this.last && backwards(this.last, e)) faults.push(say(e) + " comes after " + say(this.last) + ", which stands behind it");
      this.last = e;
    },
    // here tells what was found since it was asked, and whether the page was left.
    here: function () {
      this.look();
      var found = {Faults: this.faults, End: this.end};
      this.faults = [];
      return found;
    },
    missed: function () {
      this.walks = false;
      return this.left.map(say);
    },
  };
})();
