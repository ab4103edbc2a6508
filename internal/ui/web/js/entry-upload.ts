import { each, type Root } from "./dom";

// input[type=file][data-upload]: chosen or dropped files leave at once, in pieces
// (tus 1.0), show how far they are, can be paused, and go on by themselves after a
// lost line. The same file chosen again after a reload goes on where it was. Each
// that has arrived is a hidden field of the form. Without this script the form
// sends them itself.
const version = { "Tus-Resumable": "1.0.0" };
const slice = 16 << 20;
const atOnce = 2;
const patience = 30_000;

let busy = 0;
const waiting: (() => void)[] = [];
async function turn<T>(f: () => Promise<T>): Promise<T> {
  if (busy >= atOnce) await new Promise<void>((go) => waiting.push(go));
  busy++;
  try {
    return await f();
  } finally {
    busy--;
    waiting.shift()?.();
  }
}

type Answer = { status: number; text: string; header: (name: string) => string | null };

class Sending {
  private at = "";
  private sent = 0;
  private paused = false;
  private gone = false;
  private xhr?: XMLHttpRequest;
  private wake?: () => void;
  done = false;
  failed = false;
  readonly line = document.createElement("li");
  private bar = document.createElement("progress");
  private says = document.createElement("small");
  private pause = document.createElement("button");
  private remove = document.createElement("button");

  constructor(
    private file: File,
    private input: HTMLInputElement,
    private list: HTMLElement,
    private changed: () => void,
  ) {
    const name = document.createElement("span");
    name.textContent = file.name;
    this.bar.max = file.size;
    this.bar.value = 0;
    this.bar.setAttribute("aria-label", file.name);
    for (const [b, act] of [
      [this.pause, () => this.toggle()],
      [this.remove, () => void this.drop()],
    ] as const) {
      b.type = "button";
      b.className = "bouton discret";
      b.addEventListener("click", act);
    }
    this.remove.textContent = this.word("remove");
    this.remove.setAttribute("aria-label", `${this.word("remove")} ${file.name}`);
    this.line.append(name, this.bar, this.says, this.pause, this.remove);
    this.line.className = "envoi";
    this.show("queued");
    list.append(this.line);
    void this.run();
  }

  private word(key: string): string {
    return this.list.dataset[key] ?? "";
  }

  private show(state: "queued" | "going" | "preparing" | "paused" | "cut" | "done" | "failed", sentence?: string): void {
    this.line.dataset.state = state;
    const says = sentence ?? this.word(state);
    if (this.says.textContent !== says) this.says.textContent = says; // read aloud once
    const over = state === "done" || state === "failed";
    this.bar.hidden = over;
    this.pause.hidden = over;
    this.pause.textContent = this.word(this.paused ? "resume" : "pause");
    this.pause.setAttribute("aria-label", `${this.pause.textContent} ${this.file.name}`);
  }

  private key(): string {
    return `envoi ${this.input.dataset.upload} ${this.file.size} ${this.file.lastModified} ${this.file.name}`;
  }

  private ask(method: string, to: string, headers: Record<string, string>, body?: Blob): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const x = (this.xhr = new XMLHttpRequest());
      x.open(method, to);
      for (const [k, v] of Object.entries({ ...version, ...headers })) x.setRequestHeader(k, v);
      const from = this.sent;
      // A line that is lost says so, or says nothing at all for a while.
      const cut = () => x.abort();
      let silence = body ? setTimeout(cut, patience) : 0;
      addEventListener("offline", cut);
      x.upload.onprogress = (e) => {
        this.bar.value = from + e.loaded;
        clearTimeout(silence);
        silence = setTimeout(cut, patience);
      };
      x.upload.onload = () => {
        clearTimeout(silence); // what is left is the server's: it looks at the file
        if (body && from + body.size === this.file.size) this.show("preparing");
      };
      x.onload = () => resolve({ status: x.status, text: x.responseText, header: (n) => x.getResponseHeader(n) });
      x.onerror = x.onabort = () => reject(new Error("line"));
      x.onloadend = () => {
        clearTimeout(silence);
        removeEventListener("offline", cut);
      };
      x.send(body ?? null);
    });
  }

  // step does the next thing; true when all is there.
  private async step(): Promise<boolean> {
    if (!this.at) this.at = sessionStorage.getItem(this.key()) ?? "";
    let a: Answer;
    if (!this.at) {
      const name = btoa(String.fromCharCode(...new TextEncoder().encode(this.file.name)));
      a = await this.ask("POST", this.input.dataset.upload!, { "Upload-Length": String(this.file.size), "Upload-Metadata": `filename ${name}` });
      this.at = a.header("Location") ?? "";
      if (a.status === 201) sessionStorage.setItem(this.key(), this.at);
    } else {
      a = await this.ask("HEAD", this.at, {});
      if (a.status === 404) {
        this.at = "";
        sessionStorage.removeItem(this.key());
        return false;
      }
    }
    while (a.status < 300 && !this.paused && !this.gone) {
      this.sent = Number(a.header("Upload-Offset"));
      this.bar.value = this.sent;
      const became = a.header("Marelle-File");
      if (became) {
        this.keep(became);
        return true;
      }
      this.show("going");
      const body = this.file.slice(this.sent, this.sent + slice);
      a = await this.ask("PATCH", this.at, { "Upload-Offset": String(this.sent), "Content-Type": "application/offset+octet-stream" }, body);
    }
    if (a.status >= 400 && a.status < 500 && a.status !== 409 && a.status !== 429) {
      sessionStorage.removeItem(this.key());
      this.failed = true;
      this.show("failed", a.text ? this.word("refused").replace("#", a.text) : undefined);
      return true;
    }
    if (a.status >= 300) throw new Error("again");
    return false;
  }

  private async run(): Promise<void> {
    let wait = 1000;
    while (!this.gone) {
      const before = this.sent;
      try {
        // One that is paused, or waits for the line, keeps nobody's turn.
        if (!this.paused && (await turn(async () => this.paused || this.gone ? false : this.step()))) break;
      } catch {
        if (!this.paused && !this.gone) this.show("cut");
      }
      if (this.gone) break;
      if (this.sent > before) wait = 1000;
      await this.pauseFor(this.paused ? 1 << 30 : wait);
      wait = Math.min(wait * 2, 30_000);
    }
    this.changed();
  }

  private pauseFor(ms: number): Promise<void> {
    return new Promise((go) => {
      const t = setTimeout(go, ms);
      const at = (this.wake = () => {
        clearTimeout(t);
        removeEventListener("online", at);
        go();
      });
      addEventListener("online", at);
    });
  }

  private toggle(): void {
    this.paused = !this.paused;
    this.show(this.paused ? "paused" : "going");
    if (this.paused) this.xhr?.abort();
    else this.wake?.();
  }

  private keep(id: string): void {
    sessionStorage.removeItem(this.key());
    const field = document.createElement("input");
    field.type = "hidden";
    field.name = this.input.dataset.kept!;
    field.value = id;
    this.line.append(field);
    this.done = true;
    this.show("done");
  }

  private async drop(): Promise<void> {
    this.gone = true;
    this.xhr?.abort();
    this.wake?.();
    this.line.remove();
    sessionStorage.removeItem(this.key());
    this.changed();
    if (this.at && !this.done) await this.ask("DELETE", this.at, {}).catch(() => undefined); // else it expires
  }

  get over(): boolean {
    return this.done || this.failed || this.gone;
  }
}

function uploads(root: Root): void {
  each<HTMLInputElement>(root, "input[type=file][data-upload]", "upload", (input) => {
    const list = document.getElementById(input.dataset.uploads!);
    const form = input.form;
    if (!list || !form) return;
    const all: Sending[] = [];
    let sender: HTMLElement | null | undefined;
    const changed = () => {
      form.dispatchEvent(new Event("input", { bubbles: true })); // there is something to lose
      if (sender !== undefined && all.every((s) => s.over)) {
        const by = sender;
        sender = undefined;
        if (all.every((s) => !s.failed)) form.requestSubmit(by);
      }
    };
    const take = (files: FileList | null | undefined) => {
      for (const f of Array.from(files ?? []).slice(0, input.multiple ? undefined : 1)) all.push(new Sending(f, input, list, changed));
    };
    input.addEventListener("change", () => {
      take(input.files);
      input.value = "";
    });
    const zone = input.parentElement!;
    zone.addEventListener("dragover", (e) => {
      e.preventDefault();
      zone.classList.add("survol");
    });
    zone.addEventListener("dragleave", () => zone.classList.remove("survol"));
    zone.addEventListener("drop", (e) => {
      e.preventDefault();
      zone.classList.remove("survol");
      take(e.dataTransfer?.files);
    });
    // Sent too early, the form leaves once all is there.
    form.addEventListener(
      "submit",
      (e) => {
        if (all.every((s) => s.over)) return;
        e.preventDefault();
        e.stopImmediatePropagation();
        sender = (e as SubmitEvent).submitter;
      },
      true,
    );
  });
}

uploads(document);
document.addEventListener("marelle:fragment", (e) => {
  if (e.target instanceof Element) uploads(e.target);
});
