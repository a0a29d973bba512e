package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"

	"siamese/client"
)

// errorText writes an error as CODE/REASON/FIELD.
func errorText(err *client.Error) string {
	return codeName(err.Code) + "/" + err.Reason + "/" + err.Field
}

// codeName is a code in upper case, as gRPC's specification writes it.
func codeName(code codes.Code) string {
	if code == codes.Canceled {
		return "CANCELLED" // Go alone spells it with one L
	}
	var name strings.Builder
	for i, letter := range code.String() {
		if i > 0 && letter >= 'A' && letter <= 'Z' {
			name.WriteByte('_')
		}
		name.WriteRune(letter)
	}
	return strings.ToUpper(name.String())
}

// partErrorText is errorText of an item of a part of a list that begins at start.
func partErrorText(err *client.Error, start int) string {
	whole := *err
	name, rest, indexed := strings.Cut(err.Field, "[")
	number, behind, closed := strings.Cut(rest, "]")
	if index, failed := strconv.Atoi(number); indexed && closed && failed == nil {
		whole.Field = fmt.Sprintf("%s[%d]%s", name, index+start, behind)
	}
	return errorText(&whole)
}

// number writes a float32 as C's %.9g does; from 0 to 1 Go's 'g' is the same.
func number(value float32) string {
	return strconv.FormatFloat(float64(value), 'g', 9, 64)
}

func scoreText(similarity float32, same bool, preparedA, preparedB []byte) string {
	text := number(similarity) + " " + verdict(same)
	if len(preparedA) > 0 && len(preparedB) > 0 {
		text += " prepared"
	}
	return text
}

func verdict(same bool) string {
	if same {
		return "same"
	}
	return "different"
}

func matchText(match client.Match) string {
	return indexed(match.Index, number(match.Similarity)+" "+verdict(match.Same))
}

func indexed(index int, text string) string { return strconv.Itoa(index) + " " + text }

// embeddingText is how many values there are, and their hash.
func embeddingText(values []float32) string {
	data := make([]byte, 0, 4*len(values))
	for _, value := range values {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(value))
	}
	return fmt.Sprintf("%d %x", len(values), sha256.Sum256(data))
}

func frameText(scored client.FrameScores, err error) string {
	if err != nil {
		return okOr(err)
	}
	scores := slices.SortedFunc(slices.Values(scored.Scores), func(a, b client.Score) int { return cmp.Compare(a.Reference, b.Reference) })
	texts := make([]string, len(scores))
	for i, score := range scores {
		texts[i] = score.Reference + "=" + number(score.Similarity)
	}
	return strings.Join(texts, " ")
}

func modelText(model client.ModelInfo) string {
	return fmt.Sprintf("%s %s %d", model.Name, model.Digest, model.EmbeddingLength)
}
