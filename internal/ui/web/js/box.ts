// A box whose markup waits in a <template data-box="…"> of the page: shown over
// it, in states that say which of its parts show (data-in), and gone when closed.
export class Box {
  readonly dialog: HTMLDialogElement;
  private was = "";
  leave: () => boolean = () => true; // whether it may close

  constructor(template: HTMLTemplateElement, opener: HTMLElement, closed: () => void) {
    const copy = document.importNode(template.content, true);
    this.dialog = copy.querySelector("dialog")!;
    document.body.append(copy);
    this.dialog.addEventListener("cancel", (e) => {
      if (!this.leave()) e.preventDefault();
    });
    this.dialog.addEventListener("click", (e) => {
      if (!(e.target instanceof Element)) return;
      if (e.target === this.dialog) e.stopPropagation(); // the backdrop throws nothing away
      if (e.target.closest("[data-leave]") && this.leave()) this.dialog.close();
    });
    this.dialog.addEventListener("close", () => {
      closed();
      this.dialog.remove();
      opener.focus();
    });
    this.dialog.showModal();
  }

  part<T extends HTMLElement>(name: string): T {
    return this.dialog.querySelector<T>(`[data-${name}]`)!;
  }

  get state(): string {
    return this.dialog.dataset.state ?? "";
  }

  // enter shows the parts of a state; the focus goes to its main button when
  // what had it is gone.
  enter(state: string): void {
    this.was = this.state;
    this.dialog.dataset.state = state;
    for (const el of this.dialog.querySelectorAll<HTMLElement>("[data-in]")) el.hidden = !el.dataset.in!.split(" ").includes(state);
    const at = document.activeElement;
    if (!at || at === document.body || !this.dialog.contains(at) || at.closest("[hidden]")) {
      this.dialog.querySelector<HTMLElement>(`[data-in~="${state}"] button:not([hidden]), .gros:not([hidden])`)?.focus();
    }
  }

  back(): void {
    this.enter(this.was);
  }

  on(act: (what: string) => void): void {
    this.dialog.addEventListener("click", (e) => {
      const b = e.target instanceof Element ? e.target.closest<HTMLElement>("[data-do]") : null;
      if (b) act(b.dataset.do!);
    });
  }

  say(key: string): void {
    const said = this.part("said");
    const words = this.dialog.dataset[key] ?? "";
    if (said.textContent !== words) said.textContent = words;
  }
}

// called is the name of what was made just now: "Photo 25 novembre 13h20.jpg".
export function called(name: string, end: string): string {
  const now = new Date();
  const day = new Intl.DateTimeFormat(document.documentElement.lang, { day: "numeric", month: "long" }).format(now);
  return `${name} ${day} ${now.getHours()}h${String(now.getMinutes()).padStart(2, "0")}.${end}`;
}

// has says whether this device has a camera ("videoinput") or a microphone.
export async function has(kind: MediaDeviceKind): Promise<boolean> {
  if (!navigator.mediaDevices?.getUserMedia) return false;
  try {
    return (await navigator.mediaDevices.enumerateDevices()).some((d) => d.kind === kind);
  } catch {
    return false;
  }
}
