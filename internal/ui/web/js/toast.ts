import { each, type Root } from "./dom";

// A toast leaves after 8 s, not while it is hovered or holds the focus
// (WCAG 2.2.1). Its undo is a form: it works without this.
export function toast(root: Root): void {
  each<HTMLElement>(root, ".annonce[data-leaves]", "toast", (el) => {
    let left = 8000;
    let since = 0;
    let timer = 0;
    const run = () => {
      since = Date.now();
      timer = window.setTimeout(() => el.remove(), left);
    };
    const hold = () => {
      clearTimeout(timer);
      left = Math.max(2000, left - (Date.now() - since));
    };
    el.addEventListener("pointerenter", hold);
    el.addEventListener("focusin", hold);
    el.addEventListener("pointerleave", run);
    el.addEventListener("focusout", run);
    run();
  });
}
