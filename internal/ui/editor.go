package ui

import (
	"strings"

	"marelle/internal/platform/richtext"
)

// EditorProps describes a text with a form: a field of several lines that a
// script makes an editor of. The form that it is in sends Name, plain, without
// the script, and Name+"_html": richtext.Typed reads them.
type EditorProps struct {
	FieldProps
	Rich richtext.HTML // the text as the editor had it; Value is its words
}

// html is what the editor begins with.
func (p EditorProps) html() string {
	if p.Rich != "" {
		return string(p.Rich)
	}
	return string(richtext.FromText(p.Value))
}

// formed says whether the text area cannot show all of the text.
func (p EditorProps) formed() bool { return p.Rich != "" && !richtext.Plain(p.Rich) }

// area names what is read with the text area; the editor, which shows all, is
// read with describedBy alone.
func (p EditorProps) area() string {
	if p.formed() {
		return strings.TrimSpace(p.describedBy() + " " + p.id() + "-forme")
	}
	return p.describedBy()
}

// editorTool is a button of the editor.
type editorTool struct {
	command, icon, label string
	keys                 string // those that do the same, as aria-keyshortcuts has them
	apart                bool   // from those before it
	toggles              bool
}

func editorTools() []editorTool {
	return []editorTool{
		{command: "bold", icon: "text-b", label: "ui.editor.bold", keys: "Control+B", toggles: true},
		{command: "italic", icon: "text-italic", label: "ui.editor.italic", keys: "Control+I", toggles: true},
		{command: "underline", icon: "text-underline", label: "ui.editor.underline", keys: "Control+U", toggles: true},
		{command: "heading", icon: "text-h", label: "ui.editor.heading", apart: true, toggles: true},
		{command: "bulletList", icon: "list-bullets", label: "ui.editor.list", toggles: true},
		{command: "orderedList", icon: "list-numbers", label: "ui.editor.numbers", toggles: true},
		{command: "blockquote", icon: "quotes", label: "ui.editor.quote", toggles: true},
		{command: "link", icon: "link", label: "ui.editor.link", keys: "Control+K", apart: true, toggles: true},
		{command: "undo", icon: "arrow-counter-clockwise", label: "ui.editor.undo", keys: "Control+Z", apart: true},
		{command: "redo", icon: "arrow-clockwise", label: "ui.editor.redo", keys: "Control+Y"},
	}
}
