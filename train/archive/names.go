package archive

import (
	"archive/zip"
	"encoding/binary"
	"hash/crc32"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
)

// Names gives the names of a tree's files as they are shown and told apart: in UTF-8,
// divided by "/", and printable. Those that are no UTF-8 are read together in the
// encoding that fits them best, so that it may be told by all of them.
func Names(paths []string) []string {
	names := make([]string, len(paths))
	var legacy []string
	var at []int
	for i, name := range paths {
		names[i] = name
		if !utf8.ValidString(name) {
			legacy, at = append(legacy, name), append(at, i)
		}
	}
	for i, name := range decoded(legacy) {
		names[at[i]] = name
	}
	for i, name := range names {
		names[i] = Printable(strings.TrimSuffix(divided(name), "/"))
	}
	return names
}

// Printable is a text in which what would move a terminal's cursor, turn the direction of
// the text or be no character at all stands as an escape of Go's strings, such as \x1b.
func Printable(text string) string {
	plain := true
	for _, r := range text {
		plain = plain && printable(r)
	}
	if plain && utf8.ValidString(text) {
		return text
	}
	var escaped strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && size == 1:
			escaped.WriteString(`\x` + strconv.FormatUint(uint64(text[0]), 16))
		case printable(r):
			escaped.WriteRune(r)
		default:
			escaped.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		}
		text = text[size:]
	}
	return escaped.String()
}

// printable also takes other spaces than ASCII's, and what joins the parts of an emoji.
func printable(r rune) bool {
	const nonJoiner, joiner = '\u200c', '\u200d'
	return unicode.IsPrint(r) || unicode.Is(unicode.Zs, r) || r == nonJoiner || r == joiner
}

// unicodePath is the name that Info-ZIP, 7-Zip and WinRAR put beside one of another
// encoding (APPNOTE 4.6.9). It is void where the name was changed since.
func unicodePath(entry *zip.File) (string, bool) {
	const id = 0x7075
	for extra := entry.Extra; len(extra) >= 4; {
		size := int(binary.LittleEndian.Uint16(extra[2:]))
		if size > len(extra)-4 {
			return "", false
		}
		field := extra[4 : 4+size]
		if binary.LittleEndian.Uint16(extra) == id && size > 5 && field[0] == 1 &&
			binary.LittleEndian.Uint32(field[1:]) == crc32.ChecksumIEEE([]byte(entry.Name)) && utf8.Valid(field[5:]) {
			return string(field[5:]), true
		}
		extra = extra[4+size:]
	}
	return "", false
}

// decoded reads names in one encoding: UTF-8 where all are, else the likeliest one.
func decoded(names []string) []string {
	all := strings.Join(names, "/")
	if utf8.ValidString(all) {
		return names
	}
	decoder := likeliest(names).NewDecoder()
	read := make([]string, len(names))
	for i, name := range names {
		text, err := decoder.String(name)
		if err != nil || !utf8.ValidString(text) {
			text = Printable(name)
		}
		read[i] = text
	}
	return read
}

// likeliest tells the encoding of names by the bytes that they have and by those that
// each encoding's everyday characters have. Short names of a few characters may fit
// several: then the one with the most writers is taken.
func likeliest(names []string) encoding.Encoding {
	if latin(names) {
		return latinEncoding(names)
	}
	if cyrillic(names) {
		return charmap.CodePage866
	}
	pairs, single := doubleBytes(names)
	switch {
	case single == 0 && len(pairs) > 0 && all(pairs, everydayChinese):
		if len(distinct(pairs)) >= enoughPairs && all(pairs, hangul) && fits(korean.EUCKR, names) {
			return korean.EUCKR
		}
		if fits(simplifiedchinese.GB18030, names) {
			return simplifiedchinese.GB18030
		}
	case fits(japanese.ShiftJIS, names) && !halfWidth(japanese.ShiftJIS, names):
		return japanese.ShiftJIS
	case fits(traditionalchinese.Big5, names) && len(pairs) > 0 && all(pairs, everydayBig5):
		return traditionalchinese.Big5
	}
	for _, candidate := range []encoding.Encoding{
		simplifiedchinese.GB18030, korean.EUCKR, japanese.ShiftJIS, japanese.EUCJP, traditionalchinese.Big5,
	} {
		if fits(candidate, names) {
			return candidate
		}
	}
	return latinEncoding(names)
}

// enoughPairs is from how many different characters on it says something that all of
// them are where Korean has its syllables: of everyday Chinese about half are there.
const enoughPairs = 8

// everydayChinese reports whether a pair of bytes is of GB2312, the first standard, where
// nearly all that is written in GBK is; hangul, whether it is one of EUC-KR's
// syllables; everydayBig5, whether it is of Big5's first level.
func everydayChinese(p [2]byte) bool {
	return (p[0] >= 0xb0 && p[0] <= 0xf7 || p[0] >= 0xa1 && p[0] <= 0xa9) && p[1] >= 0xa1
}
func hangul(p [2]byte) bool       { return p[0] >= 0xb0 && p[0] <= 0xc8 && p[1] >= 0xa1 }
func everydayBig5(p [2]byte) bool { return p[0] >= 0xa1 && p[0] <= 0xc6 && p[1] >= 0x40 }

// doubleBytes reads names as pairs that begin with a byte above 0x80, and counts those
// that stand alone at a name's end.
func doubleBytes(names []string) (pairs [][2]byte, single int) {
	for _, name := range names {
		for i := 0; i < len(name); i++ {
			if name[i] < 0x80 {
				continue
			}
			if i+1 == len(name) {
				single++
				continue
			}
			pairs = append(pairs, [2]byte{name[i], name[i+1]})
			i++
		}
	}
	return pairs, single
}

func all(pairs [][2]byte, are func([2]byte) bool) bool {
	for _, pair := range pairs {
		if !are(pair) {
			return false
		}
	}
	return true
}

func distinct(pairs [][2]byte) map[[2]byte]bool {
	set := map[[2]byte]bool{}
	for _, pair := range pairs {
		set[pair] = true
	}
	return set
}

// fits reports whether an encoding has a character for everything.
func fits(candidate encoding.Encoding, names []string) bool {
	text, err := candidate.NewDecoder().String(strings.Join(names, "/"))
	return err == nil && !strings.ContainsRune(text, utf8.RuneError)
}

// halfWidth reports whether names read so have katakana of half width, which hardly
// anybody writes: Chinese and Korean read in Shift-JIS are full of them.
func halfWidth(candidate encoding.Encoding, names []string) bool {
	text, err := candidate.NewDecoder().String(strings.Join(names, "/"))
	return err != nil || strings.ContainsFunc(text, func(r rune) bool { return r >= 0xff61 && r <= 0xff9f })
}

// latin reports whether names are of an alphabet in which letters above ASCII stand
// alone among others, as é does: each has a letter before it, or two behind it.
func latin(names []string) bool {
	found := false
	for _, name := range names {
		for i := range len(name) {
			if name[i] < 0x80 {
				continue
			}
			found = true
			before := i > 0 && letter(name[i-1])
			behind := i+2 < len(name) && letter(name[i+1]) && letter(name[i+2])
			alone := (i == 0 || name[i-1] < 0x80) && (i+1 == len(name) || name[i+1] < 0x80)
			if !alone || !before && !behind {
				return false
			}
		}
	}
	return found
}

// cyrillic reports whether names are of words in DOS' Cyrillic: three letters or more
// together, none of them where that encoding has frames of tables.
func cyrillic(names []string) bool {
	const word = 3
	for _, name := range names {
		run := 0
		for i := range len(name) + 1 {
			if i < len(name) && name[i] >= 0x80 {
				run++
				if name[i] >= 0xb0 && name[i] < 0xe0 || name[i] > 0xf1 {
					return false
				}
				continue
			}
			if run > 0 && run < word {
				return false
			}
			run = 0
		}
	}
	return true
}

func letter(b byte) bool { return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' }

// latinEncoding is Windows' where all letters are in its upper part, else that of DOS,
// which zip files have by their standard (APPNOTE D.1).
func latinEncoding(names []string) encoding.Encoding {
	for _, name := range names {
		for i := range len(name) {
			if name[i] >= 0x80 && name[i] < 0xc0 {
				return charmap.CodePage437
			}
		}
	}
	return charmap.Windows1252
}
