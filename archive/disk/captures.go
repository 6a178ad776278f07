package disk

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"time"

	_ "modernc.org/sqlite" // the driver

	"github.com/pillion-dev/pillion/archive"
)

const captureSchema = `
CREATE TABLE IF NOT EXISTS captures (
	url TEXT NOT NULL, visit TEXT NOT NULL, time INTEGER NOT NULL, -- µs since 1970
	ref TEXT NOT NULL, type TEXT NOT NULL, size INTEGER NOT NULL,
	PRIMARY KEY (url, visit, time)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS private_captures ON captures (time) WHERE visit <> '';
CREATE INDEX IF NOT EXISTS captures_by_ref ON captures (ref);
CREATE TABLE IF NOT EXISTS kept (
	ref TEXT NOT NULL, recording TEXT NOT NULL, PRIMARY KEY (ref, recording)
) WITHOUT ROWID;
`

// Captures implements archive.CaptureIndex in an SQLite file.
type Captures struct{ db *sql.DB }

// NewCaptures opens the file, and makes it when it is missing.
func NewCaptures(file string) (*Captures, error) {
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: file}).EscapedPath()+
		"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)")
	if err != nil {
		return nil, err
	}
	if _, err := db.Exec(captureSchema); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("capture index %s: %w", file, err)
	}
	return &Captures{db}, nil
}

// Close releases the file.
func (c *Captures) Close() error { return c.db.Close() }

// Add implements archive.CaptureIndex.
func (c *Captures) Add(ctx context.Context, captures []archive.Capture) error {
	if len(captures) == 0 {
		return nil
	}
	tx, err := c.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	for _, a := range captures {
		if _, err = tx.ExecContext(ctx, `INSERT OR REPLACE INTO captures VALUES (?, ?, ?, ?, ?, ?)`,
			a.URL, a.Visit, a.Time.UnixMicro(), string(a.Ref), a.Type, a.Size); err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	return tx.Commit()
}

// Find implements archive.CaptureIndex.
func (c *Captures) Find(ctx context.Context, url, visit string, from, to time.Time) (archive.Capture, error) {
	const find = `SELECT visit, time, ref, type, size FROM captures WHERE url = ? AND visit IN ('', ?) AND `
	a, b := from.UnixMicro(), to.UnixMicro()
	for _, try := range []struct {
		where string
		args  []any
	}{
		{`time >= ? AND time < ? ORDER BY time LIMIT 1`, []any{a, b}},
		{`time < ? ORDER BY time DESC LIMIT 1`, []any{a}},
		{`time >= ? ORDER BY time LIMIT 1`, []any{b}},
	} {
		found := archive.Capture{URL: url}
		var micro int64
		err := c.db.QueryRowContext(ctx, find+try.where, append([]any{url, visit}, try.args...)...).
			Scan(&found.Visit, &micro, (*string)(&found.Ref), &found.Type, &found.Size)
		if err == nil {
			found.Time = time.UnixMicro(micro).UTC()
			return found, nil
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return found, err
		}
	}
	return archive.Capture{}, archive.ErrAbsent
}

// Keep implements archive.CaptureIndex.
func (c *Captures) Keep(ctx context.Context, recording string, refs []archive.Ref) error {
	tx, err := c.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	for _, ref := range refs {
		if _, err := tx.ExecContext(ctx, `INSERT OR IGNORE INTO kept VALUES (?, ?)`, string(ref), recording); err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	return tx.Commit()
}

// Expire implements archive.CaptureIndex.
func (c *Captures) Expire(ctx context.Context, before time.Time) (unneeded []archive.Ref, err error) {
	tx, err := c.db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, tx.Rollback())
		}
	}()
	rows, err := tx.QueryContext(ctx, `DELETE FROM captures WHERE visit <> '' AND time < ? RETURNING ref`, before.UnixMicro())
	if err != nil {
		return nil, err
	}
	gone := map[archive.Ref]bool{}
	for rows.Next() {
		var ref archive.Ref
		if err := rows.Scan((*string)(&ref)); err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		gone[ref] = true
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	for ref := range gone {
		var needed bool
		err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM captures WHERE ref = ?1) OR EXISTS (SELECT 1 FROM kept WHERE ref = ?1)`, string(ref)).Scan(&needed)
		if err != nil {
			return nil, err
		}
		if !needed {
			unneeded = append(unneeded, ref)
		}
	}
	return unneeded, tx.Commit()
}
