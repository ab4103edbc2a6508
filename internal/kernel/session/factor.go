package session

import (
	"context"

	"marelle/internal/platform/db"
)

const atFactor = "/compte/deuxieme-facteur"

// hasSecondFactor says whether somebody must give a second factor to sign in.
func hasSecondFactor(ctx context.Context, q db.Querier, person string) (bool, error) {
	n, err := db.Value[int](ctx, q, `SELECT count(*) FROM second_factor WHERE person = $1 AND confirmed_at IS NOT NULL`, person)
	return n > 0, err
}
