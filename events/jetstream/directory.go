package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/pillion-dev/pillion/events"
)

// Directory implements events.Directory on a key-value bucket.
type Directory struct{ kv jetstream.KeyValue }

// NewDirectory opens the bucket, and makes it when it is missing.
func NewDirectory(ctx context.Context, nc *nats.Conn, replicas int) (*Directory, error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, err
	}
	kv, err := js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: "SESSIONS", Description: "live sessions", History: 1, Storage: jetstream.FileStorage, Replicas: replicas,
	})
	if err != nil {
		return nil, err
	}
	return &Directory{kv}, nil
}

// Put implements events.Directory.
func (d *Directory) Put(ctx context.Context, info events.SessionInfo) error {
	b, err := json.Marshal(info)
	if err != nil {
		return err
	}
	_, err = d.kv.Put(ctx, string(info.ID), b)
	return err
}

// Get implements events.Directory.
func (d *Directory) Get(ctx context.Context, id events.SessionID) (info events.SessionInfo, err error) {
	entry, err := d.kv.Get(ctx, string(id))
	if errors.Is(err, jetstream.ErrKeyNotFound) || errors.Is(err, jetstream.ErrInvalidKey) {
		return info, events.ErrNoSession
	}
	if err != nil {
		return info, err
	}
	if err := json.Unmarshal(entry.Value(), &info); err != nil {
		return info, fmt.Errorf("session %s: %w", id, err)
	}
	return info, nil
}

// List implements events.Directory.
func (d *Directory) List(ctx context.Context) ([]events.SessionInfo, error) {
	keys, err := d.kv.ListKeys(ctx)
	if err != nil {
		return nil, err
	}
	var ids []events.SessionID
	for key := range keys.Keys() {
		ids = append(ids, events.SessionID(key))
	}
	var list []events.SessionInfo
	for _, id := range ids {
		info, err := d.Get(ctx, id)
		if errors.Is(err, events.ErrNoSession) {
			continue // deleted meanwhile
		}
		if err != nil {
			return nil, err
		}
		list = append(list, info)
	}
	return list, nil
}

// Delete implements events.Directory.
func (d *Directory) Delete(ctx context.Context, id events.SessionID) error {
	return d.kv.Purge(ctx, string(id))
}
