package forward

import (
	"net"
	"net/netip"
	"slices"
)

func prefixes(texts ...string) (list []netip.Prefix) {
	for _, t := range texts {
		list = append(list, netip.MustParsePrefix(t))
	}
	return list
}

// innerRanges are never tunnelled to: this machine, its link, and where clouds
// keep their metadata.
var innerRanges = prefixes(
	"0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4",
	"100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32", "fd00:ec2::254/128", "fd20:ce::254/128",
	"::/128", "::1/128", "fe80::/10", "ff00::/8",
)

// privateRanges are networks of organisations and providers, and what leads
// into such in disguise (RFC 6890, RFC 6598, RFC 6052, RFC 3056).
var privateRanges = prefixes(
	"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "192.0.0.0/24", "198.18.0.0/15",
	"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "192.88.99.0/24",
	"fc00::/7", "fec0::/10", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "::ffff:0:0/96",
)

func within(ip netip.Addr, list []netip.Prefix) bool {
	return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(ip) })
}

func inner(ip netip.Addr) bool   { return !ip.IsValid() || within(ip, innerRanges) }
func private(ip netip.Addr) bool { return within(ip, privateRanges) }

// isSelf reports whether an address is this machine's: its own listeners are
// not for the proxy's users. Where it cannot be known, it is.
func isSelf(ip netip.Addr) bool {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return true
	}
	return slices.ContainsFunc(addresses, func(a net.Addr) bool {
		n, ok := a.(*net.IPNet)
		if !ok {
			return false
		}
		own, ok := netip.AddrFromSlice(n.IP)
		return ok && own.Unmap() == ip
	})
}
