package events_test

import (
	"testing"

	"github.com/pillion-dev/pillion/events"
	"github.com/pillion-dev/pillion/events/logtest"
)

func TestMemLog(t *testing.T) {
	logtest.Log(t, func(*testing.T) events.Log { return events.NewMemLog() }, true)
}

func TestMemDirectory(t *testing.T) { logtest.Directory(t, events.NewMemDirectory()) }
