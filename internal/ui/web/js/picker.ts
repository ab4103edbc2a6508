import { Box } from "./box";

export type Picked = { id: string; name: string; size: string; thumb?: string };

// pick opens the window of one's documents and gives the files that were made of
// what was chosen. What is chosen stays so from one folder to the next.
export function pick(template: HTMLTemplateElement, opener: HTMLElement, add: (list: Picked[]) => void): void {
  const box = new Box(template, opener, () => control.abort());
  const { dialog } = box;
  const room = box.part("window");
  const chosen = new Set<string>();
  let control = new AbortController();
  let busy = false;

  function say(words: string): void {
    const p = document.createElement("p");
    p.setAttribute("role", "alert");
    p.className = "erreur";
    p.textContent = words;
    room.querySelector(":scope > .erreur")?.remove();
    room.prepend(p);
  }

  async function load(address: string): Promise<void> {
    control.abort();
    const mine = (control = new AbortController());
    try {
      const answer = await fetch(address, { headers: { Accept: "text/html", "Marelle-Fragment": "1" }, signal: mine.signal });
      if (answer.redirected || answer.status === 401) return say(dialog.dataset.out!);
      if (!answer.ok) return say(dialog.dataset.away!);
      room.innerHTML = await answer.text();
      for (const b of boxes()) b.checked = chosen.has(b.value);
      count();
      room.scrollTop = 0;
      room.focus();
    } catch {
      if (!mine.signal.aborted) say(dialog.dataset.away!);
    }
  }

  const boxes = () => Array.from(room.querySelectorAll<HTMLInputElement>("input[name=document]"));

  function count(): void {
    const said = room.querySelector<HTMLElement>("[data-count]");
    const button = room.querySelector<HTMLButtonElement>("[data-add]");
    const form = room.querySelector<HTMLFormElement>("form.choisir");
    if (!said || !button || !form) return;
    const n = chosen.size;
    const full = n >= Number(form.dataset.most);
    said.textContent = full ? said.dataset.full! : n === 0 ? said.dataset.none! : (n > 1 ? said.dataset.many! : said.dataset.one!).replace("#", String(n));
    button.setAttribute("aria-disabled", String(n === 0));
    for (const b of boxes()) {
      b.closest("label")?.classList.toggle("choisi", b.checked);
      if (!b.closest(".inapte")) b.disabled = full && !b.checked;
    }
  }

  async function take(form: HTMLFormElement): Promise<void> {
    if (busy || chosen.size === 0) return;
    busy = true;
    const body = new URLSearchParams();
    for (const id of chosen) body.append("document", id);
    try {
      const answer = await fetch(form.action, { method: "POST", headers: { Accept: "application/json" }, body });
      if (answer.redirected || answer.status === 401) return say(dialog.dataset.out!);
      const got = (await answer.json()) as { files?: Picked[]; text?: string };
      if (!got.files) return say(got.text ?? dialog.dataset.away!);
      add(got.files);
      dialog.close();
    } catch {
      say(dialog.dataset.away!);
    } finally {
      busy = false;
    }
  }

  room.addEventListener("click", (e) => {
    const link = e.target instanceof Element ? e.target.closest<HTMLAnchorElement>("a[href]") : null;
    if (!link || e.ctrlKey || e.metaKey || e.shiftKey || e.button !== 0) return;
    e.preventDefault();
    void load(link.href);
  });
  room.addEventListener("change", (e) => {
    const b = e.target;
    if (!(b instanceof HTMLInputElement) || b.name !== "document") return;
    if (b.checked) chosen.add(b.value);
    else chosen.delete(b.value);
    count();
  });
  room.addEventListener("submit", (e) => {
    const form = e.target as HTMLFormElement;
    e.preventDefault();
    if (form.method === "post") return void take(form);
    const asked = new URLSearchParams();
    for (const [name, value] of new FormData(form)) asked.append(name, String(value));
    void load(`${form.action}?${asked}`);
  });
  void load(opener.dataset.address!);
}
