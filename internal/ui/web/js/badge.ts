// badge writes a count on the icon of the app, where the system has room for one
// (https://w3c.github.io/badging/); none at 0.
export function badge(n: number): void {
  const nav = navigator as Navigator & { setAppBadge?: (n: number) => Promise<void> };
  void nav.setAppBadge?.(Math.min(n, 99)).catch(() => {});
}

// bell takes the count from the page's bell: what was read leaves the icon, wherever
// it was read.
export function bell(): void {
  const at = document.querySelector('[data-badge=""]');
  if (at) badge(parseInt(at.querySelector(".palet")?.textContent ?? "", 10) || 0);
}
