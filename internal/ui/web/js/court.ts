import { each, type Root } from "./dom";

// Keys 1 to 9 open the square of that number, only while the focus is inside
// the court (WCAG 2.1.4: a shortcut of one character must be scoped to focus).
export function court(root: Root): void {
  each<HTMLElement>(root, "[data-court]", "court", (el) => {
    el.addEventListener("keydown", (e) => {
      if (e.ctrlKey || e.altKey || e.metaKey || !/^[1-9]$/.test(e.key)) return;
      const a = el.querySelector<HTMLAnchorElement>(`a[data-number="${e.key}"]`);
      if (a) {
        e.preventDefault();
        a.click();
      }
    });
  });
}
