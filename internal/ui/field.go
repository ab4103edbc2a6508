package ui

import (
	"strconv"

	"github.com/a-h/templ"
)

// FieldProps describes any field. Error, when set, is a sentence saying what to
// do; Value is what the person typed, kept.
type FieldProps struct {
	Name        string
	ID          string // Name when empty
	Label       string
	Help        string
	Error       string
	Value       string
	Type        string // of <input>: text when empty
	Placeholder string
	Optional    bool // says so beside the label
	Required    bool
	Disabled    bool
	ReadOnly    bool
	Code        bool // monospace, capitals: activation codes
	Checked     bool // Checkbox
	Multiple    bool // FileField, Select
	SideBySide  bool // Choices: in two columns
	Accept      string
	Upload      string // FileField: where a script sends files at once, in pieces; each that arrived is then a hidden field
	Kept        string // the name of those fields
	Pick        string // FileField: the window in which files are chosen among those that the person has here
	After       string // where the form is sent, to be kept, before it is left for a page that comes back to it: that window without a script, the tool of a picture
	Rows        int    // TextArea
	Options     []Option
	Attrs       templ.Attributes // autocomplete, maxlength, inputmode, autofocus…
}

// Option is one choice of a Select or of Choices.
type Option struct {
	Value, Label, Help string
	Selected, Disabled bool
}

// FieldError is a line of the summary on top of a form.
type FieldError struct {
	ID      string // id of the field it leads to
	Message string
}

// Errors collects the faults of fields for an ErrorSummary, in order.
func Errors(fields ...FieldProps) []FieldError {
	var out []FieldError
	for _, f := range fields {
		if f.Error != "" {
			out = append(out, FieldError{ID: f.id(), Message: f.Error})
		}
	}
	return out
}

func (f FieldProps) id() string {
	if f.ID != "" {
		return f.ID
	}
	return f.Name
}

func (f FieldProps) class() string {
	if f.Error != "" {
		return "champ faux"
	}
	return "champ"
}

func (f FieldProps) kind() string {
	if f.Type == "" {
		return "text"
	}
	return f.Type
}

func (f FieldProps) rows() string {
	if f.Rows == 0 {
		return "4"
	}
	return strconv.Itoa(f.Rows)
}

func (f FieldProps) input() string {
	if f.Code {
		return "saisie code-s"
	}
	return "saisie"
}

// describedBy names the help and the error, so that they are read with the field.
func (f FieldProps) describedBy() string {
	switch {
	case f.Help != "" && f.Error != "":
		return f.id() + "-aide " + f.id() + "-erreur"
	case f.Help != "":
		return f.id() + "-aide"
	case f.Error != "":
		return f.id() + "-erreur"
	}
	return ""
}

// SwitchProps describes a switch: a checkbox whose position is the signal.
type SwitchProps struct {
	Name, ID, Label, Help string
	Value                 string // sent when on; "1" when empty
	On, Disabled          bool
	Some                  bool // neither all on nor all off
}

func (s SwitchProps) id() string {
	if s.ID != "" {
		return s.ID
	}
	return s.Name
}

func (s SwitchProps) value() string {
	if s.Value == "" {
		return "1"
	}
	return s.Value
}

func chipClass(kind string) string {
	switch kind {
	case "neutre", "ok", "alerte":
		return "puce " + kind
	case "":
		return "puce neutre"
	}
	return "puce " + PaintClass(kind)
}
