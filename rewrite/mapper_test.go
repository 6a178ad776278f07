package rewrite

import "bytes"

// renaming maps the host old.example to new.example, and alters what comes from
// /changed.
type renaming struct{ all bool }

func (m renaming) All() bool { return m.all }

func (m renaming) Map(dst []byte, _ Use, _, ref []byte) ([]byte, Fate) {
	fate := Move
	if bytes.Contains(ref, []byte("/changed")) {
		fate = Alter
	}
	i := bytes.Index(ref, []byte("//old.example"))
	if i < 0 || i > 0 && ref[i-1] != ':' || bytes.ContainsAny(ref[:i], "/?#") {
		if fate == Alter {
			return append(dst, ref...), fate
		}
		return dst, Keep
	}
	dst = append(dst, ref[:i]...)
	dst = append(dst, "//new.example"...)
	return append(dst, ref[i+len("//old.example"):]...), fate
}

// telling writes each URL as use(base|ref), which shows what the mapper saw.
type telling struct{ some bool }

func (m telling) All() bool { return !m.some }

func (telling) Map(dst []byte, use Use, base, ref []byte) ([]byte, Fate) {
	dst = append(dst, useNames[use]...)
	dst = append(dst, '(')
	if len(base) > 0 {
		dst = append(append(dst, base...), '|')
	}
	return append(append(dst, ref...), ')'), Move
}

var useNames = map[Use]string{
	UseNavigate: "navigate", UseBase: "base", UseFrame: "frame", UseStyle: "style", UseScript: "script",
	UseImage: "image", UseFont: "font", UseMedia: "media", UseConnect: "connect", UseMention: "mention",
}

// same answers every URL with itself.
type same struct{}

func (same) All() bool { return true }

func (same) Map(dst []byte, _ Use, _, ref []byte) ([]byte, Fate) { return append(dst, ref...), Move }

var (
	_ Mapper = renaming{}
	_ Mapper = telling{}
	_ Mapper = same{}
)
