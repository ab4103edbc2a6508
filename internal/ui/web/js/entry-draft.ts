// A form that is saved as it is typed, so that a train, a pupil at the door or
// a lost network costs nobody a text. Its button does the same without this.
interface Answer {
  id?: string;
  revision?: number;
  text?: string;
  stop?: boolean; // what is saved is no draft any more
}

const form = document.querySelector<HTMLFormElement>("form[data-draft]");
const said = form?.querySelector<HTMLElement>("[data-draft-said]");

const pause = 1200; // after the last key
let dirty = false;
let busy: AbortController | undefined;
let stopped = false;
let wait = 0;
let failures = 0;

function say(text: string, fault = false): void {
  if (!said) return;
  // A reader hears of faults; each saving would be chatter.
  if (fault) said.setAttribute("role", "status");
  else said.removeAttribute("role");
  said.textContent = text;
}

function plan(after: number): void {
  clearTimeout(wait);
  if (!stopped) wait = window.setTimeout(() => void save(), after);
}

async function save(leaving = false): Promise<void> {
  if (!form || !dirty || stopped) return;
  if (busy && !leaving) return; // planned again when the answer comes
  dirty = false;
  const body = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (typeof value === "string") body.append(name, value);
  const control = (busy = new AbortController());
  let retry = false;
  // What is under way when the page goes must arrive; browsers carry 64 kB so.
  const keepalive = body.toString().length < 60_000;
  try {
    const r = await fetch(form.dataset.draft!, { method: "POST", body, keepalive, signal: control.signal });
    if (!r.headers.get("Content-Type")?.startsWith("application/json")) {
      retry = true;
      say(r.status === 401 || r.redirected ? said!.dataset.out! : said!.dataset.away!, true);
    } else {
      const a = (await r.json()) as Answer;
      failures = 0;
      if (a.text) say(a.text, !r.ok || a.stop);
      if (a.stop) stopped = true;
      for (const [name, value] of [["id", a.id], ["revision", a.revision]] as const) {
        const field = form.elements.namedItem(name);
        if (value !== undefined && field instanceof HTMLInputElement) field.value = String(value);
      }
      // Files travel with the button alone.
      const files = form.querySelector<HTMLInputElement>("input[type=file]")?.files?.length;
      if (r.ok && !dirty && !files) form.dispatchEvent(new CustomEvent("marelle:saved"));
    }
  } catch {
    if (control.signal.aborted) return;
    retry = true;
    say(said!.dataset.away!, true);
  } finally {
    if (busy === control) busy = undefined;
  }
  if (retry) {
    dirty = true;
    plan(Math.min(60_000, 2000 * 2 ** failures++));
  } else if (dirty) plan(pause);
}

if (form && said) {
  form.addEventListener("input", (e) => {
    if (e.target instanceof HTMLInputElement && e.target.type === "file") return;
    dirty = true;
    plan(pause);
  });
  form.addEventListener("submit", () => {
    // What is sent now is the last word.
    stopped = true;
    clearTimeout(wait);
    busy?.abort();
  });
  // A page that comes back, as it was, from the browser's memory.
  addEventListener("pageshow", (e) => {
    if (e.persisted) stopped = false;
  });
  // The sooner it leaves the likelier it arrives: before the page is asked to go,
  // and again if something was typed since.
  for (const leaving of ["beforeunload", "pagehide"]) addEventListener(leaving, () => void save(true));
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") void save(true);
  });
  addEventListener("online", () => plan(0));
}
