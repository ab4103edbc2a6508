import { each, once, type Root } from "./dom";

// [data-opens="id"] opens a <dialog>; [data-closes] closes the one it is in.
// form[data-confirm] asks in the page's dialog before it leaves. Without this
// script the link is followed and the form is sent: the server's undo is the net.
export function dialogs(root: Root): void {
  once("dialogs", () => {
    document.addEventListener("click", (e) => {
      if (!(e.target instanceof Element)) return;
      const opener = e.target.closest<HTMLElement>("[data-opens]");
      const box = opener && document.getElementById(opener.dataset.opens!);
      if (box instanceof HTMLDialogElement) {
        e.preventDefault();
        box.showModal();
      }
      if (e.target.closest("[data-closes]")) e.target.closest("dialog")?.close();
      if (e.target instanceof HTMLDialogElement) e.target.close(); // the backdrop
    });
  });
  each<HTMLFormElement>(root, "form[data-confirm]", "confirm", (form) => {
    form.addEventListener("submit", (e) => {
      const box = document.getElementById("confirmer");
      if (!(box instanceof HTMLDialogElement) || form.dataset.confirmed) return;
      e.preventDefault();
      const by = (e as SubmitEvent).submitter;
      box.querySelector("[data-sentence]")!.textContent = form.dataset.confirm!;
      const yes = box.querySelector<HTMLButtonElement>("[data-yes]")!;
      if (form.dataset.confirmLabel) yes.textContent = form.dataset.confirmLabel;
      yes.onclick = () => {
        form.dataset.confirmed = "1";
        box.close();
        form.requestSubmit(by instanceof HTMLButtonElement ? by : null);
        delete form.dataset.confirmed;
      };
      box.showModal();
    });
  });
}
