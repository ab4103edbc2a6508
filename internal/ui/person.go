package ui

import (
	"strings"
	"unicode/utf8"
)

// Person is what an avatar needs. Animal wins over Picture, Picture over
// Initials. Size is "" (44 px), "p" (32), or "g" (64).
type Person struct {
	Initials string
	Paint    string
	Animal   string
	Picture  string // address of a photo
	Size     string
}

func (s Shell) avatar(size string) Person {
	return Person{Initials: s.Initials, Paint: s.AvatarPaint, Animal: s.Avatar, Picture: s.AvatarPicture, Size: size}
}

func (p Person) class() string {
	c := "avatar"
	switch p.Size {
	case "p":
		c = "avatar p"
	case "g":
		c = "avatar g"
	}
	if p.Animal != "" || p.Picture != "" {
		return c
	}
	switch p.Paint {
	case "jaune":
		return c + " av-j"
	case "vert":
		return c + " av-v"
	case "rose":
		return c + " av-r"
	case "lilas":
		return c + " av-l"
	case "orange":
		return c + " av-o"
	case "turquoise":
		return c + " av-t"
	}
	return c
}

// Initials gives the letters of an avatar: "Nadia", "Kermadec" make "NK".
func Initials(first, last string) string {
	return letter(first) + letter(last)
}

func letter(s string) string {
	s = strings.TrimSpace(s)
	_, n := utf8.DecodeRuneInString(s)
	return strings.ToUpper(s[:n])
}

// PersonPaint gives the paint behind someone's initials, always the same for
// the same seed (an identifier).
func PersonPaint(seed string) string {
	var h uint32 = 2166136261 // FNV-1a, to spread neighbouring identifiers
	for i := 0; i < len(seed); i++ {
		h = (h ^ uint32(seed[i])) * 16777619
	}
	p := [...]string{"jaune", "vert", "rose", "lilas", "orange", "turquoise"}
	return p[h%uint32(len(p))]
}
