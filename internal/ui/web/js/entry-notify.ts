// The page of notifications: settings that are saved as they are changed, and
// the switch that lets this browser ring. Without it the form has its button.
const form = document.querySelector<HTMLFormElement>("form[data-saves]");
const said = form?.querySelector<HTMLElement>("[data-said]");

// One request at a time, and the last one says all: two at once might be kept
// in the wrong order.
let saving = false;
let changed = false;
form?.addEventListener("change", async () => {
  changed = true;
  if (saving) return;
  saving = true;
  try {
    while (changed) {
      changed = false;
      await save(form);
    }
  } finally {
    saving = false;
  }
});

async function save(form: HTMLFormElement): Promise<void> {
  let ok = false;
  let page: Document | undefined;
  try {
    const data = new URLSearchParams(new FormData(form) as unknown as Record<string, string>);
    const answer = await fetch(form.action, { method: "POST", body: data });
    ok = answer.ok;
    page = new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    // Told below.
  }
  if (changed) return;
  if (said) {
    const fault = page?.querySelector<HTMLElement>("form[data-saves] .erreur span")?.textContent;
    said.textContent = ok ? said.dataset.said! : (fault ?? said.dataset.failed!);
  }
  if (!ok) return;
  // What a band says of its lines.
  const bands = page!.querySelectorAll(".reglage");
  form.querySelectorAll<HTMLElement>(".reglage").forEach((band, i) => {
    const fresh = bands[i];
    if (!fresh) return;
    band.className = fresh.className;
    const text = band.querySelector(".ruban p");
    if (text) text.textContent = fresh.querySelector(".ruban p")?.textContent ?? "";
    const whole = band.querySelector<HTMLInputElement>(".ruban input");
    if (whole) whole.indeterminate = fresh.querySelector(".ruban input")?.hasAttribute("data-some") ?? false;
  });
}

const button = document.querySelector<HTMLButtonElement>("button[data-rings]");
const can = "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;

if (button && can) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const tell = (text: string) => {
      const el = document.querySelector<HTMLElement>("[data-rings-said]");
      if (el) el.textContent = text;
    };
    button.disabled = true;
    try {
      if ((await Notification.requestPermission()) !== "granted") {
        tell(button.dataset.denied!);
        return;
      }
      const worker = await navigator.serviceWorker.ready;
      // One made for another key serves no more.
      await (await worker.pushManager.getSubscription())?.unsubscribe();
      const subscription = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: button.dataset.rings! });
      const answer = await fetch("/poche/abonnements", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(subscription) });
      if (!answer.ok) throw new Error(String(answer.status));
      location.assign("/notifications?fait=1");
    } catch {
      tell(button.dataset.failed!);
    } finally {
      button.disabled = false;
    }
  });
} else if (button && /iPhone|iPad/.test(navigator.userAgent)) {
  // There, only an app on the home screen may ring.
  document.querySelector<HTMLElement>("[data-rings-iphone]")?.removeAttribute("hidden");
}
