package ui

// ShareProps is the window in which a thing is given to people: whom to choose
// among, what they may do, and who has it already. The form works as it is; its
// search keeps what was chosen.
type ShareProps struct {
	Action   string // where the form is sent
	Propose  string // where letters being typed are answered, by ShareProposals
	Words    string // searched
	Searched bool
	Error    string
	Found    []ShareChoice // what the search found, and what was chosen before
	Stars    []ShareChoice // the viewer's favourites
	Mine     []ShareChoice // the viewer's own classes and groups
	Others   []ShareChoice
	Roles    FieldProps
	Tell     bool
	Rows     []ShareRow
}

// ShareChoice is somebody or a group to choose.
type ShareChoice struct {
	Value, Label, Help, Icon string
	Person                   *Person
	Checked, Starred         bool
}

// ShareRow is somebody who has it. Action takes it back from Value; without it
// the row says from where it comes.
type ShareRow struct {
	Label, Icon, Role string
	Person            *Person
	Action, Value     string
	From, FromHref    string
}

func (p ShareProps) anyOther() bool {
	for _, c := range p.Others {
		if c.Checked {
			return true
		}
	}
	return len(p.Mine)+len(p.Found)+len(p.Stars) == 0
}

func (p ShareProps) faults() []FieldError {
	out := Errors(p.Roles)
	if p.Error != "" {
		out = append([]FieldError{{ID: "a", Message: p.Error}}, out...)
	}
	return out
}
