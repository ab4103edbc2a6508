// What every page loads. Each module adds comfort to markup that already works
// without it; none holds state that the server does not have.
import { bell } from "./badge";
import { court } from "./court";
import { dialogs } from "./dialogs";
import { fields } from "./fields";
import { listen } from "./listen";
import { menus } from "./menus";
import { poll } from "./poll";
import { selection } from "./selection";
import { toast } from "./toast";
import { worker } from "./worker";

const parts = [court, dialogs, fields, listen, menus, poll, selection, toast];

for (const part of parts) part(document);

// A fragment put in later announces itself, so that it gets the same comfort.
document.addEventListener("marelle:fragment", (e) => {
  if (e.target instanceof Element) for (const part of parts) part(e.target);
});

bell();
worker();
