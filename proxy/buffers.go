package proxy

import "sync"

// Buffers are used again, in three sizes: most pages, large ones, and the
// largest that are held whole.
var bufferSizes = [...]int{36 << 10, 132 << 10, maxWhole + 8<<10}

var buffers [len(bufferSizes)]sync.Pool

// takeBuffer returns a buffer of at least n bytes, as far as there are such;
// giveBuffer takes it back.
func takeBuffer(n int) *[]byte {
	class := 0
	for class < len(bufferSizes)-1 && bufferSizes[class] < n {
		class++
	}
	if b, ok := buffers[class].Get().(*[]byte); ok {
		return b
	}
	b := make([]byte, bufferSizes[class])
	return &b
}

func giveBuffer(b *[]byte) {
	for class, size := range bufferSizes {
		if cap(*b) == size {
			buffers[class].Put(b)
			return
		}
	}
}
