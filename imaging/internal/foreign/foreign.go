// Package foreign names what people send in place of a picture, or as a picture of a
// format that is not read.
package foreign

import (
	"bytes"
	"strings"
)

// Name returns what data is by its first bytes, as a noun with its article; "" where
// that is not known.
func Name(data []byte) string {
	if len(data) >= 12 && string(data[4:8]) == "ftyp" {
		return container(string(data[8:12]))
	}
	if len(data) >= 12 && string(data[:4]) == "RIFF" {
		if name, ok := riff[string(data[8:12])]; ok {
			return name
		}
	}
	for _, m := range magics {
		if bytes.HasPrefix(data, []byte(m.magic)) {
			return m.name
		}
	}
	return text(data)
}

var riff = map[string]string{"AVI\x20": "an AVI film", "WAVE": "a WAVE sound"}

// magics are first bytes, longer ones before what they begin with.
var magics = []struct{ magic, name string }{
	{"\xff\x0a", "a JPEG XL picture"},
	{"\x00\x00\x00\x0cJXL \r\n\x87\n", "a JPEG XL picture"},
	{"\x00\x00\x00\x0cjP  \r\n\x87\n", "a JPEG 2000 picture"},
	{"\xff\x4f\xff\x51", "a JPEG 2000 picture"},
	{"II\xbc\x01", "a JPEG XR picture"},
	{"\x00\x00\x01\x00", "an icon (ICO)"},
	{"\x00\x00\x02\x00\x01\x00", "a cursor (CUR)"}, // with one picture: more zeros begin a TGA
	{"icns", "an Apple icon"},
	{"8BPS", "a Photoshop document"},
	{"gimp xcf", "a GIMP document"},
	{"P7\nWIDTH", "a PAM picture"}, {"Pf\n", "a PFM picture"}, {"PF\n", "a PFM picture"},
	{"qoif", "a QOI picture"},
	{"DDS ", "a DDS texture"},
	{"\x76\x2f\x31\x01", "an OpenEXR picture"},
	{"#?RADIANCE", "a Radiance HDR picture"},
	{"#?RGBE", "a Radiance HDR picture"},
	{"\x01\xda\x00", "an SGI picture"}, {"\x01\xda\x01", "an SGI picture"},
	{"\x0a\x05\x01", "a PCX picture"},
	{"\x8aMNG\r\n\x1a\n", "an MNG animation"},
	{"\x8bJNG\r\n\x1a\n", "a JNG picture"},
	{"BPG\xfb", "a BPG picture"},
	{"FLIF", "a FLIF picture"},
	{"SIMPLE  =", "a FITS picture"},
	{"\xd7\xcd\xc6\x9a", "a Windows metafile"},
	{"FUJIFILMCCD-RAW", "a raw photograph of a camera (RAF)"},
	{"IIRO", "a raw photograph of a camera (ORF)"}, {"IIRS", "a raw photograph of a camera (ORF)"}, {"MMOR", "a raw photograph of a camera (ORF)"},
	{"IIU\x00", "a raw photograph of a camera (RW2)"},
	{"\x00MRM", "a raw photograph of a camera (MRW)"},
	{"FOVb", "a raw photograph of a camera (X3F)"},
	{"II\x1a\x00\x00\x00HEAPCCDR", "a raw photograph of a camera (CRW)"},
	{"\x1a\x45\xdf\xa3", "a WebM or Matroska film"},
	{"FLV\x01", "a Flash film"},
	{"\x00\x00\x01\xba", "an MPEG film"}, {"\x00\x00\x01\xb3", "an MPEG film"},
	{"%PDF-", "a PDF document"},
	{"%!PS", "a PostScript document"}, {"\xc5\xd0\xd3\xc6", "a PostScript document"},
	{"PK\x03\x04", "a zip archive, or a document inside one"},
	{"\x1f\x8b", "gzip-compressed data"},
	{"BZh", "bzip2-compressed data"},
	{"\xfd7zXZ\x00", "xz-compressed data"},
	{"\x28\xb5\x2f\xfd", "zstd-compressed data"},
	{"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"},
	{"Rar!\x1a\x07", "a RAR archive"},
	{"ID3", "an MP3 sound"}, {"OggS", "an Ogg sound or film"}, {"fLaC", "a FLAC sound"},
	{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document"},
	{"\x93NUMPY", "a NumPy array"},
	{"\x89HDF\r\n\x1a\n", "an HDF5 file"},
}

// container names what begins like an MP4, by its brand. HEIF's are not all known here:
// those that are read have been found before.
func container(brand string) string {
	switch {
	case strings.HasPrefix(brand, "qt"):
		return "a QuickTime film"
	case brand == "crx ":
		return "a raw photograph of a camera (CR3)"
	case strings.HasPrefix(brand, "hei"), strings.HasPrefix(brand, "hev"), brand == "mif1", brand == "msf1":
		return "a HEIF picture"
	case brand == "avif", brand == "avis":
		return "an AVIF picture"
	case brand == "jxl ":
		return "a JPEG XL picture"
	case strings.HasPrefix(brand, "M4A"):
		return "an MPEG-4 sound"
	case strings.HasPrefix(brand, "3g"):
		return "a 3GP film"
	}
	return "an MP4 film"
}

// textLooked is how much of a text is looked at.
const textLooked = 1 << 10

// text names what is written in letters.
func text(data []byte) string {
	head := bytes.TrimPrefix(data[:min(len(data), textLooked)], []byte("\xef\xbb\xbf"))
	head = bytes.ToLower(bytes.TrimSpace(head))
	has := func(prefix string) bool { return bytes.HasPrefix(head, []byte(prefix)) }
	switch {
	case has("<svg"), (has("<?xml") || has("<!doctype svg") || has("<!--")) && bytes.Contains(head, []byte("<svg")):
		return "an SVG drawing"
	case has("<!doctype html"), has("<html"), has("<head"), has("<body"), bytes.Contains(head, []byte("<html")):
		return "an HTML page"
	case has("<?xml"):
		return "an XML document"
	case has("data:image/"):
		return "a data URL as text"
	case has("version https://git-lfs"):
		return "a Git LFS pointer to a file that was not fetched"
	case has("{"):
		return "JSON text"
	}
	return base64(bytes.TrimSpace(data[:min(len(data), textLooked)]))
}

// base64 names pictures that are still packed as text.
func base64(head []byte) string {
	for prefix, name := range map[string]string{
		"/9j/": "a JPEG", "iVBORw0KGgo": "a PNG", "R0lGOD": "a GIF", "UklGR": "a WebP", "SUkqA": "a TIFF", "TU0AK": "a TIFF",
	} {
		if bytes.HasPrefix(head, []byte(prefix)) {
			return name + " as base64 text"
		}
	}
	return ""
}
