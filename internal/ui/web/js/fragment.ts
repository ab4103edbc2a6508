import { each, type Root } from "./dom";

// A link from paper or from a mail carries its secret after the '#', which no
// browser sends. Here it is put into a form, wiped from the address, and either
// sent at once (a form that is hidden) or left for the person to go on.
export function fragment(root: Root): void {
  const said = location.hash.slice(1);
  each<HTMLFormElement>(root, "form[data-fragment]", "fragment", (form) => {
    const input = form.elements.namedItem(form.dataset.fragment!);
    if (said.length < 12 || !(input instanceof HTMLInputElement)) return;
    input.value = said;
    history.replaceState(null, "", location.pathname + location.search);
    if (form.hidden) form.requestSubmit();
    else input.closest<HTMLElement>(".champ")?.setAttribute("hidden", "");
  });
}
