// The home page: a list that goes on below itself, and what may be done with a
// line. Without it there are links to other pages.
import { below } from "./below";
import { sheet } from "./sheet";

const parts = [below, sheet];

for (const part of parts) part(document);
document.addEventListener("marelle:fragment", (e) => {
  if (e.target instanceof Element) for (const part of parts) part(e.target);
});
