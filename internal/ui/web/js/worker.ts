// The service worker comes once the page is there, and only where the portal
// offers itself for the home screen. Without it nothing is missing but that.
export function worker(): void {
  if (!("serviceWorker" in navigator) || !document.querySelector("link[rel=manifest]")) return;
  const register = () => void navigator.serviceWorker.register("/sw.js").catch(() => {});
  if (document.readyState === "complete") register();
  else addEventListener("load", register, { once: true });
}
