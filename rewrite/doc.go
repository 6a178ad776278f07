// Package rewrite edits HTML, CSS and header values in flight.
//
// All of it is pure transformation over bytes: no network, no store, no parsed
// tree. Bytes that need no change are copied as they came, and a [Document]
// gives the same output however its input is split.
package rewrite
