package replayui

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/events"
)

// objects are the names of what the store holds of a session.
func (s *stage) objects(t *testing.T, id events.SessionID) (names []string) {
	t.Helper()
	for o, err := range s.store.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(o.Name, string(id)) {
			names = append(names, o.Name)
		}
	}
	return names
}

func TestOnlyAnAdministratorOfTheOrganisationHoldsAndDeletes(t *testing.T) {
	s := newStage(t)
	id := s.record(t)
	base := "/api/sessions/" + string(id)
	for _, q := range [][2]string{{"DELETE", base}, {"PUT", base + "/hold"}, {"DELETE", base + "/hold"}, {"GET", "/api/storage"}} {
		for who, want := range map[string]int{"": http.StatusUnauthorized, "ann": http.StatusForbidden, "otto": http.StatusForbidden, "dora": http.StatusNotFound} {
			if q[1] == "/api/storage" && who == "dora" {
				continue // it is her own
			}
			if status, body := s.call(t, who, q[0], q[1], `{"reason":"I may not"}`); status != want {
				t.Errorf("%s %s by %q: %d %s", q[0], q[1], who, status, body)
			}
		}
	}
	if _, body := s.call(t, "dora", "GET", "/api/storage", ""); !strings.Contains(body, `"recordings":0`) {
		t.Errorf("another organisation's storage: %s", body)
	}
	if info, err := s.catalogue.Get(t.Context(), id); err != nil || info.Hold != nil || info.Deleting != nil {
		t.Errorf("%+v %v", info, err)
	}
}

func TestAHeldRecordingIsNotDeleted(t *testing.T) {
	s := newStage(t)
	id := s.record(t)
	base := "/api/sessions/" + string(id)
	if status, body := s.call(t, "adam", "PUT", base+"/hold", `{"reason":"case 7"}`); status != http.StatusOK || !strings.Contains(body, `"reason":"case 7"`) {
		t.Fatalf("%d %s", status, body)
	}
	if status, body := s.call(t, "adam", "DELETE", base, `{"reason":"asked for"}`); status != http.StatusConflict || !strings.Contains(body, "legal hold") {
		t.Errorf("%d %s", status, body)
	}
	s.life.Store(int64(time.Hour))
	s.ahead.Store(int64(48 * time.Hour))
	if err := s.custodian.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if status, _ := s.call(t, "otto", "GET", base+"/recording", ""); status != http.StatusOK {
		t.Errorf("it is gone: %d", status)
	}
	if status, body := s.call(t, "adam", "DELETE", base+"/hold", "{}"); status != http.StatusOK || strings.Contains(body, "case 7") {
		t.Errorf("%d %s", status, body)
	}
	if err := s.custodian.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if status, _ := s.call(t, "otto", "GET", base+"/recording", ""); status != http.StatusNotFound {
		t.Errorf("it is still there: %d", status)
	}
}

func TestADeletedRecordingIsGoneAndItsDeletionIsTold(t *testing.T) {
	s := newStage(t)
	id := s.record(t)
	base := "/api/sessions/" + string(id)
	var storage struct {
		Usage   Usage
		Deleted []events.Deletion
	}
	read := func() {
		t.Helper()
		_, body := s.call(t, "adam", "GET", "/api/storage", "")
		if err := json.Unmarshal([]byte(body), &storage); err != nil {
			t.Fatal(err)
		}
	}
	read()
	size, err := archive.SizeOf(t.Context(), s.store, string(id))
	if u := storage.Usage; err != nil || u.Recordings != 1 || u.Own != size || size == 0 || u.Shared != 10 || u.Named != 10 || u.Held != 0 {
		t.Errorf("%+v, %d bytes, %v", u, size, err)
	}
	if status, _ := s.call(t, "otto", "GET", base+"/recording", ""); status != http.StatusOK {
		t.Fatal("the recording cannot be read")
	}
	if status, _ := s.call(t, "adam", "DELETE", base, `{"reason":""}`); status != http.StatusBadRequest {
		t.Errorf("without a reason: %d", status)
	}
	if status, body := s.call(t, "adam", "DELETE", base, `{"reason":"the user asked for it"}`); status != http.StatusNoContent {
		t.Fatalf("%d %s", status, body)
	}
	for _, path := range []string{"", "/recording", "/segments/0", "/keyframes/0", "/events"} {
		if status, _ := s.call(t, "otto", "GET", base+path, ""); status != http.StatusNotFound {
			t.Errorf("%s: %d", path, status)
		}
	}
	if status, _ := s.call(t, "otto", "GET", "/archive/"+string(id)+"/1/http/site/a.css", ""); status != http.StatusNotFound {
		t.Errorf("its asset: %d", status)
	}
	if _, body := s.call(t, "otto", "GET", "/api/sessions?q=typed", ""); strings.Contains(body, string(id)) {
		t.Errorf("it is found by its words: %s", body)
	}
	if left := s.objects(t, id); len(left) != 0 {
		t.Errorf("left in the store: %q", left)
	}
	read()
	if u, d := storage.Usage, storage.Deleted; u.Recordings != 0 || len(d) != 1 || d[0].Session != id || d[0].By != "adam" || d[0].Reason != "the user asked for it" {
		t.Errorf("%+v", storage)
	}
	if status, _ := s.call(t, "adam", "DELETE", base, `{"reason":"again"}`); status != http.StatusNotFound {
		t.Errorf("again: %d", status)
	}
}

func TestARecordingIsDeletedWhenItsTimeIsOver(t *testing.T) {
	s := newStage(t)
	id := s.record(t)
	there := func() bool {
		_, err := s.catalogue.Get(t.Context(), id)
		if err != nil && !errors.Is(err, events.ErrNoSession) {
			t.Fatal(err)
		}
		return err == nil
	}
	for _, q := range []struct {
		life, ahead time.Duration
		there       bool
	}{
		{0, 1000 * time.Hour, true}, {time.Hour, 59 * time.Minute, true}, {time.Hour, -1000 * time.Hour, true}, {time.Hour, 61 * time.Minute, false},
	} {
		s.life.Store(int64(q.life))
		s.ahead.Store(int64(q.ahead))
		if err := s.custodian.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if there() != q.there {
			t.Errorf("kept for %v, after %v: there is %v", q.life, q.ahead, there())
		}
	}
	list, err := s.catalogue.Deletions(t.Context(), "o", 9)
	if err != nil || len(list) != 1 || list[0].By != "" {
		t.Errorf("%+v %v", list, err)
	}
}

func TestADeletionThatWasCutShortIsFinished(t *testing.T) {
	s := newStage(t)
	id := s.record(t)
	info, err := s.catalogue.Update(t.Context(), id, func(info *events.SessionInfo) error {
		info.Deleting = &events.Deletion{Session: id, Org: info.Org, By: "adam", At: time.Now()}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if status, _ := s.call(t, "otto", "GET", "/api/sessions/"+string(id)+"/recording", ""); status != http.StatusNotFound {
		t.Errorf("it is shown while it is deleted: %d", status)
	}
	if _, err := s.custodian.Hold(t.Context(), id, &events.Hold{By: "adam"}); !errors.Is(err, events.ErrNoSession) {
		t.Errorf("held while it is deleted: %v", err)
	}
	if err := s.custodian.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := s.objects(t, id); len(left) != 0 {
		t.Errorf("left of %s: %q", info.ID, left)
	}
}
