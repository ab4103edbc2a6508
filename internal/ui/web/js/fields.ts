import { each, once, type Root } from "./dom";

// Eye of a password, preview of chosen files, warning before unsaved words are
// lost, copy of a link, printing, selects that send their form at once.
export function fields(root: Root): void {
  each<HTMLButtonElement>(root, "button[data-eye]", "eye", (b) => {
    const input = document.getElementById(b.getAttribute("aria-controls")!) as HTMLInputElement | null;
    if (!input) return;
    b.hidden = false;
    b.addEventListener("click", () => {
      const show = input.type === "password";
      input.type = show ? "text" : "password";
      b.setAttribute("aria-pressed", String(show));
      for (const i of b.querySelectorAll<HTMLElement>("[data-when]")) i.hidden = i.dataset.when !== (show ? "on" : "off");
      input.focus();
    });
    // A password never stays readable when it is sent (browsers remember text fields).
    input.form?.addEventListener("submit", () => (input.type = "password"));
  });

  each<HTMLInputElement>(root, "input[type=file][data-preview]", "file", (input) => {
    const list = document.getElementById(input.dataset.preview!);
    let urls: string[] = [];
    input.addEventListener("change", () => {
      urls.forEach((u) => URL.revokeObjectURL(u));
      urls = [];
      list?.replaceChildren(
        ...Array.from(input.files ?? [], (f) => {
          const li = document.createElement("li");
          if (/^image\/(png|jpeg|gif|webp|avif)$/.test(f.type)) {
            const img = document.createElement("img");
            img.alt = "";
            img.src = URL.createObjectURL(f);
            urls.push(img.src);
            li.append(img);
          }
          li.append(f.name);
          return li;
        }),
      );
    });
  });

  each<HTMLFormElement>(root, "form[data-guard]", "guard", (form) => {
    let dirty = form.hasAttribute("data-dirty");
    form.addEventListener("input", () => (dirty = true));
    form.addEventListener("submit", (e) => {
      if (!e.defaultPrevented) dirty = false;
    });
    form.addEventListener("marelle:saved", () => (dirty = false));
    addEventListener("beforeunload", (e) => {
      if (dirty && form.isConnected) e.preventDefault();
    });
  });

  each<HTMLButtonElement>(root, "button[data-print]", "print", (b) => {
    b.hidden = false;
    b.addEventListener("click", () => print());
  });

  each<HTMLButtonElement>(root, "button[data-copy]", "copy", (b) => {
    if (!navigator.clipboard) return;
    b.hidden = false;
    const said = b.querySelector<HTMLElement>("[data-label]") ?? b;
    const before = said.textContent;
    b.addEventListener("click", async () => {
      await navigator.clipboard.writeText(b.dataset.copy!);
      said.textContent = b.dataset.copied ?? before;
      setTimeout(() => (said.textContent = before), 3000);
    });
  });

  once("autosubmit", () => {
    document.addEventListener("change", (e) => {
      const el = e.target;
      if ((el instanceof HTMLSelectElement || el instanceof HTMLInputElement) && el.closest("[data-autosubmit]")) el.form?.requestSubmit();
    });
  });
  // Buttons that only stand in for what the script does by itself.
  each<HTMLElement>(root, "[data-without-script]", "without", (el) => (el.hidden = true));
  // [data-some] switches that are neither all on nor all off.
  each<HTMLInputElement>(root, "input[data-some]", "some", (i) => (i.indeterminate = true));
  // The list of faults is the first thing a reader must meet.
  each<HTMLElement>(root, ".bilan", "bilan", (el) => el.focus());
}
