import { badge } from "./badge";
import { each, type Root } from "./dom";

// [data-live="/address"] hears what arrives while the page is looked at: a word
// that leads to it, and the counts of the page. The stream is closed while the
// page is hidden; a line that fails is tried again, each time later.
export function live(root: Root): void {
  if (!("EventSource" in window)) return;
  each<HTMLElement>(root, "[data-live]", "live", (box) => {
    const link = box.querySelector("a")!;
    const words = box.querySelector<HTMLElement>("[data-words]")!;
    let since = Number(box.dataset.since);
    let came = 0;
    let failures = 0;
    let over = false;
    let source: EventSource | undefined;
    let timer = 0;

    const arrive = (e: MessageEvent) => {
      const { plus, services } = JSON.parse(e.data) as { plus: number; services: Record<string, number> };
      came += plus;
      since = 0; // counted from now on
      words.textContent = (came > 1 ? box.dataset.many! : box.dataset.one!).replace("#", String(came));
      link.hidden = false;
      counts(services ?? {}, box.dataset.new!, Number(box.dataset.most));
    };
    const open = () => {
      clearTimeout(timer);
      if (source || over || document.visibilityState === "hidden") return;
      source = new EventSource(since ? `${box.dataset.live}?depuis=${since}` : box.dataset.live!);
      source.addEventListener("open", () => (failures = 0));
      source.addEventListener("arrive", arrive);
      source.addEventListener("fin", () => {
        over = true;
        close();
      });
      source.addEventListener("error", () => {
        close();
        failures++;
        // Up to five minutes, and not all pages at once.
        if (failures < 12) timer = window.setTimeout(open, Math.min(300, 5 * 2 ** failures) * (500 + Math.random() * 500));
      });
    };
    const close = () => {
      source?.close();
      source = undefined;
      clearTimeout(timer);
    };
    const away = () => {
      close();
      // What comes meanwhile is counted when the page is looked at again.
      since = Number(box.dataset.since);
      came = 0;
    };
    document.addEventListener("visibilitychange", () => (document.visibilityState === "hidden" ? away() : open()));
    addEventListener("pagehide", away);
    addEventListener("pageshow", open);
    open();
  });
}

// counts writes what is unread on the squares, the bar, the bell and the icon of
// the app.
function counts(services: Record<string, number>, fresh: string, most: number): void {
  let all = 0;
  for (const n of Object.values(services)) all += n;
  for (const el of document.querySelectorAll<HTMLElement>("[data-badge]")) {
    const n = el.dataset.badge === "" ? all : (services[el.dataset.badge!] ?? 0);
    let mark = el.querySelector<HTMLElement>(".palet");
    if (n === 0) {
      mark?.remove();
      continue;
    }
    if (!mark) {
      mark = document.createElement("span");
      mark.className = "palet";
      el.append(mark);
    }
    const shown = n > most ? `${most}+` : String(n);
    if (el.dataset.says) {
      el.setAttribute("aria-label", el.dataset.says.replace("#", String(n)));
      mark.setAttribute("aria-hidden", "true");
      mark.textContent = shown;
    } else {
      const spoken = document.createElement("span");
      spoken.className = "vh";
      spoken.textContent = fresh + " ";
      mark.replaceChildren(spoken, shown);
    }
  }
  badge(all);
}
