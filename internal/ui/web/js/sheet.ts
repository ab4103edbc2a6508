import { once, type Root } from "./dom";

// a[data-sheet] leads to a page of what may be done; here it opens over the
// page that one is on, and the link is followed where that fails.
export function sheet(_: Root): void {
  once("sheet", () => {
    document.addEventListener("click", async (e) => {
      const link = e.target instanceof Element ? e.target.closest<HTMLAnchorElement>("a[data-sheet]") : null;
      if (!link || e.ctrlKey || e.metaKey || e.shiftKey || e.button !== 0) return;
      e.preventDefault();
      try {
        const answer = await fetch(link.href, { headers: { Accept: "text/html", "Marelle-Fragment": "1" } });
        if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
        const box = document.createElement("dialog");
        box.className = "feuille";
        box.setAttribute("aria-labelledby", "feuille-titre");
        box.innerHTML = await answer.text();
        box.addEventListener("close", () => {
          box.remove();
          link.focus();
        });
        document.body.append(box);
        box.showModal();
      } catch {
        location.assign(link.href);
      }
    });
  });
}
