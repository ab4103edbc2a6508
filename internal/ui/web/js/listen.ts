import { each, type Root } from "./dom";

// "Écouter": reads a text (data-listen) or an element (data-listen-of="#id")
// aloud in French, with the voices of the device; a second tap stops it.
export function listen(root: Root): void {
  if (!("speechSynthesis" in window)) return;
  each<HTMLButtonElement>(root, "button[data-listen], button[data-listen-of]", "listen", (b) => {
    b.hidden = false;
    b.addEventListener("click", () => {
      const running = b.getAttribute("aria-pressed") === "true";
      speechSynthesis.cancel();
      if (running) return;
      const from = b.dataset.listenOf && document.querySelector<HTMLElement>(b.dataset.listenOf);
      const words = new SpeechSynthesisUtterance(from ? from.innerText : b.dataset.listen);
      words.lang = "fr-FR";
      words.rate = 0.9;
      words.voice = speechSynthesis.getVoices().find((v) => v.lang.startsWith("fr")) ?? null;
      words.onend = words.onerror = () => b.setAttribute("aria-pressed", "false");
      b.setAttribute("aria-pressed", "true");
      speechSynthesis.speak(words);
    });
  });
}
