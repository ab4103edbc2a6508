import { each, type Root } from "./dom";

// [data-poll="/address"] asks for the fragment every data-every seconds (2 by
// default) and puts it in its own place; the answer goes on polling only if it
// carries data-poll again. A 204 changes nothing. A hidden page does not ask.
export function poll(root: Root): void {
  each<HTMLElement>(root, "[data-poll]", "poll", (el) => {
    const every = Number(el.dataset.every ?? 2) * 1000;
    const ask = async () => {
      if (!el.isConnected) return;
      if (document.visibilityState === "visible") {
        try {
          const r = await fetch(el.dataset.poll!, { headers: { Accept: "text/html", "Marelle-Fragment": "1" } });
          if (r.ok && r.status !== 204 && !r.redirected) {
            const t = document.createElement("template");
            t.innerHTML = await r.text();
            const next = t.content.firstElementChild;
            if (next) {
              const had = el.contains(document.activeElement);
              el.replaceWith(next);
              if (had && next instanceof HTMLElement) next.focus();
              next.dispatchEvent(new CustomEvent("marelle:fragment", { bubbles: true }));
              return;
            }
          } else if (r.status >= 400 && r.status < 500 && r.status !== 429) {
            return;
          }
        } catch {
          // The network is away: ask again.
        }
      }
      setTimeout(ask, every);
    };
    setTimeout(ask, every);
  });
}
