// Package listen is how the gateway's listeners accept connections: HTTP/1.1,
// HTTP/2 and HTTP/3, with TLS or without, certificates from files or by ACME.
//
// It guarantees three things to the handler. A request that two servers could
// delimit in two ways never reaches it: such a connection is answered 400 and
// ended. Every wait for a peer that owes bytes has an end; a peer that owes
// none (a long poll, an event stream, an upgraded connection) may wait for ever.
// And the number of connections is bounded: one more is closed at once, while
// those that are open go on.
package listen
