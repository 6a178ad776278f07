// Package sqlite keeps the catalogue of ended sessions in an SQLite file.
package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	_ "modernc.org/sqlite" // the driver

	"github.com/pillion-dev/pillion/events"
)

const schema = `
CREATE TABLE IF NOT EXISTS sessions (
	id TEXT PRIMARY KEY, org TEXT NOT NULL, started INTEGER NOT NULL, -- µs since 1970
	user TEXT NOT NULL, url TEXT NOT NULL, agents TEXT NOT NULL, info TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS sessions_by_time ON sessions (org, started DESC, id);
CREATE TABLE IF NOT EXISTS deletions (
	id TEXT PRIMARY KEY, org TEXT NOT NULL, at INTEGER NOT NULL, deletion TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS deletions_by_time ON deletions (org, at DESC);
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5(id UNINDEXED, text, tokenize = 'unicode61 remove_diacritics 2');
`

const defaultLimit = 50

// Catalogue implements events.Catalogue.
type Catalogue struct{ db *sql.DB }

// Open opens the file, and makes it when it is missing.
func Open(file string) (*Catalogue, error) {
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: file}).EscapedPath()+
		"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)")
	if err != nil {
		return nil, err
	}
	if _, err := db.Exec(schema); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("catalogue %s: %w", file, err)
	}
	return &Catalogue{db}, nil
}

// Close implements events.Catalogue.
func (c *Catalogue) Close() error { return c.db.Close() }

// Put implements events.Catalogue.
func (c *Catalogue) Put(ctx context.Context, info events.SessionInfo, text string) error {
	tx, err := c.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err = put(ctx, tx, info); err == nil {
		_, err = tx.ExecContext(ctx, `DELETE FROM words WHERE id = ?`, string(info.ID))
	}
	if err == nil {
		_, err = tx.ExecContext(ctx, `INSERT INTO words VALUES (?, ?)`, string(info.ID), text)
	}
	if err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

func put(ctx context.Context, tx *sql.Tx, info events.SessionInfo) error {
	b, err := json.Marshal(info)
	if err != nil {
		return err
	}
	agents := "\n" + strings.Join(info.Agents, "\n") + "\n"
	_, err = tx.ExecContext(ctx, `INSERT OR REPLACE INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?)`,
		string(info.ID), string(info.Org), info.Started.UnixMicro(), info.User, info.URL, agents, string(b))
	return err
}

// Get implements events.Catalogue.
func (c *Catalogue) Get(ctx context.Context, id events.SessionID) (events.SessionInfo, error) {
	return get(ctx, c.db, id)
}

func get(ctx context.Context, db interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}, id events.SessionID) (info events.SessionInfo, err error) {
	var text string
	err = db.QueryRowContext(ctx, `SELECT info FROM sessions WHERE id = ?`, string(id)).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return info, events.ErrNoSession
	}
	if err != nil {
		return info, err
	}
	return info, json.Unmarshal([]byte(text), &info)
}

// Find implements events.Catalogue. The cursor is the last one's time and id.
func (c *Catalogue) Find(ctx context.Context, q events.Query) (found []events.SessionInfo, next string, err error) {
	where, args := conditions(q)
	limit := q.Limit
	if limit <= 0 {
		limit = defaultLimit
	}
	rows, err := c.db.QueryContext(ctx, `SELECT info, started, id FROM sessions`+where+` ORDER BY started DESC, id DESC LIMIT ?`, append(args, limit+1)...)
	if err != nil {
		return nil, "", err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	last := ""
	for rows.Next() {
		var text, id string
		var started int64
		if err := rows.Scan(&text, &started, &id); err != nil {
			return nil, "", err
		}
		if len(found) == limit {
			return found, last, nil
		}
		var info events.SessionInfo
		if err := json.Unmarshal([]byte(text), &info); err != nil {
			return nil, "", fmt.Errorf("session %s: %w", id, err)
		}
		found = append(found, info)
		last = fmt.Sprintf("%d.%s", started, id)
	}
	return found, "", rows.Err()
}

func conditions(q events.Query) (where string, args []any) {
	var parts []string
	add := func(part string, values ...any) {
		parts = append(parts, part)
		args = append(args, values...)
	}
	if q.Org != "" {
		add("org = ?", string(q.Org))
	}
	if !q.From.IsZero() {
		add("started >= ?", q.From.UnixMicro())
	}
	if !q.To.IsZero() {
		add("started < ?", q.To.UnixMicro())
	}
	if q.Agent != "" {
		add("instr(agents, ?) > 0", "\n"+q.Agent+"\n")
	}
	if q.User != "" {
		add("user = ?", q.User)
	}
	if q.URL != "" {
		add("instr(url, ?) > 0", q.URL)
	}
	if words := matchAll(q.Text); words != "" {
		add("id IN (SELECT id FROM words WHERE words MATCH ?)", words)
	}
	if started, id, ok := strings.Cut(q.Cursor, "."); ok {
		add("(started, id) < (CAST(? AS INTEGER), ?)", started, id)
	}
	if len(parts) > 0 {
		where = " WHERE " + strings.Join(parts, " AND ")
	}
	return where, args
}

// matchAll asks FTS5 for all words, the last one as a beginning; nothing that a
// person types is syntax.
func matchAll(text string) string {
	words := strings.Fields(text)
	for i, w := range words {
		words[i] = `"` + strings.ReplaceAll(w, `"`, `""`) + `"`
	}
	if len(words) > 0 {
		words[len(words)-1] += "*"
	}
	return strings.Join(words, " ")
}
