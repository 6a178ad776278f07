package disk

import (
	"context"
	"errors"
	"iter"

	"github.com/pillion-dev/pillion/archive"
)

// Release implements archive.CaptureIndex.
func (c *Captures) Release(ctx context.Context, recording string) error {
	tx, err := c.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT OR IGNORE INTO released SELECT ref FROM kept WHERE recording = ?`, recording)
	if err == nil {
		_, err = tx.ExecContext(ctx, `DELETE FROM kept WHERE recording = ?`, recording)
	}
	if err == nil {
		err = unpin(ctx, tx, recording)
	}
	if err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// Uses implements archive.CaptureIndex.
func (c *Captures) Uses(ctx context.Context) iter.Seq2[archive.Use, error] {
	return func(yield func(archive.Use, error) bool) {
		rows, err := c.db.QueryContext(ctx, `SELECT recording, ref, coalesce((SELECT size FROM captures WHERE captures.ref = kept.ref AND scope < 2 LIMIT 1), 0) FROM kept ORDER BY recording`)
		if err != nil {
			yield(archive.Use{}, err)
			return
		}
		defer func() { _ = rows.Close() }() // rows.Err tells
		for rows.Next() {
			var u archive.Use
			if err := rows.Scan(&u.Recording, (*string)(&u.Ref), &u.Size); err != nil {
				yield(u, err)
				return
			}
			if !yield(u, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(archive.Use{}, err)
		}
	}
}

// Needs implements archive.CaptureIndex.
func (c *Captures) Needs(ctx context.Context, ref archive.Ref) (needed bool, err error) {
	err = c.db.QueryRowContext(ctx, `SELECT EXISTS (`+sharedNeed+`)`, string(ref)).Scan(&needed)
	return needed, err
}
