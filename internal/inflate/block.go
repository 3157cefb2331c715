package inflate

import "encoding/binary"

// fill loads what the register has room for. At the end of the input there is
// less; n then says how much.
func (d *Decoder) fill() {
	if d.at+8 <= len(d.in) {
		d.bits |= binary.LittleEndian.Uint64(d.in[d.at:]) << d.n
		d.at += int((63 - d.n) >> 3)
		d.n |= 56
		return
	}
	for d.n <= 55 && d.at < len(d.in) {
		d.bits |= uint64(d.in[d.at]) << d.n
		d.at++
		d.n += 8
	}
}

// take reads n ≤ 32 bits.
func (d *Decoder) take(n uint) (uint32, bool) {
	if d.n < n {
		if d.fill(); d.n < n {
			return 0, false
		}
	}
	v := uint32(d.bits & (1<<n - 1))
	d.drop(n)
	return v, true
}

func (d *Decoder) drop(n uint) {
	d.bits >>= n
	d.n -= n
}

func (d *Decoder) blocks() error {
	for {
		head, ok := d.take(3)
		if !ok {
			return ErrCorrupt
		}
		var err error
		switch head >> 1 {
		case 0:
			err = d.stored()
		case 1:
			if !d.fixed() {
				return ErrCorrupt
			}
			err = d.coded()
		case 2:
			if !d.dynamic() {
				return ErrCorrupt
			}
			err = d.coded()
		default:
			return ErrCorrupt
		}
		if err != nil {
			return err
		}
		if head&1 != 0 {
			return nil
		}
	}
}

// stored copies a block that is not compressed.
func (d *Decoder) stored() error {
	d.drop(d.n & 7)
	n, ok := d.take(16)
	inverse, ok2 := d.take(16)
	if !ok || !ok2 || n^inverse != 0xffff {
		return ErrCorrupt
	}
	d.at -= int(d.n / 8)
	d.bits, d.n = 0, 0
	if int(n) > len(d.in)-d.at {
		return ErrCorrupt
	}
	if len(d.out)+int(n) > d.max {
		return ErrSize
	}
	d.out = append(d.out, d.in[d.at:d.at+int(n)]...)
	d.at += int(n)
	return nil
}

// fixed makes the tables of a block without any.
func (d *Decoder) fixed() bool {
	lens := d.lens[:]
	for i := range 288 {
		switch {
		case i < 144:
			lens[i] = 8
		case i < 256:
			lens[i] = 9
		case i < 280:
			lens[i] = 7
		default:
			lens[i] = 8
		}
	}
	for i := range 32 {
		lens[288+i] = 5
	}
	return build(d.lit[:], lens[:288], litBits, litMeaning) && build(d.dist[:], lens[288:], distBits, distMeaning)
}

// order in which the lengths of the codes of code lengths come.
var order = [...]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// dynamic reads the tables of a block.
func (d *Decoder) dynamic() bool {
	head, ok := d.take(14)
	if !ok {
		return false
	}
	nlit, ndist, npre := int(head&31)+257, int(head>>5&31)+1, int(head>>10)+4
	if nlit > 286 || ndist > 30 {
		return false
	}
	var pre [19]uint8
	for i := range npre {
		v, ok := d.take(3)
		if !ok {
			return false
		}
		pre[order[i]] = uint8(v)
	}
	const preBits = 7
	table := d.dist[:1<<preBits]
	if !build(table, pre[:], preBits, preMeaning) {
		return false
	}
	for i := 0; i < nlit+ndist; {
		if d.n < 14 { // a code and its extra bits
			d.fill()
		}
		e := table[d.bits&(1<<preBits-1)]
		l := uint(e & 0xff)
		if e&isOther != 0 || d.n < l {
			return false
		}
		d.drop(l)
		s := uint8(e >> 16)
		if s < 16 {
			d.lens[i] = s
			i++
			continue
		}
		if s == 16 && i == 0 {
			return false
		}
		n, last := 0, uint8(0)
		switch s {
		case 16:
			n, last = int(d.bits&3)+3, d.lens[i-1]
			l = 2
		case 17:
			n, l = int(d.bits&7)+3, 3
		default:
			n, l = int(d.bits&127)+11, 7
		}
		if d.n < l || i+n > nlit+ndist {
			return false
		}
		d.drop(l)
		for range n {
			d.lens[i] = last
			i++
		}
	}
	if d.lens[256] == 0 {
		return false // a block without an end
	}
	return build(d.lit[:], d.lens[:nlit], litBits, litMeaning) && build(d.dist[:], d.lens[nlit:nlit+ndist], distBits, distMeaning)
}

// slack is the room that a turn of the fast loop may need: a match in steps of
// eight bytes, and literals before it.
const slack = 258 + 16

// coded decompresses the symbols of a block.
func (d *Decoder) coded() error {
	for {
		if cap(d.out)-len(d.out) < slack && cap(d.out) < d.max+slack {
			grown := make([]byte, len(d.out), min(max(2*cap(d.out), 64<<10), d.max+slack))
			copy(grown, d.out)
			d.out = grown
		}
		done, err := d.fast()
		if done || err != nil {
			if err == nil && len(d.out) > d.max {
				err = ErrSize
			}
			return err
		}
		if len(d.out) > d.max {
			return ErrSize
		}
		if cap(d.out)-len(d.out) >= slack || cap(d.out) >= d.max+slack { // it stopped for the input's end
			return d.slow()
		}
	}
}

// fast decompresses until the block, the input but 16 bytes, or the room in out
// but slack is at its end.
func (d *Decoder) fast() (done bool, err error) {
	in, at, buf, n := d.in, d.at, d.bits, d.n
	out := d.out[:cap(d.out)]
	w := len(d.out)
	stop := len(out) - slack
	lit, dist, zero := &d.lit, &d.dist, d.zero
	// One way out, and no closure: the five must stay in registers.
loop:
	for w <= stop && at+16 <= len(in) {
		buf |= binary.LittleEndian.Uint64(in[at:]) << (n & 63)
		at += int((63 - n) >> 3)
		n |= 56
		// 56 bits: up to three literals of 15, or a length of 20 and a distance of 28.
		e := lit[buf&(1<<litBits-1)]
		if e&isLiteral != 0 {
			buf >>= e & 63
			n -= uint(e & 63)
			out[w] = byte(e >> 16)
			w++
			if e = lit[buf&(1<<litBits-1)]; e&isLiteral != 0 {
				buf >>= e & 63
				n -= uint(e & 63)
				out[w] = byte(e >> 16)
				w++
				if e = lit[buf&(1<<litBits-1)]; e&isLiteral != 0 {
					buf >>= e & 63
					n -= uint(e & 63)
					out[w] = byte(e >> 16)
					w++
					continue
				}
			}
			buf |= binary.LittleEndian.Uint64(in[at:]) << (n & 63)
			at += int((63 - n) >> 3)
			n |= 56
		}
		if e&isOther != 0 {
			if e&isNothing != 0 {
				err = ErrCorrupt
				break loop
			}
			if e&isEnd != 0 {
				buf >>= e & 63
				n -= uint(e & 63)
				done = true
				break loop
			}
			buf >>= litBits
			n -= litBits
			e = lit[e>>16+uint32(buf&(1<<(e>>8&15)-1))]
			if e&isLiteral != 0 {
				buf >>= e & 63
				n -= uint(e & 63)
				out[w] = byte(e >> 16)
				w++
				continue
			}
			if e&isOther != 0 {
				if e&isEnd != 0 {
					buf >>= e & 63
					n -= uint(e & 63)
					done = true
					break loop
				}
				err = ErrCorrupt
				break loop
			}
		}
		length := int(e>>16) + int(buf&(1<<(e&63)-1)>>(e>>8&63))
		buf >>= e & 63
		n -= uint(e & 63)

		e = dist[buf&(1<<distBits-1)]
		if e&isOther != 0 {
			if e&isNothing != 0 {
				err = ErrCorrupt
				break loop
			}
			buf >>= distBits
			n -= distBits
			if e = dist[e>>16+uint32(buf&(1<<(e>>8&15)-1))]; e&isOther != 0 {
				err = ErrCorrupt
				break loop
			}
		}
		back := int(e>>16) + int(buf&(1<<(e&63)-1)>>(e>>8&63))
		buf >>= e & 63
		n -= uint(e & 63)
		from := w - back
		if from < zero {
			err = ErrCorrupt
			break loop
		}
		end := w + length
		if back >= 8 { // eight bytes at a time, perhaps a few too many
			for ; w < end; w, from = w+8, from+8 {
				binary.LittleEndian.PutUint64(out[w:], binary.LittleEndian.Uint64(out[from:]))
			}
		} else {
			for ; w < end; w, from = w+1, from+1 {
				out[w] = out[from]
			}
		}
		w = end
	}
	d.at, d.bits, d.n, d.out = at, buf, n, out[:w]
	return done, err
}

// slow decompresses with checks at every step.
func (d *Decoder) slow() error {
	for {
		if d.n < 48 {
			d.fill()
		}
		e, ok := d.symbol(d.lit[:], litBits)
		if !ok || e&isNothing != 0 && e&isLiteral == 0 {
			return ErrCorrupt
		}
		if e&isLiteral != 0 {
			if len(d.out) >= d.max {
				return ErrSize
			}
			d.out = append(d.out, byte(e>>16))
			continue
		}
		if e&isOther != 0 {
			return nil
		}
		length, ok := d.extra(e)
		if !ok {
			return ErrCorrupt
		}
		if d.n < 48 {
			d.fill()
		}
		if e, ok = d.symbol(d.dist[:], distBits); !ok || e&isOther != 0 {
			return ErrCorrupt
		}
		back, ok := d.extra(e)
		if !ok || back > len(d.out)-d.zero {
			return ErrCorrupt
		}
		if len(d.out)+length > d.max {
			return ErrSize
		}
		for range length {
			d.out = append(d.out, d.out[len(d.out)-back])
		}
	}
}

// symbol reads a code, not its extra bits.
func (d *Decoder) symbol(table []uint32, main uint) (uint32, bool) {
	e := table[d.bits&(1<<main-1)]
	if e&isLiteral == 0 && e&isOther != 0 && e&(isEnd|isNothing) == 0 {
		if d.n < main {
			return 0, false
		}
		d.drop(main)
		e = table[e>>16+uint32(d.bits&(1<<(e>>8&15)-1))]
	}
	l := uint(e & 0xff)
	if e&(isLiteral|isOther) == 0 {
		l = uint(e >> 8 & 15)
	}
	if d.n < l {
		return 0, false
	}
	d.drop(l)
	return e, true
}

// extra adds the extra bits behind a code to its base.
func (d *Decoder) extra(e uint32) (int, bool) {
	n := uint(e&0xff) - uint(e>>8&0xff)
	v, ok := d.take(n)
	return int(e>>16) + int(v), ok
}
