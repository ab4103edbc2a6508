import { each, type Root } from "./dom";

// [data-documents]: what is dragged on a folder, or on a step of the way to it,
// goes there; files dropped from the machine are sent there. Each does what a
// form of the page does: the server answers with the usual page.
const kind = "application/x-marelle";

function documents(root: Root): void {
  each<HTMLElement>(root, "[data-documents]", "documents", (place) => {
    const deposit = document.querySelector<HTMLFormElement>("form[data-deposit]");
    let dragged: string[] = [];

    for (const el of place.querySelectorAll<HTMLElement>("[data-drag]")) {
      el.draggable = true;
      // A link is dragged by itself, as an address.
      for (const a of el.querySelectorAll<HTMLElement>("a, img")) a.draggable = false;
      el.addEventListener("dragstart", (e) => {
        const chosen = Array.from(place.querySelectorAll<HTMLInputElement>("input[data-choice]:checked"), (b) => b.value);
        const one = el.dataset.drag!;
        dragged = chosen.includes(one) ? chosen : [one];
        e.dataTransfer!.setData(kind, dragged.join(" "));
        e.dataTransfer!.effectAllowed = "move";
        el.classList.add("saisi");
      });
      el.addEventListener("dragend", () => {
        dragged = [];
        el.classList.remove("saisi");
      });
    }

    const move = (to: string) => {
      const form = document.createElement("form");
      form.method = "post";
      form.action = "/documents/deplacer";
      form.hidden = true;
      const add = (name: string, value: string) => {
        const i = document.createElement("input");
        i.type = "hidden";
        i.name = name;
        i.value = value;
        form.append(i);
      };
      for (const one of dragged) add("id", one);
      add("vers", to);
      add("ecole", place.dataset.school ?? "");
      document.body.append(form);
      form.submit();
    };

    const send = (files: FileList, to: string, name: string) => {
      const input = deposit?.querySelector<HTMLInputElement>("input[type=file]");
      const said = deposit?.querySelector<HTMLElement>("[data-said]");
      if (!deposit || !input || !said) return;
      if (to) deposit.action = `/documents/${to}/ajouter`;
      said.textContent = name ? said.dataset.said!.replace("#", name) : said.dataset.here!;
      deposit.hidden = false;
      said.focus();
      input.files = files;
      input.dispatchEvent(new Event("change"));
      deposit.requestSubmit(); // it leaves once all is there
    };

    const holds = (e: DragEvent, what: string) => e.dataTransfer?.types.includes(what) ?? false;
    const target = (el: HTMLElement, to: string, name: string, files: boolean) => {
      const takes = (e: DragEvent) => (holds(e, kind) && dragged.length > 0 && !dragged.includes(to)) || (files && deposit !== null && holds(e, "Files"));
      el.addEventListener("dragover", (e) => {
        if (!takes(e)) return;
        e.preventDefault();
        e.stopPropagation();
        el.classList.add("survol");
      });
      el.addEventListener("dragleave", () => el.classList.remove("survol"));
      el.addEventListener("drop", (e) => {
        el.classList.remove("survol");
        if (!takes(e)) return;
        e.preventDefault();
        e.stopPropagation();
        if (holds(e, "Files")) send(e.dataTransfer!.files, to, name);
        else move(to);
      });
    };
    for (const el of place.querySelectorAll<HTMLElement>("[data-drop]")) target(el, el.dataset.drop!, el.dataset.name ?? "", true);
    for (const a of document.querySelectorAll<HTMLAnchorElement>(".fil-ariane a[href^='/documents']")) {
      const to = a.pathname === "/documents" ? "haut" : a.pathname.split("/")[2]!;
      if (to === "haut" || to.length === 36) target(a, to, a.textContent ?? "", false);
    }
    // Beside a folder, files go where the page is.
    if (deposit) {
      const page = document.getElementById("contenu")!;
      const files = (e: DragEvent) => holds(e, "Files") && !(e.target as Element).closest(".fichier");
      page.addEventListener("dragover", (e) => {
        if (!files(e)) return;
        e.preventDefault();
        place.classList.add("survol-page");
      });
      page.addEventListener("dragleave", (e) => {
        if (!page.contains(e.relatedTarget as Node | null)) place.classList.remove("survol-page");
      });
      page.addEventListener("drop", (e) => {
        place.classList.remove("survol-page");
        if (!files(e)) return;
        e.preventDefault();
        send(e.dataTransfer!.files, "", "");
      });
    }
  });
}

documents(document);
