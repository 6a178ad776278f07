package disk

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/pillion-dev/pillion/archive"
)

// Of runs of shared captures with one content the first and the last tell the
// same as all of them.
const thin = `DELETE FROM captures WHERE (url, by, time) IN (
	SELECT url, by, time FROM (
		SELECT url, by, time, ref || type || why AS is_, lag(ref || type || why) OVER w AS was, lead(ref || type || why) OVER w AS will
		FROM captures WHERE scope = 0 AND time < ? WINDOW w AS (PARTITION BY url ORDER BY time)
	) WHERE is_ = was AND is_ = will)`

// Expire implements archive.CaptureIndex.
func (c *Captures) Expire(ctx context.Context, before, unseen time.Time) (out archive.Expired, err error) {
	tx, err := c.db.BeginTx(ctx, nil)
	if err != nil {
		return out, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, tx.Rollback())
		}
	}()
	gone := expired{refs: map[archive.Ref]bool{}, owned: map[archive.OwnedRef]bool{}, visits: map[string]bool{}}
	if err := gone.take(ctx, tx, `DELETE FROM captures WHERE scope > 0 AND time < ? RETURNING by, scope, ref`, before); err != nil {
		return out, err
	}
	if err := gone.take(ctx, tx, `DELETE FROM captures WHERE time < ? RETURNING by, scope, ref`, unseen); err != nil {
		return out, err
	}
	if err := gone.take(ctx, tx, `DELETE FROM released WHERE ? IS NOT NULL RETURNING '', 0, ref`, before); err != nil {
		return out, err
	}
	if err := gone.take(ctx, tx, `DELETE FROM unpinned WHERE ? IS NOT NULL RETURNING visit, CASE visit WHEN '' THEN 0 ELSE 2 END, ref`, before); err != nil {
		return out, err
	}
	for _, forget := range []string{thin, `UPDATE OR REPLACE captures SET by = '' WHERE scope = 0 AND by <> '' AND time < ?`} {
		if _, err := tx.ExecContext(ctx, forget, before.UnixMicro()); err != nil {
			return out, err
		}
	}
	if out, err = gone.unneeded(ctx, tx); err != nil {
		return out, err
	}
	return out, tx.Commit()
}

// expired is what captures that are gone needed.
type expired struct {
	refs   map[archive.Ref]bool
	owned  map[archive.OwnedRef]bool
	visits map[string]bool
}

func (e *expired) take(ctx context.Context, tx *sql.Tx, query string, before time.Time) error {
	rows, err := tx.QueryContext(ctx, query, before.UnixMicro())
	if err != nil {
		return err
	}
	for rows.Next() {
		var by, ref string
		var scope int
		if err := rows.Scan(&by, &scope, &ref); err != nil {
			return errors.Join(err, rows.Close())
		}
		switch {
		case scope == scopePrivate:
			e.owned[archive.OwnedRef{Visit: by, Ref: archive.Ref(ref)}] = true
			e.visits[by] = true
		case ref != "":
			e.refs[archive.Ref(ref)] = true
		}
	}
	return errors.Join(rows.Err(), rows.Close())
}

const (
	// sharedNeed is what needs a shared blob.
	sharedNeed = `SELECT 1 FROM captures WHERE ref = ?1 AND scope < 2 UNION ALL SELECT 1 FROM kept WHERE ref = ?1
		UNION ALL SELECT 1 FROM pins WHERE visit = '' AND ref = ?1`
	// ownedNeed is what needs a blob in a visit's vault, and vaultNeed the vault.
	ownedNeed = `SELECT 1 FROM captures WHERE ref = ?1 AND by = ?2 AND scope = 2 UNION ALL SELECT 1 FROM pins WHERE visit = ?2 AND ref = ?1`
	vaultNeed = `SELECT 1 FROM captures WHERE by = ?1 AND scope = 2 UNION ALL SELECT 1 FROM pins WHERE visit = ?1`
)

// unneeded leaves out what other captures, pins or recordings need.
func (e *expired) unneeded(ctx context.Context, tx *sql.Tx) (out archive.Expired, err error) {
	needed := func(query string, args ...any) (yes bool) {
		if err == nil {
			err = tx.QueryRowContext(ctx, `SELECT EXISTS (`+query+`)`, args...).Scan(&yes)
		}
		return yes
	}
	for ref := range e.refs {
		if !needed(sharedNeed, string(ref)) {
			out.Refs = append(out.Refs, ref)
		}
	}
	for visit := range e.visits {
		if !needed(vaultNeed, visit) {
			out.Visits = append(out.Visits, visit)
			continue
		}
		for o := range e.owned {
			if o.Visit == visit && !needed(ownedNeed, string(o.Ref), visit) {
				out.Private = append(out.Private, o)
			}
		}
	}
	return out, err
}
