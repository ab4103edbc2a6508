import { once, type Root } from "./dom";

// details.menu closes on Escape (focus goes back to its button), on a click
// elsewhere and when the focus leaves it.
export function menus(_: Root): void {
  once("menus", () => {
    const open = () => document.querySelectorAll<HTMLDetailsElement>("details.menu[open]");
    document.addEventListener("click", (e) => {
      for (const d of open()) if (!d.contains(e.target as Node)) d.open = false;
    });
    document.addEventListener("focusin", (e) => {
      for (const d of open()) if (!d.contains(e.target as Node)) d.open = false;
    });
    document.addEventListener("keydown", (e) => {
      if (e.key !== "Escape") return;
      for (const d of open()) {
        d.open = false;
        d.querySelector("summary")?.focus();
      }
    });
  });
}
