package tell_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"marelle/internal/kernel/notify"
	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/tell"
	"marelle/internal/platform/clock"
	"marelle/internal/testkit/testapp"
)

// moment is an hour on the wall of a school, and when somebody is told there of
// what is published then.
type moment struct {
	name          string
	hours         notify.Hours
	now           string
	once          string
	daily, weekly string
}

var (
	always  = notify.Hours{Summary: 18, Day: 5}
	night   = notify.Hours{QuietFrom: 20, QuietTo: 7, Summary: 18, Day: 5}
	sunday  = notify.Hours{QuietFrom: 20, QuietTo: 7, Sunday: true, Summary: 18, Day: 5}
	evening = notify.Hours{QuietFrom: 17, QuietTo: 7, Summary: 18, Day: 3}
)

var moments = []moment{
	{"a Monday, no silence", always, "2026-11-23 16:30", "2026-11-23 16:30", "2026-11-23 18:00", "2026-11-27 18:00"},
	{"a Monday evening, no silence", always, "2026-11-23 21:00", "2026-11-23 21:00", "2026-11-24 18:00", "2026-11-27 18:00"},
	{"outside the silence", night, "2026-11-23 16:30", "2026-11-23 16:30", "2026-11-23 18:00", "2026-11-27 18:00"},
	{"a minute before it", night, "2026-11-23 19:59", "2026-11-23 19:59", "2026-11-24 18:00", "2026-11-27 18:00"},
	{"as it begins", night, "2026-11-23 20:00", "2026-11-24 07:00", "2026-11-24 18:00", "2026-11-27 18:00"},
	{"after midnight", night, "2026-11-24 02:00", "2026-11-24 07:00", "2026-11-24 18:00", "2026-11-27 18:00"},
	{"as it ends", night, "2026-11-24 07:00", "2026-11-24 07:00", "2026-11-24 18:00", "2026-11-27 18:00"},
	{"before the night that is an hour shorter in Paris", night, "2027-03-27 21:00", "2027-03-28 07:00", "2027-03-28 18:00", "2027-04-02 18:00"},
	{"in that night", night, "2027-03-28 01:30", "2027-03-28 07:00", "2027-03-28 18:00", "2027-04-02 18:00"},
	{"before the night that is an hour longer in Paris", night, "2026-10-24 21:00", "2026-10-25 07:00", "2026-10-25 18:00", "2026-10-30 18:00"},
	{"in that night", night, "2026-10-25 04:00", "2026-10-25 07:00", "2026-10-25 18:00", "2026-10-30 18:00"},
	{"a Saturday, silent on Sunday", sunday, "2026-10-24 16:30", "2026-10-24 16:30", "2026-10-24 18:00", "2026-10-30 18:00"},
	{"a Saturday night, silent on Sunday", sunday, "2026-10-24 21:00", "2026-10-26 07:00", "2026-10-26 07:00", "2026-10-30 18:00"},
	{"a Sunday, silent", sunday, "2027-03-28 12:00", "2027-03-29 07:00", "2027-03-29 07:00", "2027-04-02 18:00"},
	{"summaries in the silence, that of the week on Wednesday", evening, "2026-11-23 16:30", "2026-11-23 16:30", "2026-11-24 07:00", "2026-11-26 07:00"},
	{"all in the silence", evening, "2026-11-23 17:30", "2026-11-24 07:00", "2026-11-24 07:00", "2026-11-26 07:00"},
}

// at is when the moment has somebody told in a rhythm.
func (m moment) at(r notify.Rhythm) string {
	switch r {
	case notify.Daily:
		return m.daily
	case notify.Weekly:
		return m.weekly
	}
	return m.once
}

// Every kind that services declare, to every profile that is told of it, on the
// phone and by mail, chosen in every way or not at all, at every moment, in Paris,
// where nights change, and in La Réunion: what is sent, and when it is there.
func TestEveryKindIsToldAsChosen(t *testing.T) {
	devices, n := []string{"phone", "tablet"}, 0
	for _, a := range testapp.New(t).Core.Apps {
		for _, kind := range a.Told {
			if len(kind.For) == 0 {
				t.Errorf("%s is told to nobody", kind.Kind)
			}
			for profile, usual := range kind.For {
				for _, c := range choices(kind, usual) {
					for _, reach := range []struct {
						devices []string
						address bool
					}{{devices, true}, {nil, true}, {devices, false}, {nil, false}} {
						for _, zone := range []string{"Europe/Paris", "Indian/Reunion"} {
							for _, m := range moments {
								var want []string
								if c.rings {
									for _, d := range reach.devices {
										want = append(want, "push "+d+" "+m.once)
									}
								}
								if reach.address && c.mail != notify.Never {
									how := map[bool]string{true: "mail ", false: "summary "}[c.mail == notify.Once]
									want = append(want, how+m.at(c.mail))
								}
								c.setting.Hours = m.hours
								got := said(tell.Ways(kind, c.setting, []rights.Profile{profile}, reach.devices, reach.address, wall(t, m.now, zone), clock.Zone(zone)), zone)
								if !slices.Equal(got, want) {
									t.Errorf("%s, %s, %s, %d devices, address %v, %s, %s: %q, want %q", kind.Kind, profile, c.name, len(reach.devices), reach.address, zone, m.name, got, want)
								}
								n++
							}
						}
					}
				}
			}
		}
	}
	t.Logf("%d decisions", n)
}

// choice is a way to choose, and what it means for a kind.
type choice struct {
	name    string
	setting notify.Setting
	rings   bool
	mail    notify.Rhythm
}

func choices(kind notify.Told, usual notify.Choice) []choice {
	if usual.Mail == "" {
		usual.Mail = notify.Never
	}
	out := []choice{
		{"nothing chosen", notify.Setting{}, usual.Push, usual.Mail},
		{"another service off", notify.Setting{Off: map[string]bool{"other": true}}, usual.Push, usual.Mail},
		{"the service off", notify.Setting{Off: map[string]bool{kind.Service(): true}}, false, notify.Never},
		{"the service off, the kind on", notify.Setting{Off: map[string]bool{kind.Service(): true}, Choices: map[string]notify.Choice{kind.Kind: {Push: true, Mail: notify.Once}}}, false, notify.Never},
	}
	for _, rings := range []bool{true, false} {
		for _, mail := range notify.Rhythms {
			out = append(out, choice{fmt.Sprint("rings ", rings, ", mail ", mail), notify.Setting{Choices: map[string]notify.Choice{kind.Kind: {Push: rings, Mail: mail}}}, rings, mail})
		}
	}
	return out
}

func wall(t *testing.T, text, zone string) time.Time {
	t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04", text, clock.Zone(zone))
	if err != nil {
		t.Fatal(err)
	}
	return at.UTC()
}

// said is what each way says, with the hour on the wall.
func said(list []tell.Way, zone string) (out []string) {
	for _, w := range list {
		at := " " + w.Due.In(clock.Zone(zone)).Format("2006-01-02 15:04")
		switch {
		case w.Channel == "push" && !w.Digest:
			out = append(out, "push "+w.Target+at)
		case w.Digest:
			out = append(out, "summary"+at)
		default:
			out = append(out, w.Channel+at)
		}
	}
	return out
}
