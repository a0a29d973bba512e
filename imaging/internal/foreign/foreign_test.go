package foreign_test

import (
	"strings"
	"testing"

	"siamese/imaging/internal/foreign"
)

func TestName(t *testing.T) {
	tests := []struct{ give, want string }{
		{"", ""},
		{"plain text", ""},
		{"\xff\xd8\xff\xe0", ""},
		{"%PDF-1.7\n", "a PDF document"},
		{"\xff\x0a\x00", "a JPEG XL picture"},
		{"\x00\x00\x00\x0cJXL \r\n\x87\n", "a JPEG XL picture"},
		{"\x00\x00\x00\x0cjP  \r\n\x87\n", "a JPEG 2000 picture"},
		{"\x00\x00\x01\x00\x01\x00", "an icon (ICO)"},
		{"8BPS\x00\x01", "a Photoshop document"},
		{"PK\x03\x04", "a zip archive, or a document inside one"},
		{"\x1f\x8b\x08", "gzip-compressed data"},
		{"\x00\x00\x00\x20ftypisom\x00\x00", "an MP4 film"},
		{"\x00\x00\x00\x14ftypqt  \x00\x00", "a QuickTime film"},
		{"\x00\x00\x00\x18ftypcrx \x00\x00", "a raw photograph of a camera (CR3)"},
		{"\x00\x00\x00\x18ftypheic\x00\x00", "a HEIF picture"},
		{"\x00\x00\x00\x18ftypavif\x00\x00", "an AVIF picture"},
		{"\x1a\x45\xdf\xa3", "a WebM or Matroska film"},
		{"RIFF\x00\x00\x00\x00AVI LIST", "an AVI film"},
		{"RIFF\x00\x00\x00\x00WEBPVP8 ", ""},
		{"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing"},
		{"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- x -->\n<SVG/>", "an SVG drawing"},
		{"<?xml version='1.0'?><plist/>", "an XML document"},
		{"\n  <!DOCTYPE HTML><html>", "an HTML page"},
		{"data:image/png;base64,iVBOR", "a data URL as text"},
		{"iVBORw0KGgoAAAANSUhEUg", "a PNG as base64 text"},
		{"/9j/4AAQSkZJRg", "a JPEG as base64 text"},
		{`{"image": 1}`, "JSON text"},
		{"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer to a file that was not fetched"},
		{"P60 and P6-2 are no pictures", ""},
		{"P6\n2 2\n255\n", "a PPM picture"},
		{"qoif\x00", "a QOI picture"},
		{strings.Repeat(" ", 5000) + "<html>", ""},
	}
	for _, tt := range tests {
		if got := foreign.Name([]byte(tt.give)); got != tt.want {
			t.Errorf("Name(%.30q) = %q, want %q", tt.give, got, tt.want)
		}
	}
}
