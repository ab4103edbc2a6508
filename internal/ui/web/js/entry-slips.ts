// The page of paper slips: a camera, or photos, read the squares of those that
// came back, one after the other. The list under it does the same by tapping.
import decodeQR, { decodeQRBatch } from "qr/decode.js";

type Answer = { state: "received" | "choice" | "refused" | "undone"; said: string; pupil?: string; before?: boolean };
type Detector = { detect(source: HTMLCanvasElement): Promise<{ rawValue: string }[]> };

const page = document.querySelector<HTMLElement>("[data-slips]");
if (page) slips(page, page.dataset.slips!);

function slips(page: HTMLElement, address: string): void {
  const part = <T extends HTMLElement>(name: string) => page.querySelector<T>(`[data-slips-${name}]`)!;
  const open = part<HTMLButtonElement>("open");
  const stop = part<HTMLButtonElement>("stop");
  const video = part<HTMLVideoElement>("video");
  const said = part("said");
  const list = part("list");
  const choice = part<HTMLFormElement>("choice");
  const photos = page.querySelector<HTMLInputElement>("input[type=file]")!;
  const canvas = document.createElement("canvas");
  const pen = canvas.getContext("2d", { willReadFrequently: true })!;
  page.hidden = false;
  open.hidden = !navigator.mediaDevices?.getUserMedia;

  // The browser's own reader where there is one: Android, not yet the others.
  let own: Promise<Detector | undefined> | undefined;
  const detector = () =>
    (own ??= (async () => {
      const B = (globalThis as { BarcodeDetector?: { new (o: object): Detector; getSupportedFormats(): Promise<string[]> } }).BarcodeDetector;
      try {
        if (B && (await B.getSupportedFormats()).includes("qr_code")) return new B({ formats: ["qr_code"] });
      } catch {
        // Named, but not there.
      }
    })());

  async function squares(source: CanvasImageSource, w: number, h: number, most: number, all: boolean): Promise<string[]> {
    const scale = Math.min(1, most / Math.max(w, h));
    canvas.width = Math.round(w * scale);
    canvas.height = Math.round(h * scale);
    pen.drawImage(source, 0, 0, canvas.width, canvas.height);
    const d = await detector();
    if (d) return (await d.detect(canvas)).map((c) => c.rawValue);
    const image = pen.getImageData(0, 0, canvas.width, canvas.height);
    try {
      if (!all) return [decodeQR(image)];
      return (await decodeQRBatch([image]))[0]!.filter((s) => typeof s === "string");
    } catch {
      return []; // nothing to read
    }
  }

  // What is heard and seen of each slip; browsers ask for a gesture before a sound.
  let sound: AudioContext | undefined;
  function tell(text: string, ok: boolean): void {
    said.textContent = text;
    said.dataset.ok = String(ok);
    if (navigator.userActivation?.hasBeenActive) navigator.vibrate?.(ok ? 80 : [80, 80, 80]);
    if (sound?.state !== "running") return;
    const tone = sound.createOscillator();
    const gain = sound.createGain();
    tone.frequency.value = ok ? 880 : 220;
    gain.gain.setValueAtTime(0.15, sound.currentTime);
    gain.gain.exponentialRampToValueAtTime(0.001, sound.currentTime + 0.25);
    tone.connect(gain).connect(sound.destination);
    tone.start();
    tone.stop(sound.currentTime + 0.25);
  }

  async function post(to: string, fields: Record<string, string>): Promise<Answer> {
    try {
      const r = await fetch(to, { method: "POST", headers: { Accept: "application/json" }, body: new URLSearchParams(fields) });
      return (await r.json()) as Answer;
    } catch {
      return { state: "refused", said: page.dataset.failed! };
    }
  }

  // The answer of a slip is tapped; the next ones may say the same.
  let same: string | undefined;
  function ask(): Promise<string | undefined> {
    choice.hidden = false;
    choice.querySelector<HTMLElement>("textarea, button")?.focus();
    return new Promise((done) => {
      const end = (e: Event, answer?: string) => {
        e.preventDefault();
        choice.hidden = true;
        choice.onsubmit = choice.onreset = null;
        choice.reset();
        done(answer);
      };
      choice.onsubmit = (e) => {
        const data = new FormData(choice, e.submitter);
        const answer = String(data.get("reponse") ?? "");
        same = data.has("pareil") ? answer : undefined;
        end(e, answer);
      };
      choice.onreset = (e) => end(e);
    });
  }

  async function note(text: string): Promise<void> {
    const talon = /\/carnet\/talon#([\w-]+)$/.exec(text)?.[1];
    if (!talon) return tell(page.dataset.foreign!, false);
    const fields: Record<string, string> = { talon, jour: page.dataset.day! };
    if (same !== undefined) fields.reponse = same;
    let a = await post(address, fields);
    if (a.state === "choice") {
      tell(a.said, true);
      const reponse = await ask();
      if (reponse === undefined) {
        said.textContent = "";
        return;
      }
      a = await post(address, { ...fields, reponse });
    }
    tell(a.said, a.state === "received");
    if (a.state !== "received" || !a.pupil) return;
    const line = document.createElement("li");
    const words = document.createElement("b");
    words.textContent = a.said;
    const undo = document.createElement("button");
    undo.type = "button";
    undo.className = "bouton discret pousse";
    undo.textContent = page.dataset.undo!;
    undo.setAttribute("aria-label", `${page.dataset.undo} : ${a.said}`);
    const pupil = a.pupil;
    undo.addEventListener("click", async () => {
      const b = await post(`${address}/annuler`, a.before ? { eleve: pupil, avant: "1" } : { eleve: pupil });
      tell(b.said, b.state === "undone");
      if (b.state === "undone") {
        line.remove();
        seen.delete(talon);
      }
    });
    line.append(words, undo);
    list.prepend(line);
  }

  // A slip that stays before the camera is read once.
  const seen = new Set<string>();
  let stream: MediaStream | undefined;
  let last = "";
  async function watch(): Promise<void> {
    while (stream) {
      if (video.readyState >= 2) {
        const found = await squares(video, video.videoWidth, video.videoHeight, 960, false);
        for (const text of found) {
          if (text === last || seen.has(text)) continue;
          last = text;
          if (/\/carnet\/talon#/.test(text)) seen.add(text);
          await note(text);
        }
      }
      await new Promise((r) => setTimeout(r, 150));
    }
  }

  function close(): void {
    stream?.getTracks().forEach((t) => t.stop());
    stream = undefined;
    video.hidden = stop.hidden = true;
    open.hidden = false;
  }

  open.addEventListener("click", async () => {
    sound ??= new AudioContext();
    void sound.resume();
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1280 } } });
    } catch {
      return tell(page.dataset.denied!, false);
    }
    video.srcObject = stream;
    video.hidden = stop.hidden = false;
    open.hidden = true;
    await video.play();
    void watch();
  });
  stop.addEventListener("click", close);
  addEventListener("pagehide", close);

  photos.addEventListener("change", async () => {
    for (const file of Array.from(photos.files ?? [])) {
      let found: string[] = [];
      try {
        const picture = await createImageBitmap(file);
        found = await squares(picture, picture.width, picture.height, 2400, true);
        picture.close();
      } catch {
        // Told below: not a picture, or one that this browser cannot open.
      }
      if (found.length === 0) tell(page.dataset.nothing!, false);
      for (const text of new Set(found)) await note(text);
    }
    photos.value = "";
  });
}
