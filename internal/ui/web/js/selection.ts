import { each, type Root } from "./dom";

// form[data-selection]: the bar of actions shows only while a line is chosen,
// says how many, and a box chooses all. Boxes outside belong to it by its id.
// Without script the bar is always there.
export function selection(root: Root): void {
  each<HTMLFormElement>(root, "form[data-selection]", "selection", (form) => {
    const boxes = () => Array.from(form.elements).filter((e): e is HTMLInputElement => e.matches("input[data-choice]"));
    const all = form.querySelector<HTMLInputElement>("input[data-choose-all]");
    const bar = form.querySelector<HTMLElement>(".selection");
    const count = bar?.querySelector<HTMLElement>("[data-count]");
    const show = () => {
      const list = boxes();
      const n = list.filter((b) => b.checked).length;
      for (const b of list) b.closest("tr, li, .dossier-l")?.classList.toggle("choisi", b.checked);
      if (bar) bar.hidden = n === 0;
      if (count) count.textContent = (n > 1 ? count.dataset.many! : count.dataset.one!).replace("#", String(n));
      if (all) {
        all.checked = n > 0 && n === list.length;
        all.indeterminate = n > 0 && n < list.length;
      }
    };
    if (all) {
      all.closest<HTMLElement>("[hidden]")?.removeAttribute("hidden");
      all.addEventListener("change", () => {
        for (const b of boxes()) b.checked = all.checked;
        show();
      });
    }
    document.addEventListener("change", (e) => {
      if ((e.target as HTMLInputElement).form === form) show();
    });
    addEventListener("pageshow", show);
    show();
  });
}
