import { each, type Root } from "./dom";

// A toast leaves after 10 s, not while it is hovered or holds the focus
// (WCAG 2.2.1). Its undo is a form: it works without this.
export function toast(root: Root): void {
  each<HTMLElement>(root, ".annonce[data-leaves]", "toast", (el) => {
    let left = 10_000;
    let since = 0;
    let timer = 0;
    let over = false;
    let within = false;
    // turn lets the time run, or stops it, as somebody is there.
    const turn = () => {
      if (timer) {
        clearTimeout(timer);
        timer = 0;
        left = Math.max(2000, left - (Date.now() - since));
      }
      if (over || within) return;
      since = Date.now();
      timer = window.setTimeout(() => el.remove(), left);
    };
    const on = (event: string, note: (e: Event) => void) => el.addEventListener(event, (e) => { note(e); turn(); });
    on("pointerenter", () => { over = true; });
    on("pointerleave", () => { over = false; });
    on("focusin", () => { within = true; });
    on("focusout", (e) => { within = el.contains((e as FocusEvent).relatedTarget as Node | null); });
    turn();
  });
}
