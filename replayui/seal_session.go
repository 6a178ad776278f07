package replayui

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/events"
)

// errNothing is returned for a session of which neither log nor archive has anything.
var errNothing = errors.New("the log has nothing of this session, and it has no recording")

// races bounds how often one sealing begins anew because of another.
const races = 3

// errUnsettled is wrapped where a recording is not yet in the store behind.
var errUnsettled = errors.New("the recording is not yet where it is to stay")

// settleTime bounds how long one try waits for the store behind: others wait too.
const settleTime = 10 * time.Second

// Seal writes a session's recording, reads it back, enters it in the catalogue and
// in the journal, and lets the log forget once it is where it is to stay. It goes
// on where another Seal was ended, at whatever point.
func (s *Sealer) Seal(ctx context.Context, info events.SessionInfo) error {
	id := string(info.ID)
	var rec *archive.Recording
	var err error
	for try := 0; ; try++ {
		if rec, err = s.existing(ctx, info); err != nil || rec != nil {
			break
		}
		if err = s.write(ctx, info); err != nil && (!errors.Is(err, archive.ErrRace) || try >= races) {
			break
		}
	}
	if err != nil {
		return err
	}
	if err := s.enter(ctx, info, rec); err != nil {
		return err
	}
	if s.opts.Journal != nil {
		if err := s.opts.Journal.Enter(id, rec.TopHash(), time.Now(), s.opts.Key); err != nil {
			return fmt.Errorf("journal: %w", err)
		}
	}
	if err := s.settle(ctx, info.ID); err != nil {
		return err
	}
	// The directory's entry goes last: who is killed before it finds the rest there.
	return errors.Join(s.opts.Log.Forget(ctx, info.ID), s.opts.Captures.Unpin(ctx, id), s.opts.Directory.Delete(ctx, info.ID))
}

// settle waits for the store behind, where there is one, and has it lock what was
// sealed.
func (s *Sealer) settle(ctx context.Context, id events.SessionID) error {
	if settler, ok := s.opts.Store.(archive.Settler); ok {
		soon, cancel := context.WithTimeout(ctx, settleTime)
		err := settler.Settle(soon)
		cancel()
		if err != nil {
			return fmt.Errorf("%w: %w", errUnsettled, err)
		}
	}
	if s.opts.LockFor > 0 {
		if err := archive.LockRecording(ctx, s.opts.Store, s.opts.Captures, string(id), time.Now().Add(s.opts.LockFor)); err != nil {
			return fmt.Errorf("not locked: %w", err)
		}
	}
	return nil
}

// existing returns the session's recording where it reads back as it was written;
// nil when there is none. One that does not is taken away while the log still has
// the session.
func (s *Sealer) existing(ctx context.Context, info events.SessionInfo) (*archive.Recording, error) {
	id := string(info.ID)
	has, err := archive.HasTop(ctx, s.opts.Store, id)
	if err != nil || !has {
		return nil, err
	}
	why, err := s.wrong(ctx, info)
	if err != nil {
		return nil, err
	}
	if why == "" {
		return archive.OpenRecording(ctx, s.opts.Store, s.opts.Vaults, id)
	}
	logged := false
	for r, err := range s.opts.Log.Read(ctx, info.ID, 0) {
		if err != nil {
			return nil, fmt.Errorf("log: %w", err)
		}
		logged = r.Offset == 1
		break
	}
	if !logged {
		return nil, fmt.Errorf("the recording reads back otherwise, and the log has nothing: %s", why)
	}
	s.opts.Logger.Warn("a recording is sealed anew", "session", id, "reason", why)
	return nil, archive.RemoveTop(ctx, s.opts.Store, id)
}

// wrong says what keeps a recording from taking the log's place; what assets lack
// does not: the log has none.
func (s *Sealer) wrong(ctx context.Context, info events.SessionInfo) (string, error) {
	problems, err := archive.Verify(ctx, archive.Verifying{Store: s.opts.Store, Vaults: s.opts.Vaults, Session: string(info.ID), All: true})
	if err != nil {
		return "", err
	}
	for _, p := range problems {
		if p.URL == "" {
			return p.String(), nil
		}
		s.opts.Logger.Error("a recording lacks a file that its session had", "session", info.ID, "problem", p.String())
	}
	rec, err := archive.OpenRecording(ctx, s.opts.Store, s.opts.Vaults, string(info.ID))
	if err != nil {
		return "", err
	}
	if rec.Records < uint64(info.Last) {
		// Longer is only the session itself, while its log is there.
		for r, err := range s.opts.Log.Read(ctx, info.ID, events.Offset(rec.Records)) {
			if err != nil {
				return "", fmt.Errorf("log: %w", err)
			}
			return fmt.Sprintf("it ends before record %d", r.Offset), nil
		}
	}
	return "", nil
}

// write writes the recording. ErrRace when somebody else did.
func (s *Sealer) write(ctx context.Context, info events.SessionInfo) error {
	w, err := archive.NewRecordingWriter(ctx, s.opts.Store, s.opts.Vaults, string(info.ID))
	if err != nil {
		return err
	}
	t := newTimeline()
	assets := &assetFinder{s: s, info: info, t: t, seen: map[string]bool{}, direct: map[string]bool{}}
	if err := s.records(ctx, info, w, t, assets); err != nil {
		return err
	}
	if t.offset == 0 {
		if has, err := archive.HasTop(ctx, s.opts.Store, string(info.ID)); err != nil || has {
			return errors.Join(err, archive.ErrRace)
		}
		return errNothing
	}
	if err := assets.find(ctx); err != nil {
		return err
	}
	var refs []archive.Ref
	for _, c := range assets.found {
		if c.Ref != "" && !c.Private {
			refs = append(refs, c.Ref)
		}
	}
	if err := s.opts.Captures.Keep(ctx, string(info.ID), refs); err != nil {
		return err
	}
	marks := make([]archive.Event, len(t.marks))
	for i := range t.marks {
		marks[i] = archive.Event{T: t.marks[i].T, Value: &t.marks[i]}
	}
	_, err = w.Seal(ctx, archive.Contents{
		Session: asSealed(info), Pages: t.pages, Events: marks, People: t.people, Captures: assets.found, Missing: assets.missing,
	}, s.opts.Key)
	return err
}

// records writes the log's records, and takes note of what they tell.
func (s *Sealer) records(ctx context.Context, info events.SessionInfo, w *archive.RecordingWriter, t *timeline, assets *assetFinder) error {
	var cuts cutting
	for r, err := range s.opts.Log.Read(ctx, info.ID, 0) {
		if err != nil {
			return fmt.Errorf("log: %w", err)
		}
		if cuts.before(&r, w.Open()) {
			if err := w.Keyframe(ctx, t.frames()); err != nil {
				return err
			}
		}
		t.add(&r)
		assets.add(&r)
		if err := w.Append(ctx, uint64(r.Offset), r.Time, events.AppendRecord(nil, &r)); err != nil {
			return err
		}
		if cuts.after(&r) {
			if err := w.Cut(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// asSealed is what a recording tells of its session.
func asSealed(info events.SessionInfo) events.SessionInfo {
	info.State, info.Recording, info.Visit = events.StateSealed, string(info.ID), ""
	return info
}

// enter puts a recording in the catalogue, unless it is there.
func (s *Sealer) enter(ctx context.Context, info events.SessionInfo, rec *archive.Recording) error {
	return enter(ctx, s.opts.Catalogue, s.opts.Store, info, rec)
}

func enter(ctx context.Context, catalogue events.Catalogue, store archive.Store, info events.SessionInfo, rec *archive.Recording) error {
	switch known, err := catalogue.Get(ctx, info.ID); {
	case err == nil && known.Recording != "":
		return nil // with what was decided about it since
	case err != nil && !errors.Is(err, events.ErrNoSession):
		return err
	}
	var pages []PageMark
	if err := json.Unmarshal(rec.Pages, &pages); err != nil {
		return errors.Join(archive.ErrDamaged, err)
	}
	var marks []Mark
	for n := range rec.Chunks {
		chunk, err := marksOf(ctx, rec, n)
		if err != nil {
			return err
		}
		marks = append(marks, chunk...)
	}
	info.State, info.Recording = events.StateSealed, string(info.ID)
	var err error
	if info.Stored, err = archive.SizeOf(ctx, store, string(info.ID)); err != nil {
		return err
	}
	return catalogue.Put(ctx, info, wordsOf(pages, marks))
}

func marksOf(ctx context.Context, rec *archive.Recording, n int) (marks []Mark, err error) {
	text, err := rec.Events(ctx, n)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &marks); err != nil {
		return nil, errors.Join(archive.ErrDamaged, err)
	}
	return marks, nil
}
