import { canPhotograph, photograph } from "./camera";
import { each, type Root } from "./dom";
import { pick, type Picked } from "./picker";
import { canRecord, record } from "./recorder";

// input[type=file][data-upload]: chosen or dropped files leave at once, in pieces
// (tus 1.0), show how far they are, can be paused, and go on by themselves after a
// lost line. The same file chosen again after a reload goes on where it was. Each
// that has arrived is a hidden field of the form. Without this script the form
// sends them itself. The squares beside it (data-source) take a photo, record a
// sound, or choose among one's documents.
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
  private examined = false; // an antivirus looks at it, which takes its time
  private xhr?: XMLHttpRequest;
  private wake?: () => void;
  done = false;
  failed = false;
  readonly line = document.createElement("li");
  private bar = document.createElement("progress");
  private says = document.createElement("small");
  private pause = document.createElement("button");
  private remove = document.createElement("button");
  private rescue?: HTMLElement;

  // made says that it was made here, and is nowhere else yet.
  constructor(
    private file: File,
    private input: HTMLInputElement,
    private list: HTMLElement,
    private changed: () => void,
    private made = false,
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
        if (body && from + body.size === this.file.size) this.show("preparing", this.examined ? this.word("examining") : undefined);
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
      this.examined = a.header("Marelle-Examined") !== null;
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
      // Once signed in again, the same file goes on where it was.
      if (a.status !== 401) sessionStorage.removeItem(this.key());
      this.failed = true;
      const sentence = a.header("Content-Type")?.startsWith("text/plain") ? a.text : "";
      this.show("failed", sentence ? this.word("refused").replace("#", sentence) : undefined);
      if (this.made) this.offer();
      return true;
    }
    if (a.status >= 300) throw new Error("again");
    return false;
  }

  // offer keeps what was made here from being lost with the page: it is sent anew,
  // or kept on the device.
  private offer(): void {
    const save = document.createElement("a");
    save.className = "bouton discret";
    save.textContent = this.word("save");
    save.download = this.file.name;
    save.href = URL.createObjectURL(this.file);
    const again = document.createElement("button");
    again.type = "button";
    again.className = "bouton discret";
    again.textContent = this.word("again");
    again.addEventListener("click", () => {
      URL.revokeObjectURL(save.href);
      this.rescue?.remove();
      this.at = "";
      this.sent = 0;
      this.failed = false;
      this.show("queued");
      void this.run();
    });
    this.rescue = document.createElement("span");
    this.rescue.append(again, save);
    this.remove.before(this.rescue);
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
    if (this.file.type.startsWith("image/")) {
      face(this.line, `/fichiers/${id}/thumb`);
      retouch(this.line, this.list, id, this.file.name);
    }
    this.done = true;
    this.show("done");
  }

  async drop(): Promise<void> {
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

// face shows a small picture of a file on its line.
function face(line: HTMLElement, src: string): void {
  const img = document.createElement("img");
  img.alt = "";
  img.src = src;
  img.onerror = () => img.remove(); // a drawing, or none is made of it
  line.prepend(img);
}

// retouch offers the tool of pictures where the form can be kept meanwhile.
function retouch(line: HTMLElement, list: HTMLElement, id: string, name: string): void {
  const { after, retouch, retouchOf } = list.dataset;
  if (!after) return;
  const b = document.createElement("button");
  b.className = "bouton discret";
  b.name = "retoucher";
  b.value = id;
  b.setAttribute("formaction", after);
  b.textContent = retouch!;
  b.setAttribute("aria-label", retouchOf!.replace("#", name));
  line.append(b);
}

// joined is the line of a file that was chosen among documents.
function joined(f: Picked, kept: string, list: HTMLElement, changed: () => void): void {
  const line = document.createElement("li");
  line.className = "envoi";
  line.dataset.state = "done";
  const name = document.createElement("span");
  name.textContent = f.name;
  const says = document.createElement("small");
  says.textContent = `${list.dataset.picked} · ${f.size}`;
  const remove = document.createElement("button");
  remove.type = "button";
  remove.className = "bouton discret";
  remove.textContent = list.dataset.remove!;
  remove.setAttribute("aria-label", `${list.dataset.remove} ${f.name}`);
  remove.addEventListener("click", () => {
    line.remove();
    changed();
  });
  const field = document.createElement("input");
  field.type = "hidden";
  field.name = kept;
  field.value = f.id;
  line.append(name, says, remove, field);
  if (f.thumb) {
    face(line, f.thumb);
    retouch(line, list, f.id, f.name);
  }
  list.append(line);
}

// sources shows the squares that this device can serve.
function sources(zone: HTMLElement, input: HTMLInputElement, list: HTMLElement, take: (f: File) => void, changed: () => void): void {
  zone.classList.add("prete");
  const square = (name: string, can: Promise<boolean>, act: (box: HTMLTemplateElement, opener: HTMLElement) => void) => {
    const b = zone.querySelector<HTMLButtonElement>(`[data-source=${name}]`);
    const box = zone.querySelector<HTMLTemplateElement>(`template[data-box=${name}]`);
    if (!b || !box) return;
    b.addEventListener("click", () => act(box, b));
    void can.then((yes) => (b.hidden = !yes));
  };
  square("documents", Promise.resolve(true), (box, opener) =>
    pick(box, opener, (got) => {
      for (const f of got) joined(f, input.dataset.kept!, list, changed);
      changed();
    }),
  );
  square("camera", canPhotograph(), (box, opener) => photograph(box, opener, take));
  square("sound", canRecord(), (box, opener) => record(box, opener, take));
  const drop = zone.querySelector<HTMLElement>("[data-drop]");
  if (drop) drop.hidden = matchMedia("(pointer: coarse)").matches;
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
    // Where one file is asked for, the next takes the place of the one before.
    const add = (f: File, made = false) => {
      const before = input.multiple ? [] : all.splice(0);
      all.push(new Sending(f, input, list, changed, made));
      for (const s of before) void s.drop();
    };
    const take = (files: FileList | null | undefined) => {
      for (const f of Array.from(files ?? []).slice(0, input.multiple ? undefined : 1)) add(f);
    };
    input.addEventListener("change", () => {
      take(input.files);
      input.value = "";
    });
    const zone = input.closest<HTMLElement>("[data-sources]")!;
    sources(zone, input, list, (f) => add(f, true), changed);
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
