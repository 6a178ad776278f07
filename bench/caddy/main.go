// Command caddy is Caddy with what the benchmarks ask of it: a reverse proxy,
// gzip, and replacements in answers. It is a module of its own so that none of
// this reaches the gateway's dependencies.
package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp/encode/gzip"
	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
	_ "github.com/caddyserver/replace-response"
)

func main() { caddycmd.Main() }
