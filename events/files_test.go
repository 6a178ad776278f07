package events

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestFilesAreLoggedWithTheNamesThatMayBeTold(t *testing.T) {
	s := newStage(t)
	waiting, err := s.Start(t.Context(), SessionInfo{Org: "o", URL: "http://site/"})
	if err != nil {
		t.Fatal(err)
	}
	session, link, _, _, _ := s.live(t)
	upload := File{Up: true, Name: "scan.pdf", Type: "application/pdf", URL: "http://site/send?card=4111111111111111", Size: 8, Hash: []byte{1, 2}}
	waiting.Passed(upload) // nobody has agreed to anything yet
	if waiting.files != 0 {
		t.Error("a file was told of before consent")
	}
	secret := upload
	secret.Name = "diagnosis.pdf"
	session.Passed(secret)
	session.Passed(upload) // its name comes later
	for _, text := range []string{`{"type":"file","text":"b6f71e875e94b180","size":8}`, `{"type":"file","text":"` + strings.Repeat("x", 300) + `","size":8}`} {
		if err := link.Text([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	session.Passed(upload)
	other := upload
	other.Size = 9 // another file of that name
	session.Passed(other)
	session.Passed(File{Name: "4111 1111 1111 1111.csv", URL: "http://site/get", Size: 3})
	session.mu.Lock()
	session.tellFiles(s.clock.Now().Add(-vouchWait))
	waits := len(session.late)
	session.mu.Unlock()
	if waits != 2 {
		t.Errorf("%d files wait", waits)
	}
	session.End("user")
	var got []string
	for r, err := range s.log.Read(t.Context(), session.Info().ID, 0) {
		if err != nil {
			t.Fatal(err)
		}
		var l Lifecycle
		if r.Kind == KindLifecycle && json.Unmarshal(r.Payload, &l) == nil && (l.Type == "upload" || l.Type == "download") {
			got = append(got, fmt.Sprintf("%s %s %d %q %s %d", l.Type, l.Name, l.Size, l.Hash, l.URL, r.From))
		}
	}
	to := "http://site/send?card=***"
	want := []string{
		"upload scan.pdf 8 \"0102\" " + to + " 1", "upload scan.pdf 8 \"0102\" " + to + " 1", `download •••• •••• •••• ••••.csv 3 "" http://site/get 1`,
		"upload •••••••• 8 \"0102\" " + to + " 1", "upload •••••••• 9 \"0102\" " + to + " 1",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	another, _, _, _, _ := s.live(t)
	for range 2 * maxFiles {
		another.Passed(upload)
	}
	if another.files != maxFiles {
		t.Errorf("%d files", another.files)
	}
}
