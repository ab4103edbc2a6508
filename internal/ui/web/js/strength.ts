import { each, type Root } from "./dom";

// A rough word on a password while it is typed. The server alone judges; this
// errs on the strict side, so that "solide" is never taken back without cause.
export function strength(root: Root): void {
  each<HTMLInputElement>(root, "input[data-strength]", "strength", (input) => {
    const box = document.getElementById(input.dataset.strength!);
    const meter = box?.querySelector("meter");
    const words = box?.querySelector("span");
    if (!box || !meter || !words) return;
    input.addEventListener("input", () => {
      const level = judge(input.value, input.dataset.login ?? "");
      box.hidden = input.value === "";
      meter.value = level + 1;
      words.textContent = [box.dataset.short, box.dataset.weak, box.dataset.fair, box.dataset.good][level] ?? "";
    });
  });
}

function judge(password: string, login: string): number {
  if (Array.from(password).length < 8) return 0;
  let rest = password.toLowerCase();
  for (const known of login.split(/[.-]/)) if (known.length > 2) rest = rest.split(known).join("");
  rest = rest.replace(/(.)\1+/g, "$1").replace(/\d{4,}/g, "0");
  const kinds = [/[a-z]/, /[A-Z]/, /\d/, /[^A-Za-z0-9\s]/].filter((k) => k.test(password)).length;
  const words = rest.split(/[\s,.;_-]+/).filter((w) => w.length > 2).length;
  // A word of a phrase is worth some thirteen bits; other characters two to five.
  const bits = words > 2 ? words * 13.5 : rest.length * (kinds > 2 ? 4.6 : kinds > 1 ? 3.6 : 2.6);
  return bits < 34 ? 1 : bits < 54 ? 2 : 3;
}
