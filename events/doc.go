// Package events holds assistance sessions and what happens in them: the page
// format and its codec (FORMAT.md), the gateway's model of a page, join codes,
// participants, event requests, and the log's contract.
//
// Records of a session are ordered by their offset, from 1 and without gaps.
// What a browser was acknowledged is durable. A slow peer loses its connection;
// nobody else waits for it.
package events
