package mongosim

import (
	"slices"
	"sort"
	"strings"
)

// blockSize bounds the cost of an insertion; two levels of it are enough for
// millions of entries.
const blockSize = 256

// entry is one key of an index, pointing at the slot of its document.
type entry struct {
	key  string
	slot *slot
}

// tree is a sorted list of entries with distinct keys, kept as sorted blocks.
type tree struct {
	blocks [][]entry
	size   int
}

// find returns the block and the position in it of the first key >= key. The
// block is len(blocks) when there is none.
func (t *tree) find(key string) (b, i int) {
	b = sort.Search(len(t.blocks), func(b int) bool {
		blk := t.blocks[b]
		return blk[len(blk)-1].key >= key
	})
	if b == len(t.blocks) {
		return b, 0
	}
	blk := t.blocks[b]
	return b, sort.Search(len(blk), func(i int) bool { return blk[i].key >= key })
}

// insert adds an entry. A key that is there already keeps its first entry.
func (t *tree) insert(e entry) {
	b, i := t.find(e.key)
	if b == len(t.blocks) {
		if b == 0 {
			t.blocks = append(t.blocks, []entry{e})
			t.size++
			return
		}
		b--
		i = len(t.blocks[b])
	} else if t.blocks[b][i].key == e.key {
		return
	}
	t.blocks[b] = slices.Insert(t.blocks[b], i, e)
	t.size++
	if blk := t.blocks[b]; len(blk) > blockSize {
		half := blockSize / 2
		if i == len(blk)-1 {
			half = blockSize // appending: keep the left block full
		}
		right := append(make([]entry, 0, blockSize+1), blk[half:]...)
		clear(blk[half:])
		t.blocks[b] = blk[:half]
		t.blocks = slices.Insert(t.blocks, b+1, right)
	}
}

// remove deletes the entry with this key, if any.
func (t *tree) remove(key string) {
	b, i := t.find(key)
	if b == len(t.blocks) || t.blocks[b][i].key != key {
		return
	}
	t.blocks[b] = slices.Delete(t.blocks[b], i, i+1)
	if len(t.blocks[b]) == 0 {
		t.blocks = slices.Delete(t.blocks, b, b+1)
	}
	t.size--
}

// keyRange is lo <= key < hi; an empty hi is the end.
type keyRange struct{ lo, hi string }

// prefixRange holds every key that begins with p.
func prefixRange(p string) keyRange { return keyRange{p, after(p)} }

// ascend calls fn for the entries of r in order, until it returns false.
func (t *tree) ascend(r keyRange, fn func(entry) bool) bool {
	for b, i := t.find(r.lo); b < len(t.blocks); b, i = b+1, 0 {
		for _, e := range t.blocks[b][i:] {
			if r.hi != "" && strings.Compare(e.key, r.hi) >= 0 {
				return true
			}
			if !fn(e) {
				return false
			}
		}
	}
	return true
}

// descend is ascend backwards.
func (t *tree) descend(r keyRange, fn func(entry) bool) bool {
	b, i := len(t.blocks), 0
	if r.hi != "" {
		b, i = t.find(r.hi)
	}
	for {
		if i == 0 {
			if b == 0 {
				return true
			}
			b--
			i = len(t.blocks[b])
		}
		i--
		e := t.blocks[b][i]
		if e.key < r.lo {
			return true
		}
		if !fn(e) {
			return false
		}
	}
}
