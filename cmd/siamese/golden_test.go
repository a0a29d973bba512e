package main

import (
	"encoding/json"
	"fmt"

	"siamese/tfmodel"
	"siamese/tfmodel/builtin"
)

// scoreAB and scoreAC are what the built-in model's card says of glyphA with
// glyphB, of one class, and with glyphC, of another: as the program prints them.
var scoreAB, scoreAC = goldenScores()

func goldenScores() (same, different string) {
	var card tfmodel.Card
	if err := json.Unmarshal(builtin.Card, &card); err != nil || len(card.GoldenPairs) != 2 {
		panic(fmt.Sprintf("the built-in card has %d golden pairs, want 2: %v", len(card.GoldenPairs), err))
	}
	return fmt.Sprintf("%.4f", card.GoldenPairs[0].Similarity), fmt.Sprintf("%.4f", card.GoldenPairs[1].Similarity)
}
