package inflate

import "math/bits"

// An entry of a table:
//
//	literal   1<<31 | byte<<16 | bits of the code
//	length    base<<16 | bits of the code<<8 | bits of the code and its extra bits
//	distance  the same
//	subtable  1<<15 | place<<16 | bits that index it<<8 | bits of the main table
//	end       1<<15 | 1<<14 | bits of the code
//	nothing   1<<15 | 1<<13: no code begins with these bits
const (
	isLiteral = 1 << 31
	isOther   = 1 << 15
	isEnd     = 1 << 14
	isNothing = 1 << 13
)

// Bits that index the main tables. A code has up to 15; what is longer goes
// through a subtable. The sizes are the most that codes of 288 and 32 symbols can
// need (zlib's enough.c computes 2342 and 402).
const (
	litBits  = 11
	distBits = 8
	litSize  = 2342
	distSize = 402
	maxBits  = 15
)

// build makes a table of the lengths of codes; meaning is the entry of a symbol
// without its bits. false: the lengths make no code.
func build(table []uint32, lens []uint8, main uint, meaning func(symbol int) uint32) bool {
	var count [maxBits + 1]int
	for _, l := range lens {
		count[l]++
	}
	count[0] = 0
	var code [maxBits + 2]uint32
	left, used := 1, 0
	for l := 1; l <= maxBits; l++ {
		left = left*2 - count[l]
		used += count[l]
		if left < 0 {
			return false // more codes than there can be
		}
		code[l+1] = (code[l] + uint32(count[l])) << 1
	}
	for i := range 1 << main {
		table[i] = isOther | isNothing
	}
	if left > 0 && !(used == 0 || used == 1 && count[1] == 1) {
		return false // too few: only a single code of one bit may be so
	}
	next := 1 << main // place of the next subtable
	subBits := uint(0)
	var prefix uint32 = 1<<32 - 1
	var sub []uint32
	for l := uint(1); l <= maxBits; l++ {
		if count[l] == 0 {
			continue
		}
		for s := range lens {
			if uint(lens[s]) != l {
				continue
			}
			rev := bits.Reverse32(code[l]) >> (32 - l)
			code[l]++
			if l <= main {
				e := entry(meaning(s), l)
				for i := rev; i < 1<<main; i += 1 << l {
					table[i] = e
				}
				continue
			}
			if p := rev & (1<<main - 1); p != prefix { // codes come in order: a new subtable
				prefix = p
				subBits = l - main
				room := 1 << subBits
				for k := l; k < maxBits; { // as many bits as the codes of this prefix need
					room -= remaining(count[:], k, l, code[l]-1)
					if room <= 0 {
						break
					}
					k++
					subBits++
					room <<= 1
				}
				if next+1<<subBits > len(table) {
					return false
				}
				sub = table[next : next+1<<subBits]
				for i := range sub {
					sub[i] = isOther | isNothing
				}
				table[p] = isOther | uint32(next)<<16 | uint32(subBits)<<8 | uint32(main)
				next += 1 << subBits
			}
			e := entry(meaning(s), l-main)
			for i := rev >> main; i < 1<<subBits; i += 1 << (l - main) {
				sub[i] = e
			}
		}
	}
	return true
}

// remaining is how many codes of k bits are still to come; of l bits, those from
// code on, first being the first of that length.
func remaining(count []int, k, l uint, done uint32) int {
	if k != l {
		return count[k]
	}
	var first uint32
	for i := uint(1); i <= l; i++ {
		first = (first + uint32(count[i-1])) << 1
	}
	return count[l] - int(done-first)
}

// entry adds the bits of a code to the meaning of its symbol.
func entry(meaning uint32, l uint) uint32 {
	if meaning&(isLiteral|isOther) != 0 {
		return meaning | uint32(l)
	}
	return meaning + uint32(l)<<8 + uint32(l) // extra bits are there already
}

// litMeaning of a literal, the end, or a length.
func litMeaning(s int) uint32 {
	switch {
	case s < 256:
		return isLiteral | uint32(s)<<16
	case s == 256:
		return isOther | isEnd
	case s < 265:
		return uint32(s-254) << 16
	case s < 285:
		extra := uint32(s-261) / 4
		return (uint32(4+(s-265)%4)<<extra+3)<<16 | extra
	case s == 285:
		return 258 << 16
	}
	return isOther | isNothing
}

func distMeaning(s int) uint32 {
	switch {
	case s < 4:
		return uint32(s+1) << 16
	case s < 30:
		extra := uint32(s-2) / 2
		return (uint32(2+s%2)<<extra+1)<<16 | extra
	}
	return isOther | isNothing
}

// preMeaning of a code length, of which codes are made.
func preMeaning(s int) uint32 { return uint32(s) << 16 }
