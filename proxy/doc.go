// Package proxy is the gateway on the site's side: it stands in front of one
// legacy web site, passes everything through, and adds the capture tag to the
// site's documents. It waits for no session, log or store.
package proxy
