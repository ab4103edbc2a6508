// The service worker: shows notifications, and a page when there is no network.
// It keeps files that never change and one page that names nobody; pages of
// people are never kept.

// What the server says in front of this script.
declare const MARELLE: {
  cache: string; // another name for other files
  files: string[];
  prefix: string; // of what never changes
  offline: string;
  icon: string;
  title: string;
  text: string;
};
declare const self: any; // a ServiceWorkerGlobalScope

self.addEventListener("install", (e: any) => {
  self.skipWaiting();
  e.waitUntil(caches.open(MARELLE.cache).then((c) => c.addAll([...MARELLE.files, MARELLE.offline])));
});

self.addEventListener("activate", (e: any) => {
  e.waitUntil(
    (async () => {
      for (const name of await caches.keys()) if (name !== MARELLE.cache) await caches.delete(name);
      // A phone asks the network for the page while it still wakes the worker.
      await self.registration.navigationPreload?.enable();
      await self.clients.claim();
    })(),
  );
});

self.addEventListener("fetch", (e: any) => {
  const { method, mode, url } = e.request as Request;
  const at = new URL(url);
  if (method !== "GET" || at.origin !== self.location.origin) return;
  if (at.pathname.startsWith(MARELLE.prefix)) e.respondWith(unchanging(e.request));
  else if (mode === "navigate") e.respondWith(page(e));
});

async function unchanging(request: Request): Promise<Response> {
  const cache = await caches.open(MARELLE.cache);
  const kept = await cache.match(request.url);
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.ok) await cache.put(request.url, answer.clone()).catch(() => {}); // a full phone
  return answer;
}

async function page(e: any): Promise<Response> {
  try {
    return (await e.preloadResponse) ?? (await fetch(e.request));
  } catch {
    return (await caches.match(MARELLE.offline)) ?? Response.error();
  }
}

self.addEventListener("push", (e: any) => e.waitUntil(show(e.data)));

// A push that shows nothing costs the right to send any: there is always a text.
async function show(data: any): Promise<void> {
  let said: any = {};
  try {
    said = data?.json() ?? {};
  } catch {
    // Not ours, or empty: the general text.
  }
  const text = (v: unknown, otherwise: string) => (typeof v === "string" && v.trim() ? v.slice(0, 200) : otherwise);
  const url = inside(said.url);
  await Promise.all([
    self.registration.showNotification(text(said.titre, MARELLE.title), {
      body: text(said.texte, MARELLE.text),
      icon: MARELLE.icon,
      lang: "fr",
      tag: url, // the next one about the same thing replaces it, and rings
      renotify: true,
      data: { url },
    }),
    badge(said.badge),
  ]);
}

async function badge(n: unknown): Promise<void> {
  const nav = navigator as any;
  if (!Number.isInteger(n) || !nav.setAppBadge) return;
  await (Number(n) > 0 ? nav.setAppBadge(Math.min(Number(n), 99)) : nav.clearAppBadge()).catch(() => {});
}

// inside keeps a notification on our own portal, whatever it says.
function inside(address: unknown): string {
  try {
    const u = new URL(String(address ?? "/"), self.location.origin);
    if (u.origin === self.location.origin) return u.pathname + u.search + u.hash;
  } catch {
    // Not an address.
  }
  return "/";
}

self.addEventListener("notificationclick", (e: any) => {
  e.notification.close();
  e.waitUntil(open(inside(e.notification.data?.url)));
});

// A page already open there comes forward; another is left alone, for somebody
// may be writing in it.
async function open(path: string): Promise<void> {
  const address = new URL(path, self.location.origin).href;
  for (const c of await self.clients.matchAll({ type: "window", includeUncontrolled: true })) {
    if (c.url === address) {
      await c.focus();
      return;
    }
  }
  await self.clients.openWindow(address);
}
