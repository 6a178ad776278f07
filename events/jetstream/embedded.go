package jetstream

import (
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// Embedded is a NATS server within the process; it listens nowhere.
type Embedded struct {
	server *server.Server
	Conn   *nats.Conn
}

// Embed starts a server that keeps its files in dir and syncs every write.
func Embed(dir string) (*Embedded, error) {
	s, err := server.NewServer(&server.Options{
		ServerName: "pillion", DontListen: true, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: dir, SyncAlways: true, MaxPayload: maxMessage,
		MaxPending: 8 * maxMessage,
	})
	if err != nil {
		return nil, fmt.Errorf("embedded log: %w", err)
	}
	s.Start()
	if !s.ReadyForConnections(30 * time.Second) {
		s.Shutdown()
		return nil, errors.New("embedded log: the server did not start within 30 s")
	}
	nc, err := nats.Connect("", nats.InProcessServer(s), nats.Name("pillion"), nats.MaxReconnects(-1))
	if err != nil {
		s.Shutdown()
		return nil, fmt.Errorf("embedded log: %w", err)
	}
	return &Embedded{s, nc}, nil
}

// Close ends the connection and the server, and waits for it.
func (e *Embedded) Close() {
	e.Conn.Close()
	e.server.Shutdown()
	e.server.WaitForShutdown()
}
