package archive

import (
	"context"
	"errors"
)

// VerifyManifest checks what is at hand of a recording that was taken out of an
// archive without its records: the top with all that attests it, and the manifest.
// It returns the manifest where that is what was sealed, and nil where it is not.
// ErrAbsent when there is no top.
func VerifyManifest(ctx context.Context, what Verifying) (*Manifest, []Problem, error) {
	what.Bare = true
	v := &verifier{Verifying: what}
	text, err := ReadObject(ctx, v.Store, topName(v.Session))
	if err != nil {
		return nil, nil, err
	}
	err = v.top(ctx, text)
	var m *Manifest
	if err == nil && v.r != nil {
		if m, err = v.r.Manifest(ctx); err != nil {
			m, err = nil, v.note(manifestPart, err)
		}
	}
	if errors.Is(err, errEnough) {
		err = nil
	}
	return m, v.problems, err
}
