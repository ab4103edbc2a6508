import { each, type Root } from "./dom";

// The window of sharing. input[data-propose] is a combobox: two letters ask for
// those whom one may reach, arrows walk the list, Enter takes one. What is taken
// is a box of the form like those that were there; what is chosen shows as chips.
const least = 2;
const pause = 150;

function share(root: Root): void {
  each<HTMLInputElement>(root, "input[data-propose]", "share", (input) => {
    const form = input.form;
    const list = document.getElementById(`${input.id}-liste`);
    const said = form?.querySelector<HTMLElement>("[data-said]");
    const chips = form?.querySelector<HTMLElement>("[data-chosen]");
    if (!form || !list || !said || !chips) return;
    let active = -1;
    let wait = 0;
    let asked = ""; // what the lines of the list answer
    let asking: AbortController | undefined;

    input.setAttribute("role", "combobox");
    input.setAttribute("aria-autocomplete", "list");
    input.setAttribute("aria-controls", list.id);
    input.setAttribute("aria-expanded", "false");

    const options = () => Array.from(list.querySelectorAll<HTMLElement>("[role=option]"));
    const boxes = () => Array.from(form.querySelectorAll<HTMLInputElement>("input[type=checkbox][name=a]"));
    const say = (s: string) => (said.textContent = s);

    const close = () => {
      list.hidden = true;
      active = -1;
      input.setAttribute("aria-expanded", "false");
      input.removeAttribute("aria-activedescendant");
    };
    const open = () => {
      const some = options().length > 0;
      list.hidden = !some;
      active = -1;
      input.removeAttribute("aria-activedescendant");
      input.setAttribute("aria-expanded", String(some));
    };
    const walk = (to: number) => {
      const all = options();
      if (all.length === 0) return;
      active = (to + all.length) % all.length;
      all.forEach((o, n) => o.setAttribute("aria-selected", String(n === active)));
      input.setAttribute("aria-activedescendant", all[active]!.id);
      all[active]!.scrollIntoView({ block: "nearest" });
    };
    const ask = async () => {
      asking?.abort();
      const words = input.value.trim();
      if (words.length < least) {
        close();
        return;
      }
      asking = new AbortController();
      try {
        const r = await fetch(`${input.dataset.propose}&q=${encodeURIComponent(words)}`, { headers: { "Marelle-Fragment": "1" }, signal: asking.signal });
        if (!r.ok || r.redirected) return; // the button still searches
        list.innerHTML = await r.text();
      } catch {
        return; // typed on, or the line is away
      }
      asked = words;
      open();
      const n = options().length;
      say(n === 0 ? said.dataset.none! : (n > 1 ? said.dataset.many! : said.dataset.one!).replace("#", String(n)));
    };

    const take = (o: HTMLElement) => {
      let box = boxes().find((b) => b.value === o.dataset.value);
      if (!box) {
        box = document.createElement("input");
        box.type = "checkbox";
        box.name = "a";
        box.value = o.dataset.value!;
        box.hidden = true;
        box.dataset.label = o.dataset.label!;
        chips.after(box);
      }
      box.checked = true;
      say(said.dataset.added!.replace("#", o.dataset.label!));
      input.value = "";
      close();
      form.dispatchEvent(new Event("change"));
      input.focus();
    };

    input.addEventListener("input", () => {
      clearTimeout(wait);
      wait = window.setTimeout(() => void ask(), pause);
    });
    input.addEventListener("keydown", (e) => {
      if (e.key === "ArrowDown" || e.key === "ArrowUp") {
        e.preventDefault();
        if (list.hidden && asked === input.value.trim()) open();
        if (list.hidden) void ask();
        else walk(e.key === "ArrowDown" ? active + 1 : active < 0 ? -1 : active - 1);
      } else if (e.key === "Enter" && !list.hidden) {
        // The only answer needs no arrow.
        const all = options();
        const one = active >= 0 ? all[active] : all.length === 1 ? all[0] : undefined;
        if (one) {
          e.preventDefault();
          take(one);
        }
      } else if (e.key === "Escape" && !list.hidden) {
        e.preventDefault();
        close();
      }
    });
    input.addEventListener("blur", close);
    list.addEventListener("pointerdown", (e) => {
      e.preventDefault(); // the field keeps the focus
    });
    list.addEventListener("click", (e) => {
      const o = (e.target as Element).closest<HTMLElement>("[role=option]");
      if (o) take(o);
    });

    const show = () => {
      const chosen = boxes().filter((b) => b.checked);
      chips.hidden = chosen.length === 0;
      chips.replaceChildren(
        ...chosen.map((b) => {
          const name = b.dataset.label ?? b.closest("label")?.querySelector(":scope > span:last-of-type")?.firstChild?.textContent?.trim() ?? "";
          const li = document.createElement("li");
          li.className = "puce p-ciel";
          const out = document.createElement("button");
          out.type = "button";
          out.textContent = "×";
          out.setAttribute("aria-label", chips.dataset.remove!.replace("#", name));
          out.addEventListener("click", () => {
            b.checked = false;
            if (b.hidden) b.remove();
            form.dispatchEvent(new Event("change"));
            input.focus();
          });
          li.append(name, " ", out);
          return li;
        }),
      );
    };
    form.addEventListener("change", show);
    addEventListener("pageshow", show);
    show();
  });
}

share(document);
document.addEventListener("marelle:fragment", (e) => {
  if (e.target instanceof Element) share(e.target);
});
