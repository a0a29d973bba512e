package server_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"

	pb "siamese/proto/siamese/v1"
)

// gray returns the PNG file of a picture in one level of grey at the network's
// size.
func gray(level byte) []byte { return grayOf(inputSide, inputSide, level) }

func grayOf(width, height int, level byte) []byte {
	picture := image.NewGray(image.Rect(0, 0, width, height))
	for i := range picture.Pix {
		picture.Pix[i] = level
	}
	return encodePNG(picture)
}

// noise returns the PNG file of a picture that does not compress.
func noise(side int, seed uint32) []byte {
	picture := image.NewRGBA(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			seed = seed*1664525 + 1013904223
			picture.SetRGBA(x, y, color.RGBA{byte(seed >> 24), byte(seed >> 16), byte(seed >> 8), 255})
		}
	}
	return encodePNG(picture)
}

func encodePNG(picture image.Image) []byte {
	var out bytes.Buffer
	if err := png.Encode(&out, picture); err != nil {
		panic(err) // a buffer does not fail
	}
	return out.Bytes()
}

// withComment returns the same picture in other bytes.
func withComment(file []byte) []byte {
	const afterIHDR = 8 + 4 + 4 + 13 + 4
	chunk := chunkOf("tEXt", []byte("Comment\x00other bytes"))
	return bytes.Join([][]byte{file[:afterIHDR], chunk, file[afterIHDR:]}, nil)
}

func chunkOf(kind string, data []byte) []byte {
	body := append([]byte(kind), data...)
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	chunk = append(chunk, body...)
	return binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(body))
}

// header returns a PNG file that announces a size and has no pixels.
func header(width, height uint32) []byte {
	data := binary.BigEndian.AppendUint32(nil, width)
	data = binary.BigEndian.AppendUint32(data, height)
	data = append(data, 8, 2, 0, 0, 0) // 8 bits, RGB
	return append([]byte("\x89PNG\r\n\x1a\n"), chunkOf("IHDR", data)...)
}

func encoded(file []byte) *pb.Image {
	return &pb.Image{Source: &pb.Image_Encoded{Encoded: file}}
}

func grayImage(level byte) *pb.Image { return encoded(gray(level)) }

// rawGray is the same picture as gray, without encoding.
func rawGray(level byte) *pb.Image {
	return rawImage(inputSide, inputSide, pb.PixelFormat_PIXEL_FORMAT_GRAY8,
		bytes.Repeat([]byte{level}, inputSide*inputSide))
}

func rawImage(width, height uint32, format pb.PixelFormat, data []byte) *pb.Image {
	return &pb.Image{Source: &pb.Image_Raw{
		Raw: &pb.RawPixels{Width: width, Height: height, Format: format, Data: data},
	}}
}

func embedding(digest string, values ...float32) *pb.Image {
	return &pb.Image{Source: &pb.Image_Embedding{
		Embedding: &pb.Embedding{Values: values, ModelDigest: digest},
	}}
}

// grayEmbedding is what the fake network makes of gray.
func grayEmbedding(level byte) *pb.Image {
	values := make([]float32, embeddingLength)
	for i := range values {
		values[i] = float32(level) / 255
	}
	return embedding(modelDigest, values...)
}

func reference(name string) *pb.Image {
	return &pb.Image{Source: &pb.Image_Reference{Reference: name}}
}

// graySimilarity is the fake network's similarity of two levels of grey.
func graySimilarity(a, b byte) float32 {
	return similarityOf(
		grayEmbedding(a).GetEmbedding().GetValues(), grayEmbedding(b).GetEmbedding().GetValues())
}
