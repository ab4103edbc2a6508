import { each, type Root } from "./dom";

// [data-below] is the way to the next page of a list; here that page comes below
// the one before, the focus goes to its first line, and it is said how many came.
export function below(root: Root): void {
  each<HTMLElement>(root, "[data-below]", "below", (foot) => {
    const link = foot.querySelector("a");
    const list = foot.closest<HTMLElement>("[data-list]");
    if (!link || !list) return;
    link.addEventListener("click", async (e) => {
      if (e.ctrlKey || e.metaKey || e.shiftKey) return;
      e.preventDefault();
      if (link.getAttribute("aria-disabled") === "true") return;
      link.setAttribute("aria-disabled", "true");
      try {
        const answer = await fetch(link.href, { headers: { Accept: "text/html", "Marelle-Fragment": "1" } });
        if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
        const page = document.createElement("template");
        page.innerHTML = await answer.text();
        const lines = Array.from(page.content.querySelectorAll<HTMLElement>(".fil:not(.fil .fil) > li"));
        if (!lines.length) throw new Error("nothing");
        // A day that goes on stays under one heading.
        const [day] = Array.from(page.content.children);
        const days = list.querySelectorAll(":scope > .jour");
        const last = days[days.length - 1];
        const go = last?.nextElementSibling;
        if (day?.matches(".jour") && day.textContent === last?.textContent && go) {
          go.append(...Array.from(day.nextElementSibling!.children));
          day.nextElementSibling!.remove();
          day.remove();
        }
        list.append(page.content);
        foot.remove();
        say(list, foot.dataset.came!.replace("#", String(lines.length)));
        lines[0]!.querySelector<HTMLElement>("a, summary")?.focus();
        list.dispatchEvent(new CustomEvent("marelle:fragment", { bubbles: true }));
      } catch {
        location.assign(link.href);
      }
    });
  });
}

// say tells a reader of the screen, in a place that was there before.
function say(list: HTMLElement, text: string): void {
  const place = list.parentElement?.querySelector<HTMLElement>("[data-told]");
  if (place) place.textContent = text;
}
