package notify_test

import (
	"testing"
	"time"

	"marelle/internal/kernel/notify"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/clock"
)

// Silence ends at its hour on the wall: in the night that is an hour shorter,
// in the one that is longer, and in La Réunion, which knows neither.
func TestSilenceEndsAtItsHour(t *testing.T) {
	night := notify.Hours{QuietFrom: 20, QuietTo: 7, Summary: 18}
	short := notify.Hours{QuietFrom: 22, QuietTo: 2, Summary: 18}
	sunday := notify.Hours{QuietFrom: 20, QuietTo: 7, Sunday: true, Summary: 18}
	noon := notify.Hours{QuietFrom: 12, QuietTo: 14, Summary: 18}
	for _, c := range []struct {
		name      string
		hours     notify.Hours
		zone      string
		now, want string // in UTC
	}{
		{"no silence", notify.DefaultHours, "Europe/Paris", "2026-11-23T23:00:00Z", "2026-11-23T23:00:00Z"},
		{"by day", night, "Europe/Paris", "2026-11-23T15:30:00Z", "2026-11-23T15:30:00Z"},
		{"in the evening", night, "Europe/Paris", "2026-11-23T19:00:00Z", "2026-11-24T06:00:00Z"},
		{"after midnight", night, "Europe/Paris", "2026-11-24T02:00:00Z", "2026-11-24T06:00:00Z"},
		{"its last minute", night, "Europe/Paris", "2026-11-24T05:59:59Z", "2026-11-24T06:00:00Z"},
		{"its end", night, "Europe/Paris", "2026-11-24T06:00:00Z", "2026-11-24T06:00:00Z"},
		{"at noon", noon, "Europe/Paris", "2026-11-24T11:30:00Z", "2026-11-24T13:00:00Z"},
		{"the short night", night, "Europe/Paris", "2026-03-28T22:00:00Z", "2026-03-29T05:00:00Z"},
		{"the long night", night, "Europe/Paris", "2026-10-24T22:00:00Z", "2026-10-25T06:00:00Z"},
		{"an end that does not exist", short, "Europe/Paris", "2026-03-28T22:30:00Z", "2026-03-29T01:00:00Z"},
		{"La Réunion", night, "Indian/Reunion", "2026-11-23T17:00:00Z", "2026-11-24T03:00:00Z"},
		{"La Réunion by day", night, "Indian/Reunion", "2026-11-23T03:00:00Z", "2026-11-23T03:00:00Z"},
		{"Saturday night to Monday", sunday, "Europe/Paris", "2026-11-28T20:00:00Z", "2026-11-30T06:00:00Z"},
		{"Sunday noon", sunday, "Europe/Paris", "2026-11-29T11:00:00Z", "2026-11-30T06:00:00Z"},
	} {
		now, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.hours.Due(now, clock.Zone(c.zone)).UTC().Format(time.RFC3339); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestSummariesLeaveAtTheirHour(t *testing.T) {
	for _, c := range []struct {
		name      string
		rhythm    notify.Rhythm
		hours     notify.Hours
		zone      string
		now, want string
	}{
		{"today", notify.Daily, notify.Hours{Summary: 18}, "Europe/Paris", "2026-11-23T15:30:00Z", "2026-11-23T17:00:00Z"},
		{"tomorrow", notify.Daily, notify.Hours{Summary: 18}, "Europe/Paris", "2026-11-23T17:00:00Z", "2026-11-24T17:00:00Z"},
		{"over the short night", notify.Daily, notify.Hours{Summary: 18}, "Europe/Paris", "2026-03-28T18:00:00Z", "2026-03-29T16:00:00Z"},
		{"Friday", notify.Weekly, notify.Hours{Summary: 18}, "Europe/Paris", "2026-11-23T15:30:00Z", "2026-11-27T17:00:00Z"},
		{"Wednesday, chosen", notify.Weekly, notify.Hours{Summary: 18, Day: 3}, "Europe/Paris", "2026-11-23T15:30:00Z", "2026-11-25T17:00:00Z"},
		{"Sunday, chosen", notify.Weekly, notify.Hours{Summary: 9, Day: 7}, "Europe/Paris", "2026-11-23T15:30:00Z", "2026-11-29T08:00:00Z"},
		{"Sunday, and silent that day", notify.Weekly, notify.Hours{Summary: 9, Day: 7, Sunday: true}, "Europe/Paris", "2026-11-23T15:30:00Z", "2026-11-29T23:00:00Z"},
		{"over the night that is longer", notify.Weekly, notify.Hours{Summary: 18, Day: 7}, "Europe/Paris", "2026-10-24T16:30:00Z", "2026-10-25T17:00:00Z"},
		{"Friday in La Réunion", notify.Weekly, notify.Hours{Summary: 18}, "Indian/Reunion", "2026-11-27T15:00:00Z", "2026-12-04T14:00:00Z"},
		{"held by silence", notify.Daily, notify.Hours{QuietFrom: 17, QuietTo: 7, Summary: 18}, "Europe/Paris", "2026-11-23T10:00:00Z", "2026-11-24T06:00:00Z"},
	} {
		now, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.hours.Next(c.rhythm, now, clock.Zone(c.zone)).UTC().Format(time.RFC3339); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// What somebody chose stands over what their profiles have; a service that is
// off says nothing; who is told of nothing chooses nothing.
func TestChoicesStandOverDefaults(t *testing.T) {
	word := notify.Told{Kind: "liaison.word", For: map[rights.Profile]notify.Choice{
		rights.Relative: {Push: true, Mail: notify.Daily}, rights.Teacher: {Mail: notify.Once}}}
	none := notify.Setting{}
	for _, c := range []struct {
		name     string
		setting  notify.Setting
		profiles []rights.Profile
		want     notify.Choice
		told     bool
	}{
		{"default", none, []rights.Profile{rights.Relative}, notify.Choice{Push: true, Mail: notify.Daily}, true},
		{"two profiles", none, []rights.Profile{rights.Relative, rights.Teacher}, notify.Choice{Push: true, Mail: notify.Once}, true},
		{"not told", none, []rights.Profile{rights.Guest}, notify.Choice{Mail: notify.Never}, false},
		{"chosen", notify.Setting{Choices: map[string]notify.Choice{"liaison.word": {Mail: notify.Weekly}}}, []rights.Profile{rights.Relative}, notify.Choice{Mail: notify.Weekly}, true},
		{"another kind", notify.Setting{Choices: map[string]notify.Choice{"blog.post": {}}}, []rights.Profile{rights.Relative}, notify.Choice{Push: true, Mail: notify.Daily}, true},
		{"off", notify.Setting{Off: map[string]bool{"liaison": true}}, []rights.Profile{rights.Relative}, notify.Choice{Mail: notify.Never}, false},
	} {
		if got, told := c.setting.Of(word, c.profiles); got != c.want || told != c.told {
			t.Errorf("%s: %+v %v, want %+v %v", c.name, got, told, c.want, c.told)
		}
	}
}
