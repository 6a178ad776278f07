// Package forward is the gateway for sites whose DNS the operator does not
// control: browsers use it as their HTTP proxy. Requests to the listed hosts,
// with TLS or without, go to the gateway's handler as if the browser had come to
// it directly; others are refused, or tunnelled untouched.
//
// TLS to the listed hosts ends here, with certificates of an authority that is
// made for this gateway alone. It is bound to the listed hosts (RFC 5280,
// section 4.2.1.10): who steals its key can forge them and no other site.
// goproxy's own authority, whose key is public, is never used.
package forward
