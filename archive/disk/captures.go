package disk

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	_ "modernc.org/sqlite" // the driver

	"github.com/pillion-dev/pillion/archive"
)

// Who sees a capture.
const (
	scopeShared  = 0 // everybody
	scopeOwn     = 1 // the visit that fetched it; the bytes are shared ones
	scopePrivate = 2 // the visit that fetched it; the bytes are in its vault
)

// captureVersion is that of the schema, in SQLite's user_version.
const captureVersion = 2

const captureSchema = `
CREATE TABLE IF NOT EXISTS captures (
	url TEXT NOT NULL, by TEXT NOT NULL, time INTEGER NOT NULL, -- µs since 1970
	scope INTEGER NOT NULL, ref TEXT NOT NULL, type TEXT NOT NULL, size INTEGER NOT NULL,
	status INTEGER NOT NULL, location TEXT NOT NULL, header TEXT NOT NULL, -- JSON
	source TEXT NOT NULL, why TEXT NOT NULL,
	PRIMARY KEY (url, by, time)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS shared_captures ON captures (url, time) WHERE scope = 0;
CREATE INDEX IF NOT EXISTS captures_by_time ON captures (time);
CREATE INDEX IF NOT EXISTS captures_by_ref ON captures (ref);
CREATE INDEX IF NOT EXISTS private_captures ON captures (by, ref) WHERE scope = 2;
CREATE INDEX IF NOT EXISTS visits ON captures (by, time) WHERE by <> '';
CREATE TABLE IF NOT EXISTS kept (
	ref TEXT NOT NULL, recording TEXT NOT NULL, PRIMARY KEY (ref, recording)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS kept_by_recording ON kept (recording);
CREATE TABLE IF NOT EXISTS released (ref TEXT PRIMARY KEY) WITHOUT ROWID;
` + pinSchema

// Before there were vaults, private bytes were among the shared ones.
const captureUpgrade = `
DROP INDEX IF EXISTS private_captures;
DROP INDEX IF EXISTS captures_by_ref;
ALTER TABLE captures RENAME TO captures_0;
` + captureSchema + `
INSERT INTO captures SELECT url, visit, time, visit <> '', ref, type, size, 200, '', '', 'tapped', '' FROM captures_0;
DROP TABLE captures_0;
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
	if err := prepare(db); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("capture index %s: %w", file, err)
	}
	return &Captures{db}, nil
}

func prepare(db *sql.DB) error {
	var version, tables int
	err := db.QueryRow(`SELECT (SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema WHERE name = 'captures')`).Scan(&version, &tables)
	if err != nil {
		return err
	}
	if version > captureVersion {
		return fmt.Errorf("version %d is not known here", version)
	}
	schema := captureSchema
	if version == 0 && tables > 0 {
		schema = captureUpgrade
	}
	_, err = db.Exec(fmt.Sprintf("BEGIN; %s PRAGMA user_version = %d; COMMIT", schema, captureVersion))
	return err
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
	for i := range captures {
		if err := add(ctx, tx, &captures[i]); err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	return tx.Commit()
}

func add(ctx context.Context, tx *sql.Tx, a *archive.Capture) error {
	scope, by := scopeShared, a.By
	switch {
	case a.Visit != "":
		scope, by = scopePrivate, a.Visit
	case a.Own:
		scope = scopeOwn
	}
	header, err := headerText(a.Header)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT OR REPLACE INTO captures VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		a.URL, by, a.Time.UnixMicro(), scope, string(a.Ref), a.Type, a.Size, a.Status, a.Location, header, string(a.Source), string(a.Why))
	return err
}

// headerText is a header as it is stored: JSON, or nothing.
func headerText(h map[string]string) (string, error) {
	if len(h) == 0 {
		return "", nil
	}
	b, err := json.Marshal(h)
	return string(b), err
}

// Find implements archive.CaptureIndex.
func (c *Captures) Find(ctx context.Context, url, visit string, from, to time.Time) (archive.Capture, error) {
	const (
		own     = `by = ?2 AND ?2 <> ''`
		shared  = `scope = 0 AND ?2 IS NOT NULL`
		between = ` AND time >= ?3 AND time < ?4 ORDER BY why <> '', time LIMIT 1`
		before  = ` AND time < ?3 AND ?4 ORDER BY time DESC LIMIT 1`
		after   = ` AND time >= ?4 AND ?3 ORDER BY time LIMIT 1`
	)
	for _, where := range [...]string{own + between, own + before, shared + between, shared + before, own + after, shared + after} {
		found, err := scan(c.db.QueryRowContext(ctx, selection+`url = ?1 AND `+where, url, visit, from.UnixMicro(), to.UnixMicro()))
		if !errors.Is(err, sql.ErrNoRows) {
			return found, err
		}
	}
	return archive.Capture{}, archive.ErrAbsent
}

// Documents implements archive.CaptureIndex.
func (c *Captures) Documents(ctx context.Context, visit string, from, to time.Time) (list []archive.Capture, err error) {
	const documents = `by = ?1 AND by <> '' AND time >= ?2 AND time < ?3 AND ref <> '' AND
		(type IN ('application/pdf', 'application/x-pdf', 'application/xhtml+xml') OR type LIKE 'text/html%' OR type LIKE 'application/xhtml+xml;%')
		ORDER BY url, time DESC LIMIT 1000`
	rows, err := c.db.QueryContext(ctx, selection+documents, visit, from.UnixMicro(), to.UnixMicro())
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		a, err := scan(rows)
		if err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		if len(list) == 0 || list[len(list)-1].URL != a.URL {
			list = append(list, a)
		}
	}
	return list, errors.Join(rows.Err(), rows.Close())
}

const selection = `SELECT url, by, time, scope, ref, type, size, status, location, header, source, why FROM captures WHERE `

func scan(row interface{ Scan(...any) error }) (a archive.Capture, err error) {
	var micro int64
	var scope int
	var header string
	err = row.Scan(&a.URL, &a.By, &micro, &scope, (*string)(&a.Ref), &a.Type, &a.Size, &a.Status, &a.Location, &header, (*string)(&a.Source), (*string)(&a.Why))
	if err == nil && header != "" {
		err = json.Unmarshal([]byte(header), &a.Header)
	}
	a.Time, a.Own = time.UnixMicro(micro).UTC(), scope != scopeShared
	if scope == scopePrivate {
		a.Visit = a.By
	}
	return a, err
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
