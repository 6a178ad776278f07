package rewrite

import "golang.org/x/sys/cpu"

// canIndex reports whether classify is fast here.
var canIndex = cpu.X86.HasAVX2

// classify sets a bit for each '<', stop and quote in blocks of 64 bytes from p on.
func classify(less, stop, quote *uint64, p *byte, blocks int) {
	classifyAVX2(less, stop, quote, p, blocks)
}

//go:noescape
func classifyAVX2(less, stop, quote *uint64, p *byte, blocks int)
