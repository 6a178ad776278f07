package disk

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/pillion-dev/pillion/archive"
)

// pinSchema has pins by themselves: captures are thinned, and lose who fetched
// them. unpinned is what the next Expire has to look at.
const pinSchema = `
CREATE TABLE IF NOT EXISTS pins (
	session TEXT NOT NULL, page INTEGER NOT NULL, url TEXT NOT NULL, at INTEGER NOT NULL, -- µs since 1970
	visit TEXT NOT NULL, ref TEXT NOT NULL, time INTEGER NOT NULL, type TEXT NOT NULL, size INTEGER NOT NULL,
	status INTEGER NOT NULL, location TEXT NOT NULL, header TEXT NOT NULL, -- JSON
	source TEXT NOT NULL,
	PRIMARY KEY (session, page, url)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS pins_by_ref ON pins (visit, ref);
CREATE TABLE IF NOT EXISTS unpinned (visit TEXT NOT NULL, ref TEXT NOT NULL, PRIMARY KEY (visit, ref)) WITHOUT ROWID;
`

// insertPin looks whether the content is needed in the same statement, so that
// Expire either sees the pin or has taken the content before.
const insertPin = `INSERT OR IGNORE INTO pins SELECT ?3, ?4, ?5, ?6, ?2, ?1, ?7, ?8, ?9, ?10, ?11, ?12, ?13
	WHERE ?1 = '' OR ?2 = '' AND EXISTS (` + sharedNeed + `) OR ?2 <> '' AND EXISTS (` + ownedNeed + `)`

// Pin implements archive.Pins.
func (c *Captures) Pin(ctx context.Context, pins []archive.Pin) error {
	if len(pins) == 0 {
		return nil
	}
	tx, err := c.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	for i := range pins {
		p := &pins[i]
		header, err := headerText(p.Header)
		if err == nil {
			_, err = tx.ExecContext(ctx, insertPin, string(p.Ref), p.Visit, p.Session, p.Page, p.URL, p.At.UnixMicro(),
				p.Time.UnixMicro(), p.Type, p.Size, p.Status, p.Location, header, string(p.Source))
		}
		if err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	return tx.Commit()
}

const pinSelection = `SELECT session, page, url, at, visit, ref, time, type, size, status, location, header, source FROM pins WHERE session = ? `

func scanPin(row interface{ Scan(...any) error }) (p archive.Pin, err error) {
	var at, micro int64
	var header string
	err = row.Scan(&p.Session, &p.Page, &p.URL, &at, &p.Visit, (*string)(&p.Ref), &micro, &p.Type, &p.Size, &p.Status, &p.Location, &header, (*string)(&p.Source))
	if err == nil && header != "" {
		err = json.Unmarshal([]byte(header), &p.Header)
	}
	p.At, p.Time, p.By, p.Own = time.UnixMicro(at).UTC(), time.UnixMicro(micro).UTC(), p.Visit, p.Visit != ""
	return p, err
}

// Pinned implements archive.Pins.
func (c *Captures) Pinned(ctx context.Context, session string, page uint32, url string) (archive.Pin, error) {
	p, err := scanPin(c.db.QueryRowContext(ctx, pinSelection+`AND page = ? AND url = ?`, session, page, url))
	if errors.Is(err, sql.ErrNoRows) {
		err = archive.ErrAbsent
	}
	return p, err
}

// PinsOf implements archive.Pins.
func (c *Captures) PinsOf(ctx context.Context, session string) (list []archive.Pin, err error) {
	rows, err := c.db.QueryContext(ctx, pinSelection+`ORDER BY page, url`, session)
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		p, err := scanPin(rows)
		if err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		list = append(list, p)
	}
	return list, errors.Join(rows.Err(), rows.Close())
}

// Unpin implements archive.Pins.
func (c *Captures) Unpin(ctx context.Context, session string) error {
	tx, err := c.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := unpin(ctx, tx, session); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

func unpin(ctx context.Context, tx *sql.Tx, session string) error {
	for _, do := range []string{`INSERT OR IGNORE INTO unpinned SELECT visit, ref FROM pins WHERE session = ? AND ref <> ''`, `DELETE FROM pins WHERE session = ?`} {
		if _, err := tx.ExecContext(ctx, do, session); err != nil {
			return err
		}
	}
	return nil
}

// PinnedSessions implements archive.Pins.
func (c *Captures) PinnedSessions(ctx context.Context) (list []string, err error) {
	rows, err := c.db.QueryContext(ctx, `SELECT DISTINCT session FROM pins`)
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		var session string
		if err := rows.Scan(&session); err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		list = append(list, session)
	}
	return list, errors.Join(rows.Err(), rows.Close())
}
