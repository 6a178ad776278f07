package events

import (
	"cmp"
	"encoding/binary"
	"hash/fnv"
	"slices"
)

// Digest is the digest of tree and form state (FORMAT.md, Digest).
func (m *Model) Digest() uint32 {
	h := fnv.New32a()
	buf := make([]byte, 0, 256)
	m.head.Document.walk(func(n *Node) {
		buf = m.appendOwn(buf[:0], n)
		_, _ = h.Write(buf) // never fails (hash.Hash)
	})
	return h.Sum32()
}

// DigestPart is the digest of the nodes with ids from first to before after,
// each with the ids of what is in it.
func (m *Model) DigestPart(first, after NodeID) uint32 {
	h := fnv.New32a()
	buf := make([]byte, 0, 256)
	for _, n := range m.between(first, after) {
		buf = m.appendOwn(buf[:0], n)
		for _, inner := range []*Node{n.Shadow, n.Frame} {
			if inner != nil {
				buf = binary.LittleEndian.AppendUint32(buf, uint32(inner.ID))
			}
		}
		for _, c := range n.Children {
			buf = binary.LittleEndian.AppendUint32(buf, uint32(c.ID))
		}
		_, _ = h.Write(buf) // never fails (hash.Hash)
	}
	return h.Sum32()
}

// between returns the nodes with ids from first to before after, in the order of
// ids. A page that has long been changing has few of them among many ids.
func (m *Model) between(first, after NodeID) []*Node {
	var list []*Node
	if int64(after)-int64(first) <= int64(len(m.nodes)) {
		for id := first; id < after; id++ {
			if n := m.nodes[id]; n != nil {
				list = append(list, n)
			}
		}
		return list
	}
	for id, n := range m.nodes {
		if id >= first && id < after {
			list = append(list, n)
		}
	}
	slices.SortFunc(list, func(a, b *Node) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

// appendOwn appends what a digest has of a node by itself.
func (m *Model) appendOwn(buf []byte, n *Node) []byte {
	buf = binary.LittleEndian.AppendUint32(buf, uint32(n.ID))
	buf = append(buf, byte(n.Kind))
	switch n.Kind {
	case ElementNode:
		buf = append(buf, n.Name...)
	case TextNode:
		buf = append(buf, n.Text...)
	}
	if kept := m.kept[n.ID]; kept != nil {
		if v, is := kept[OpValue]; is {
			buf = append(buf, v.Text...)
		}
		if c, is := kept[OpChecked]; is {
			buf = append(buf, byte(c.N[0]))
		}
	}
	return buf
}
