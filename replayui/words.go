package replayui

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// CheckWords tells of texts, by language and name, that stand nowhere: a text
// that is misspelt in the settings would silently stay what it was. Without a
// browser bundle it knows no names.
func CheckWords(words map[string]map[string]string) error {
	b, err := readBundle("words.json")
	if errors.Is(err, ErrNoBundle) {
		return nil
	}
	if err != nil {
		return err
	}
	var names []string
	if err := json.Unmarshal(b, &names); err != nil {
		return err
	}
	for language, texts := range words {
		if _, ok := parts[language]; !ok || len(language) != len("en") {
			return fmt.Errorf("words: there is no language %q; there are en, de and fr", language)
		}
		for name := range texts {
			if !slices.Contains(names, name) {
				return fmt.Errorf("words: no text is called %q; there are %q", name, names)
			}
		}
	}
	return nil
}
