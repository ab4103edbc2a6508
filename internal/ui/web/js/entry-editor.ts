// The text area of <marelle-editor> becomes an editor. What it makes goes into
// the hidden field beside it, and the text area is sent no more; were this never
// to run, the text area is the field that it was.
import { Editor, Extension, type Extensions } from "@tiptap/core";
import { Blockquote } from "@tiptap/extension-blockquote";
import { Bold } from "@tiptap/extension-bold";
import { Document } from "@tiptap/extension-document";
import { HardBreak } from "@tiptap/extension-hard-break";
import { Heading } from "@tiptap/extension-heading";
import { Italic } from "@tiptap/extension-italic";
import { Link } from "@tiptap/extension-link";
import { BulletList } from "@tiptap/extension-list/bullet-list";
import { ListItem } from "@tiptap/extension-list/item";
import { ListKeymap } from "@tiptap/extension-list/keymap";
import { OrderedList } from "@tiptap/extension-list/ordered-list";
import { Paragraph } from "@tiptap/extension-paragraph";
import { Strike } from "@tiptap/extension-strike";
import { Text } from "@tiptap/extension-text";
import { Underline } from "@tiptap/extension-underline";
import { UndoRedo } from "@tiptap/extensions/undo-redo";
import { allowed } from "./address";
import { linkBox } from "./link-box";
import { pasted } from "./pasted";

// extensions are what richtext.Clean lets through, and no more: whatever is
// pasted becomes that.
function extensions(link: () => boolean): Extensions {
  return [
    Document,
    Paragraph,
    Text,
    Bold,
    Italic,
    Underline,
    Strike,
    HardBreak,
    Blockquote,
    BulletList,
    OrderedList,
    // Tab leaves the editor, in a list too.
    ListItem.extend({ addKeyboardShortcuts() { return { Enter: () => this.editor.commands.splitListItem(this.name) }; } }),
    ListKeymap,
    // One level, below the title of what is written; those that are pasted become it.
    Heading.extend({ parseHTML: () => [1, 2, 3, 4, 5, 6].map((n) => ({ tag: `h${n}`, attrs: { level: 3 } })) }).configure({ levels: [3] }),
    Link.extend({ addAttributes: () => ({ href: { default: null } }) }).configure({ openOnClick: false, defaultProtocol: "https", HTMLAttributes: { target: null, rel: null, class: null }, isAllowedUri: allowed }),
    UndoRedo,
    Extension.create({ name: "keys", addKeyboardShortcuts: () => ({ "Mod-k": link }) }),
  ];
}

const acts: Record<string, (e: Editor) => boolean> = {
  bold: (e) => e.commands.toggleBold(),
  italic: (e) => e.commands.toggleItalic(),
  underline: (e) => e.commands.toggleUnderline(),
  heading: (e) => e.commands.toggleHeading({ level: 3 }),
  bulletList: (e) => e.commands.toggleBulletList(),
  orderedList: (e) => e.commands.toggleOrderedList(),
  blockquote: (e) => e.commands.toggleBlockquote(),
  undo: (e) => e.commands.undo(),
  redo: (e) => e.commands.redo(),
};

// paragraphs are those of a text that was typed before the script came.
function paragraphs(plain: string) {
  return plain.split(/\n\s*\n/).map((p) => ({
    type: "paragraph",
    content: p.split("\n").flatMap((line, i) => [...(i ? [{ type: "hardBreak" }] : []), ...(line ? [{ type: "text", text: line }] : [])]),
  }));
}

class MarelleEditor extends HTMLElement {
  private editor?: Editor;

  connectedCallback(): void {
    const area = this.querySelector("textarea");
    const field = this.querySelector<HTMLInputElement>("input[type=hidden]");
    const bar = this.querySelector<HTMLElement>("[role=toolbar]");
    const box = this.querySelector("template");
    if (this.editor || !area || !field || !bar || !box || area.disabled) return;

    const id = area.id;
    const label = document.getElementById(`${id}-nom`);
    const attributes: Record<string, string> = { id, class: "zone texte", role: "textbox", "aria-multiline": "true", "aria-labelledby": `${id}-nom` };
    if (this.dataset.described) attributes["aria-describedby"] = this.dataset.described;
    if (area.hasAttribute("aria-invalid")) attributes["aria-invalid"] = "true";
    if (area.required) attributes["aria-required"] = "true";
    const had = document.activeElement === area;
    // What was typed while the script was on its way is the latest.
    const typed = area.value !== area.defaultValue;
    const room = document.createElement("div");
    room.hidden = true;
    this.insertBefore(room, area);

    const editor = new Editor({
      element: room,
      content: typed ? { type: "doc", content: paragraphs(area.value.replace(/\r\n/g, "\n")) } : field.value,
      extensions: extensions(() => this.link(box, editor.view)),
      injectCSS: false,
      enableInputRules: ["bulletList", "orderedList"],
      enablePasteRules: ["link"],
      editorProps: { attributes, transformPastedHTML: pasted },
    });
    this.editor = editor;
    area.disabled = true;
    area.id = `${id}-brut`;
    area.hidden = true;
    room.hidden = bar.hidden = false;
    this.classList.add("editeur");
    for (const el of this.querySelectorAll<HTMLElement>("[data-formed]")) el.hidden = true;
    label?.addEventListener("click", (e) => {
      e.preventDefault();
      editor.view.focus();
    });
    this.tools(bar, box, editor);

    const keep = () => {
      field.value = editor.isEmpty ? "" : editor.getHTML();
      field.dispatchEvent(new Event("input", { bubbles: true }));
    };
    editor.on("update", keep);
    if (typed) keep();
    if (had) editor.commands.focus("end");
  }

  // tools binds the buttons: one stop of the Tab key, arrows between them.
  private tools(bar: HTMLElement, box: HTMLTemplateElement, editor: Editor): void {
    const buttons = Array.from(bar.querySelectorAll("button"));
    const stop = (at: HTMLElement) => {
      for (const b of buttons) b.tabIndex = b === at ? 0 : -1;
    };
    stop(buttons[0]!);
    bar.addEventListener("focusin", (e) => stop(e.target as HTMLElement));
    bar.addEventListener("keydown", (e) => {
      const n = buttons.indexOf(e.target as HTMLButtonElement);
      const to = { ArrowRight: n + 1, ArrowLeft: n - 1 + buttons.length, Home: 0, End: buttons.length - 1 }[e.key];
      if (to === undefined || e.ctrlKey || e.altKey || e.metaKey) return;
      e.preventDefault();
      buttons[to % buttons.length]!.focus();
    });
    // The mouse leaves the cursor where it is; the keyboard stays on the button.
    bar.addEventListener("mousedown", (e) => e.preventDefault());
    bar.addEventListener("click", (e) => {
      const button = e.target instanceof Element ? e.target.closest<HTMLElement>("[data-command]") : null;
      if (!button || button.getAttribute("aria-disabled") === "true") return;
      if (button.dataset.command === "link") return void this.link(box, e.detail ? editor.view : button);
      acts[button.dataset.command!]!(editor);
      if (e.detail) editor.view.focus();
    });
    const show = () => {
      for (const b of buttons) {
        const name = b.dataset.command!;
        if (b.hasAttribute("aria-pressed")) b.setAttribute("aria-pressed", String(editor.isActive(name)));
        else b.setAttribute("aria-disabled", String(!(name === "undo" ? editor.can().undo() : editor.can().redo())));
      }
    };
    editor.on("transaction", show);
    show();
  }

  private link(box: HTMLTemplateElement, opener: { focus(): void }): boolean {
    linkBox(box, this.editor!, opener);
    return true;
  }

  disconnectedCallback(): void {
    this.editor?.destroy();
  }
}

customElements.define("marelle-editor", MarelleEditor);
