import type { Editor } from "@tiptap/core";
import { address } from "./address";
import { Box } from "./box";

// linkBox asks for the address of the link at the cursor, or of a new one; and
// for its words where none are selected.
export function linkBox(template: HTMLTemplateElement, editor: Editor, opener: { focus(): void }): void {
  const old: string = editor.getAttributes("link").href ?? "";
  if (old) editor.commands.extendMarkRange("link");
  const { dialog } = new Box(template, opener as HTMLElement, () => {});
  const part = <T extends HTMLElement>(selector: string) => dialog.querySelector<T>(selector)!;
  const words = part<HTMLInputElement>("[data-words] input");
  const field = part<HTMLInputElement>("[data-address] input");
  const fault = part("[data-fault]");
  const unlink = part("[data-unlink]");
  const empty = editor.state.selection.empty;
  part("[data-words]").hidden = !empty;
  unlink.hidden = !old;
  field.value = old.replace(/^(mailto|tel):/i, "");
  (empty ? words : field).focus();
  field.select();

  // done comes after the box has given the focus back.
  const done = () => {
    dialog.addEventListener("close", () => editor.view.focus());
    dialog.close();
  };
  part("form").addEventListener("submit", (e) => {
    e.preventDefault();
    const href = address(field.value);
    if (!href) {
      fault.querySelector("span")!.textContent = (field.value.trim() ? dialog.dataset.wrong : dialog.dataset.missing)!;
      fault.hidden = false;
      field.closest(".champ")!.classList.add("faux");
      field.setAttribute("aria-invalid", "true");
      field.setAttribute("aria-describedby", `${part(".aide").id} ${fault.id}`);
      field.focus();
      return;
    }
    const mark = { type: "link", attrs: { href } };
    if (empty) {
      const text = words.value.trim() || field.value.trim();
      editor.chain().insertContent({ type: "text", text, marks: [mark] }).unsetMark("link").run();
    } else editor.chain().setLink({ href }).setTextSelection(editor.state.selection.to).unsetMark("link").run();
    done();
  });
  unlink.addEventListener("click", () => {
    editor.commands.unsetLink();
    done();
  });
}
