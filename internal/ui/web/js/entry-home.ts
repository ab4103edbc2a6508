// The home page: a list that goes on below itself, what may be done with a line,
// what arrives while it is looked at. Without it there are links to other pages.
import { below } from "./below";
import { live } from "./live";
import { sheet } from "./sheet";

const parts = [below, sheet, live];

for (const part of parts) part(document);
document.addEventListener("marelle:fragment", (e) => {
  if (e.target instanceof Element) for (const part of parts) part(e.target);
});
