package session

import (
	"context"
	"fmt"
	"time"

	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/id"
	"marelle/internal/platform/push"
)

// Subscribe ties a browser to the session that it is signed in with, and ends
// with it. A browser that changed hands is its new holder's alone.
func Subscribe(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, s push.Subscription) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	v := g.Viewer()
	if _, err := tx.Exec(ctx, `DELETE FROM push_subscription WHERE session = $1 OR endpoint = $2`, v.Session, s.Endpoint); err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	_, err := tx.Exec(ctx, `INSERT INTO push_subscription (id, person, session, endpoint, p256dh, auth, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		id.New(), v.Person, v.Session, s.Endpoint, s.Keys.P256dh, s.Keys.Auth, now.UnixMilli())
	return err
}

// Unsubscribe forgets the browser of the viewer's session.
func Unsubscribe(ctx context.Context, tx *db.Tx, g rights.Grant) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM push_subscription WHERE session = $1`, g.Viewer().Session)
	return err
}

// ForgetDevices forgets subscriptions that do not exist any more.
func ForgetDevices(ctx context.Context, tx *db.Tx, g rights.Grant, ids []string) error {
	if err := g.Confirm(ctx, tx); err != nil || len(ids) == 0 {
		return err
	}
	list, args := db.In(nil, ids)
	_, err := tx.Exec(ctx, `DELETE FROM push_subscription WHERE id IN (`+list+`)`, args...)
	return err
}

// Devices are the subscriptions of people, by person, whose session lasts.
func Devices(ctx context.Context, q db.Querier, now time.Time, persons []string) (map[string][]string, error) {
	list, args := db.In([]any{now.UnixMilli()}, persons)
	rows, err := db.All[struct{ ID, Person string }](ctx, q, `SELECT p.id, p.person FROM push_subscription p JOIN session s ON s.id = p.session
		WHERE s.expires_at > $1 AND p.person IN (`+list+`) ORDER BY p.id`, args...)
	out := map[string][]string{}
	for _, r := range rows {
		out[r.Person] = append(out[r.Person], r.ID)
	}
	return out, err
}

// Subscriptions reads browsers by id, those whose session lasts.
func Subscriptions(ctx context.Context, q db.Querier, now time.Time, ids []string) (map[string]push.Subscription, error) {
	list, args := db.In([]any{now.UnixMilli()}, ids)
	rows, err := db.All[struct{ ID, Endpoint, P256dh, Auth string }](ctx, q, `SELECT p.id, p.endpoint, p.p256dh, p.auth FROM push_subscription p JOIN session s ON s.id = p.session
		WHERE s.expires_at > $1 AND p.id IN (`+list+`)`, args...)
	out := make(map[string]push.Subscription, len(rows))
	for _, r := range rows {
		out[r.ID] = push.Subscription{Endpoint: r.Endpoint, Keys: push.SubscriptionKeys{P256dh: r.P256dh, Auth: r.Auth}}
	}
	return out, err
}

// Device is the subscription of a session, "" for none.
func Device(ctx context.Context, q db.Querier, session string) (string, error) {
	return db.Value[string](ctx, q, `SELECT id FROM push_subscription WHERE session = $1`, session)
}

// Address is the confirmed address of somebody, "" for none.
func Address(ctx context.Context, q db.Querier, person string) (string, error) {
	return db.Value[string](ctx, q, `SELECT email FROM person WHERE id = $1`, person)
}

// Known says whether there is a person of that id, not merged nor erased.
func Known(ctx context.Context, q db.Querier, person string) (bool, error) {
	n, err := db.Value[int](ctx, q, `SELECT count(*) FROM person WHERE id = $1 AND activated_at IS NOT NULL`, person)
	return n > 0, err
}
