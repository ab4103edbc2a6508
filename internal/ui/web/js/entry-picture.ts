// <marelle-picture>: a picture is turned, cut, and made unreadable where somebody
// draws it, before anything is sent. What is seen here is drawn again by the
// server from the gestures alone, which are fields of the form; the fractions of
// each are of the picture as the gestures before it left it.
type Box = { x: number; y: number; w: number; h: number };
type Tool = "oval" | "rect" | "crop";
type Gesture = { what: "turn"; n: number } | ({ what: Tool } & Box);

const cells = 5; // as the server: squares along a place made unreadable
const step = 0.02;
const least = 0.02;
const tapped = 8; // a pointer that moved less has only touched
const clamp = (n: number, low: number, high: number) => Math.min(Math.max(n, low), high);

function canvas(w: number, h: number): [HTMLCanvasElement, CanvasRenderingContext2D] {
  const c = document.createElement("canvas");
  c.width = Math.max(1, w);
  c.height = Math.max(1, h);
  return [c, c.getContext("2d")!];
}

// hide draws a place as the server will: few squares, drawn large again softly.
function hide(on: HTMLCanvasElement, b: Box, oval: boolean): void {
  const pen = on.getContext("2d")!;
  const x = Math.floor(b.x * on.width);
  const y = Math.floor(b.y * on.height);
  const w = Math.max(1, Math.ceil((b.x + b.w) * on.width) - x);
  const h = Math.max(1, Math.ceil((b.y + b.h) * on.height) - y);
  const side = Math.ceil(Math.max(w, h) / cells);
  const [few, fine] = canvas(Math.ceil(w / side), Math.ceil(h / side));
  fine.imageSmoothingQuality = "high";
  fine.drawImage(on, x, y, w, h, 0, 0, few.width, few.height);
  pen.save();
  pen.beginPath();
  if (oval) pen.ellipse(x + w / 2, y + h / 2, w / 2, h / 2, 0, 0, 2 * Math.PI);
  else pen.rect(x, y, w, h);
  pen.clip();
  pen.imageSmoothingQuality = "high";
  pen.drawImage(few, 0, 0, few.width, few.height, x, y, w, h);
  pen.restore();
}

function apply(on: HTMLCanvasElement, g: Gesture): HTMLCanvasElement {
  if (g.what === "turn") {
    const flat = g.n % 2 === 0;
    const [c, pen] = canvas(flat ? on.width : on.height, flat ? on.height : on.width);
    pen.translate(c.width / 2, c.height / 2);
    pen.rotate((g.n * Math.PI) / 2);
    pen.drawImage(on, -on.width / 2, -on.height / 2);
    return c;
  }
  if (g.what === "crop") {
    const x = Math.floor(g.x * on.width);
    const y = Math.floor(g.y * on.height);
    const [c, pen] = canvas(Math.ceil((g.x + g.w) * on.width) - x, Math.ceil((g.y + g.h) * on.height) - y);
    pen.drawImage(on, -x, -y);
    return c;
  }
  hide(on, g, g.what === "oval");
  return on;
}

function read(s: string): Gesture | undefined {
  const [what, ...n] = s.split(" ");
  const [x, y, w, h] = n.map(Number);
  if (what === "turn") return { what, n: x! };
  if (what === "oval" || what === "rect" || what === "crop") return { what, x: x!, y: y!, w: w!, h: h! };
  return undefined;
}

function write(g: Gesture): string {
  return g.what === "turn" ? `turn ${g.n}` : [g.what, ...[g.x, g.y, g.w, g.h].map((n) => clamp(n, 0, 1).toFixed(5))].join(" ");
}

class Picture extends HTMLElement {
  private part = <T extends HTMLElement>(name: string) => this.querySelector<T>(`[data-${name}]`)!;
  private view = this.part("view");
  private area = this.part<HTMLButtonElement>("area");
  private moves = this.part("moves");
  private undo = this.part<HTMLButtonElement>("undo");
  private said = this.part("said");
  private hint = this.part("hint-text");
  private fields = this.part("gestures");
  private img = this.querySelector("img")!;
  private form = this.closest("form")!;
  private tools = Array.from(this.querySelectorAll<HTMLButtonElement>("[data-tool]"));
  private shown = document.createElement("canvas");
  private done: Gesture[] = [];
  private now = this.shown; // with all that is done
  private tool?: Tool;
  private box?: Box; // being placed
  private touched = false;
  private telling = 0;

  connectedCallback(): void {
    const start = () => {
      this.done = Array.from(this.fields.querySelectorAll("input"), (i) => read(i.value)).filter((g) => g !== undefined);
      this.shown.setAttribute("role", "img");
      this.shown.setAttribute("aria-label", this.img.alt);
      this.img.replaceWith(this.shown);
      for (const b of [...this.tools, this.undo]) b.hidden = false;
      this.listen();
      this.redo();
    };
    if (this.img.complete && this.img.naturalWidth) start();
    else this.img.addEventListener("load", start, { once: true });
  }

  private listen(): void {
    for (const b of this.querySelectorAll<HTMLButtonElement>("[data-turn]")) {
      b.type = "button";
      b.addEventListener("click", () => {
        this.settle();
        this.add({ what: "turn", n: Number(b.dataset.turn) });
      });
    }
    for (const b of this.tools) b.addEventListener("click", () => this.take(b.dataset.tool as Tool));
    for (const b of this.querySelectorAll<HTMLButtonElement>("[data-move]")) b.addEventListener("click", () => this.nudge(b.dataset.move!, 1));
    this.part("apply").addEventListener("click", () => this.settle(true));
    this.part("drop").addEventListener("click", () => this.leave(true));
    this.undo.addEventListener("click", () => this.back());
    this.area.addEventListener("keydown", (e) => this.key(e));
    this.view.addEventListener("pointerdown", (e) => this.point(e));
    this.form.addEventListener("submit", (e) => {
      e.preventDefault();
      void this.send();
    });
  }

  // take picks a tool up, or puts it down. A box is there at once, so that none has
  // to be drawn.
  private take(tool: Tool): void {
    const again = this.tool === tool && !!this.box;
    this.settle();
    this.tool = again ? undefined : tool;
    if (this.tool) {
      const side = tool === "crop" ? 0.8 : 0.3;
      const long = Math.max(this.now.width, this.now.height) / Math.min(this.now.width, this.now.height);
      const [w, h] = tool === "crop" ? [side, side] : this.now.width > this.now.height ? [side / long, side] : [side, side / long];
      this.put({ x: (1 - w) / 2, y: (1 - h) / 2, w, h });
      this.area.focus({ preventScroll: true });
      this.tell();
    }
    this.draw();
  }

  private put(b: Box): void {
    b.w = clamp(b.w, least, 1);
    b.h = clamp(b.h, least, 1);
    b.x = clamp(b.x, 0, 1 - b.w);
    b.y = clamp(b.y, 0, 1 - b.h);
    this.box = b;
    this.draw();
  }

  private nudge(how: string, fine: number): void {
    const b = this.box;
    if (!b) return;
    const d = step * fine;
    const grow = how === "larger" ? 2 * d : how === "smaller" ? -2 * d : 0;
    const dx = how === "left" ? -d : how === "right" ? d : -grow / 2;
    const dy = how === "up" ? -d : how === "down" ? d : -grow / 2;
    this.touched = true;
    this.put({ x: b.x + dx, y: b.y + dy, w: b.w + grow, h: b.h + grow });
    this.tell();
  }

  private key(e: KeyboardEvent): void {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[e.key];
    const b = this.box;
    if (!b) return;
    if (way) {
      const [dx, dy] = [way[0]! * step, way[1]! * step];
      this.touched = true;
      this.put(e.shiftKey ? { ...b, w: Math.min(b.w + dx, 1 - b.x), h: Math.min(b.h + dy, 1 - b.y) } : { ...b, x: b.x + dx, y: b.y + dy });
      this.tell();
    } else if (e.key === "Enter" || e.key === " ") this.settle(true);
    else if (e.key === "Delete" || e.key === "Backspace" || e.key === "Escape") this.leave(true);
    else return;
    e.preventDefault();
  }

  // point draws a box, moves it, or pulls one of its corners.
  private point(e: PointerEvent): void {
    if (!this.tool || e.button !== 0) return;
    e.preventDefault();
    const frame = this.shown.getBoundingClientRect();
    const at = (p: PointerEvent) => ({ x: clamp((p.clientX - frame.left) / frame.width, 0, 1), y: clamp((p.clientY - frame.top) / frame.height, 0, 1) });
    const from = at(e);
    const corner = (e.target as HTMLElement).dataset.corner;
    const before = this.box && { ...this.box };
    const moving = !corner && this.area.contains(e.target as Node) && before;
    // The corner that stays, or where the drawing began.
    const fixed = corner && before ? { x: before.x + (corner.endsWith("w") ? before.w : 0), y: before.y + (corner.startsWith("n") ? before.h : 0) } : from;
    if (!corner && !moving) {
      if (this.touched && this.tool !== "crop") this.settle();
      this.box = undefined;
    }
    const far = (p: PointerEvent) => Math.hypot(p.clientX - e.clientX, p.clientY - e.clientY) >= tapped;
    const follow = (p: PointerEvent) => {
      const to = at(p);
      if (moving) this.put({ ...moving, x: moving.x + to.x - from.x, y: moving.y + to.y - from.y });
      else if (corner || far(p)) this.put({ x: Math.min(fixed.x, to.x), y: Math.min(fixed.y, to.y), w: Math.abs(to.x - fixed.x), h: Math.abs(to.y - fixed.y) });
      this.touched = true;
    };
    const end = (p: PointerEvent) => {
      this.view.removeEventListener("pointermove", follow);
      this.view.removeEventListener("pointerup", end);
      this.view.removeEventListener("pointercancel", end);
      if (!this.box) { // only touched: a face is there
        const side = 0.16 * Math.min(frame.width, frame.height);
        const [w, h] = [side / frame.width, (side / frame.height) * 1.25];
        if (this.tool === "crop") this.box = before;
        else if (p.type === "pointerup") this.put({ x: from.x - w / 2, y: from.y - h / 2, w, h });
        this.touched = true;
      }
      this.draw();
      this.area.focus({ preventScroll: true });
      this.tell();
    };
    this.view.setPointerCapture(e.pointerId);
    this.view.addEventListener("pointermove", follow);
    this.view.addEventListener("pointerup", end);
    this.view.addEventListener("pointercancel", end);
  }

  // settle makes a gesture of the box; what is seen is what is kept.
  private settle(by = false): void {
    const b = this.box;
    this.leave(by);
    if (b && this.tool) this.add({ what: this.tool, ...b });
    if (by && this.tool === "crop") {
      this.tool = undefined;
      this.draw();
    }
  }

  private leave(by: boolean): void {
    this.box = undefined;
    this.touched = false;
    if (by) this.tools.find((t) => t.dataset.tool === this.tool)?.focus({ preventScroll: true });
    this.draw();
  }

  private add(g: Gesture): void {
    this.done.push(g);
    this.changed();
    this.say(this.dataset.done!);
  }

  private back(): void {
    if (this.box && this.touched) this.leave(true);
    else {
      this.box = undefined;
      this.done.pop();
      this.changed();
    }
    if (this.undo.disabled) this.tools[0]!.focus({ preventScroll: true });
    this.say(this.dataset.undone!);
  }

  // redo draws all that is done anew, and writes it into the form.
  private redo(): void {
    const [c, pen] = canvas(this.img.naturalWidth, this.img.naturalHeight);
    pen.drawImage(this.img, 0, 0);
    this.now = this.done.reduce(apply, c);
    this.fields.replaceChildren();
    for (const g of this.done) this.field(g);
    this.draw();
  }

  private changed(): void {
    this.redo();
    this.form.dispatchEvent(new Event("input", { bubbles: true })); // there is something to lose
  }

  private field(g: Gesture): void {
    const i = document.createElement("input");
    i.type = "hidden";
    i.name = "geste";
    i.value = write(g);
    this.fields.append(i);
  }

  private draw(): void {
    const { now, shown, box: b, tool } = this;
    shown.width = now.width;
    shown.height = now.height;
    const pen = shown.getContext("2d")!;
    pen.drawImage(now, 0, 0);
    if (b && tool === "crop") {
      pen.fillStyle = "rgb(26 33 56 / .6)";
      const [x, y, w, h] = [b.x * now.width, b.y * now.height, b.w * now.width, b.h * now.height];
      pen.beginPath();
      pen.rect(0, 0, now.width, now.height);
      pen.rect(x, y, w, h);
      pen.fill("evenodd");
    } else if (b && tool) hide(shown, b, tool === "oval");
    if (tool) this.view.dataset.tool = tool;
    else delete this.view.dataset.tool;
    this.area.hidden = this.moves.hidden = !b;
    if (b) {
      const s = this.area.style;
      [s.left, s.top, s.width, s.height] = [b.x, b.y, b.w, b.h].map((n) => `${n * 100}%`) as [string, string, string, string];
      this.area.dataset.shape = tool;
      this.area.setAttribute("aria-label", (tool === "crop" ? this.dataset.zoneCrop : this.dataset.zone)!);
    }
    for (const t of this.tools) t.setAttribute("aria-pressed", String(t.dataset.tool === tool));
    this.hint.hidden = !tool;
    this.hint.textContent = (tool === "crop" ? this.dataset.hintCrop : this.dataset.hint)!;
    this.undo.disabled = this.done.length === 0 && !(b && this.touched);
  }

  private say(text: string): void {
    clearTimeout(this.telling);
    this.said.textContent = text.replace("#", String(this.done.length));
  }

  // tell says where the box is, once it rests.
  private tell(): void {
    clearTimeout(this.telling);
    this.telling = window.setTimeout(() => {
      const b = this.box;
      if (!b) return;
      const parts = [b.x, b.y, b.w, b.h];
      this.said.textContent = this.dataset.place!.replace(/#(\d)/g, (_, n) => String(Math.round(parts[Number(n) - 1]! * 100)));
    }, 500);
  }

  // send keeps the page, and all that is on it, until the picture is kept.
  private async send(): Promise<void> {
    this.settle();
    const button = this.form.querySelector<HTMLButtonElement>("button:not([type=button])");
    if (button) button.disabled = true;
    this.say(this.dataset.sending!);
    try {
      const answer = await fetch(this.form.action, { method: "POST", body: new URLSearchParams(new FormData(this.form) as unknown as Record<string, string>) });
      if (answer.ok && answer.redirected) {
        this.form.dispatchEvent(new Event("marelle:saved"));
        location.assign(answer.url);
        return;
      }
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      this.say(page.querySelector(".bilan li, main h1 + p")?.textContent?.trim() || this.dataset.failed!);
    } catch {
      this.say(this.dataset.cut!);
    }
    if (button) button.disabled = false;
    this.scrollIntoView({ block: "nearest" });
  }
}

customElements.define("marelle-picture", Picture);
