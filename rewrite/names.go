package rewrite

// class says what a byte means to the HTML tokenizer (HTML, 13.2.5).
type class uint8

const (
	classSpace    class = 1 << iota // tab, line feed, form feed, carriage return, space
	classTagEnd                     // ends a tag's name: white space, '/' and '>'
	classNameEnd                    // ends an attribute's name: the same and '='
	classUnquoted                   // ends an unquoted value: white space and '>'
	classLetter
	classUpper // 0x20, the bit that makes a letter lower case
)

var classes = func() (t [256]class) {
	for _, c := range " \t\n\f\r" {
		t[c] = classSpace | classTagEnd | classNameEnd | classUnquoted
	}
	t['/'] = classTagEnd | classNameEnd
	t['>'] = classTagEnd | classNameEnd | classUnquoted
	t['='] = classNameEnd
	for c := 'a'; c <= 'z'; c++ {
		t[c], t[c-0x20] = classLetter, classLetter|classUpper
	}
	return t
}()

func isLetter(c byte) bool { return classes[c]&classLetter != 0 }

func isSpace(c byte) bool { return classes[c]&classSpace != 0 }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// lower is ASCII lower case: names are compared that way in HTML.
func lower(c byte) byte { return c | byte(classes[c]&classUpper) }

// equalFold compares with a name in lower case, by ASCII.
func equalFold(b []byte, name string) bool {
	if len(b) != len(name) {
		return false
	}
	for i := range len(name) {
		if lower(b[i]) != name[i] {
			return false
		}
	}
	return true
}

// key is a name of up to eight bytes as a number, or the hash of a longer one.
// Names are looked up by it without being copied. A longer name that happened
// to have another's hash would at most have its URLs rewritten.
type key uint64

// add returns the key of the name that is one byte longer; i is that byte's place.
func (k key) add(c byte, i int) key {
	if i < 8 {
		return k | key(c)<<(8*i)
	}
	return (k ^ key(c)) * 1099511628211 // FNV-1a, seeded with the first eight bytes
}

func keyOf(name string) (k key) {
	for i := range len(name) {
		k = k.add(name[i], i)
	}
	return k
}

// foldedKey is the key of a name in HTML, where case does not count.
func foldedKey(name []byte) (k key) {
	for i, c := range name {
		k = k.add(lower(c), i)
	}
	return k
}

// names is a hash table from names to what they stand for: never changed once
// it is made. Zero stands for a name that is not in it.
type names[T ~uint8] struct {
	slots [1 << nameBits]struct {
		key   key
		value T
	}
}

const nameBits = 9

func (k key) slot() int { return int(uint64(k) * 0x9E3779B97F4A7C15 >> (64 - nameBits)) }

func newNames[T ~uint8](list map[T][]string) *names[T] {
	t := &names[T]{}
	for value, spellings := range list {
		for _, s := range spellings {
			k := keyOf(s)
			i := k.slot()
			for t.slots[i].value != 0 {
				i = (i + 1) % len(t.slots)
			}
			t.slots[i].key, t.slots[i].value = k, value
		}
	}
	return t
}

func (t *names[T]) find(k key) T {
	for i := k.slot(); ; i = (i + 1) % len(t.slots) {
		if s := &t.slots[i]; s.key == k || s.value == 0 {
			return s.value
		}
	}
}
