// The few gestures shared by the modules.
export type Root = Document | Element;

// each runs f once for every element of the selector under root, root included.
export function each<T extends Element>(root: Root, selector: string, key: string, f: (el: T) => void): void {
  const found = Array.from(root.querySelectorAll<T>(selector));
  if (root instanceof Element && root.matches(selector)) found.unshift(root as T);
  for (const el of found) {
    const seen = `on${key}`;
    if (marks.get(el)?.has(seen)) continue;
    marks.set(el, (marks.get(el) ?? new Set()).add(seen));
    f(el);
  }
}
const marks = new WeakMap<Element, Set<string>>();

// once binds a listener on the document a single time, whatever the number of fragments.
const bound = new Set<string>();
export function once(key: string, f: () => void): void {
  if (!bound.has(key)) {
    bound.add(key);
    f();
  }
}
