package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/pillion-dev/pillion/events"
)

// Update implements events.Catalogue.
func (c *Catalogue) Update(ctx context.Context, id events.SessionID, change func(*events.SessionInfo) error) (info events.SessionInfo, err error) {
	tx, err := c.db.BeginTx(ctx, nil)
	if err != nil {
		return info, err
	}
	// A write first: two that read first would wait for each other's end.
	if _, err = tx.ExecContext(ctx, `UPDATE sessions SET id = id WHERE id = ?`, string(id)); err == nil {
		info, err = get(ctx, tx, id)
	}
	if err == nil {
		err = change(&info)
	}
	if err == nil {
		err = put(ctx, tx, info)
	}
	if err != nil {
		return info, errors.Join(err, tx.Rollback())
	}
	return info, tx.Commit()
}

// Delete implements events.Catalogue.
func (c *Catalogue) Delete(ctx context.Context, d events.Deletion) error {
	b, err := json.Marshal(d)
	if err != nil {
		return err
	}
	tx, err := c.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT OR IGNORE INTO deletions VALUES (?, ?, ?, ?)`, string(d.Session), string(d.Org), d.At.UnixMicro(), string(b))
	for _, table := range []string{"sessions", "words"} {
		if err == nil {
			_, err = tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE id = ?`, string(d.Session))
		}
	}
	if err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// Deletions implements events.Catalogue.
func (c *Catalogue) Deletions(ctx context.Context, org events.OrgID, limit int) (list []events.Deletion, err error) {
	rows, err := c.db.QueryContext(ctx, `SELECT deletion FROM deletions WHERE org = ? ORDER BY at DESC LIMIT ?`, string(org), limit)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		var d events.Deletion
		if err := json.Unmarshal([]byte(text), &d); err != nil {
			return nil, fmt.Errorf("deletion: %w", err)
		}
		list = append(list, d)
	}
	return list, rows.Err()
}

// Deleted is how a session was deleted; nil when it was not.
func (c *Catalogue) Deleted(ctx context.Context, session string) (*events.Deletion, error) {
	var text string
	err := c.db.QueryRowContext(ctx, `SELECT deletion FROM deletions WHERE id = ?`, session).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil //nolint:nilnil // it was not deleted
	}
	if err != nil {
		return nil, err
	}
	d := &events.Deletion{}
	return d, json.Unmarshal([]byte(text), d)
}
