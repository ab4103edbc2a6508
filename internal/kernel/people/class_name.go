package people

import (
	"context"
	"fmt"
	"strings"

	"marelle/internal/platform/db"
	"marelle/internal/platform/i18n"
)

// nameClasses finds the classes that bear the name of one of their teachers, of
// those among the persons: "Le Goff" is then nobody's article. The name is written
// with a space that does not part, which i18n takes for no article; every
// comparison of labels folds it. It gives the classes' members, whose captions
// say the name.
func nameClasses(ctx context.Context, tx *db.Tx, list string, args []any) ([]string, error) {
	rows, err := db.All[struct {
		ID, Label string
		Last      string
		UseName   string `db:"use_name"`
	}](ctx, tx, `SELECT DISTINCT c.id, c.label, p.last, p.use_name FROM class_member cm JOIN class c ON c.id = cm.class JOIN person p ON p.id = cm.person
		WHERE cm.profile = 'teacher' AND cm.valid_to = 9007199254740991 AND (c.label_key LIKE 'le %' OR c.label_key LIKE 'la %') AND cm.person IN (`+list+`)`, args...)
	if err != nil {
		return nil, fmt.Errorf("classes: %w", err)
	}
	var members []string
	for _, r := range rows {
		named := strings.Replace(r.Label, " ", "\u00a0", 1)
		if named != r.Label && (bears(r.Label, r.Last) || bears(r.Label, r.UseName)) {
			if _, err := tx.Exec(ctx, `UPDATE class SET label = $2 WHERE id = $1`, r.ID, named); err != nil {
				return nil, fmt.Errorf("classes: %w", err)
			}
			of, err := db.All[string](ctx, tx, `SELECT person FROM class_member WHERE class = $1`, r.ID)
			if err != nil {
				return nil, fmt.Errorf("classes: %w", err)
			}
			members = append(members, of...)
		}
	}
	return members, nil
}

// bears says whether a label is a surname, or begins with it: "Le Goff CE1".
func bears(label, surname string) bool {
	key := i18n.Fold(surname)
	return key != "" && strings.HasPrefix(i18n.Fold(label)+" ", key+" ")
}
