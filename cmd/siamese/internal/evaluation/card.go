package evaluation

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"siamese/internal/modelfile"
	"siamese/internal/regular"
	"siamese/tfmodel"
	"siamese/train/evaluate"
)

// maxCardBytes bounds cards, which have some kilobytes.
const maxCardBytes = 16 << 20

// writeCard writes the best threshold, with the errors measured at it, into the
// card beside the weights; a card that is not there is made.
func (c *verifyCommand) writeCard(model tfmodel.Card, result evaluate.VerifyResult) error {
	card, err := cardToFill(c.WriteCard, model)
	if err != nil {
		return err
	}
	measured, err := c.verification(result)
	if err != nil {
		return err
	}
	card.Threshold = measured.Threshold
	card.ThresholdNote = fmt.Sprintf("The one of the most right verdicts on %d pairs of %s (%s), negatives %s: accuracy %.2f %%, measured on these very pairs.",
		measured.Pairs, measured.Data, measured.HeldOut, measured.Negatives, 100*measured.Accuracy)
	card.Verification = replaceVerification(card.Verification, measured)
	return modelfile.WriteCard(c.WriteCard, card)
}

// cardToFill reads the card at a path, or takes the model's own.
func cardToFill(file string, model tfmodel.Card) (tfmodel.Card, error) {
	content, err := regular.Read(file, maxCardBytes)
	if errors.Is(err, fs.ErrNotExist) {
		// Golden pairs are named relative to the card that they came with.
		model.GoldenPairs, model.Files = nil, nil
		return model, nil
	}
	if err != nil {
		return tfmodel.Card{}, err
	}
	card, err := tfmodel.ParseCard(content)
	if err != nil {
		return tfmodel.Card{}, fmt.Errorf("%s: %w", file, err)
	}
	if got, want := card.Weights.Digest, model.Weights.Digest; got != want && got != "" {
		return tfmodel.Card{}, fmt.Errorf("%s is the card of other weights: its digest is %s, that of the model is %s", file, got, want)
	}
	return card, nil
}

// verification is the result as a card keeps it, at the best threshold.
func (c *verifyCommand) verification(result evaluate.VerifyResult) (tfmodel.VerificationCard, error) {
	at, err := evaluate.Measure(result.Scores, result.BestThreshold)
	if err != nil {
		return tfmodel.VerificationCard{}, err
	}
	measured := tfmodel.VerificationCard{
		Data: filepath.Base(c.Path), HeldOut: c.DescribeData(), Negatives: c.Negatives,
		Pairs: at.Pairs, Same: at.Same,
		Threshold: at.Threshold, Accuracy: at.Accuracy,
		EqualError: at.EER, AUC: at.AUC,
	}
	measured.FalseAccepts, measured.FalseRejects = at.FalseAccepts, at.FalseRejects
	for _, point := range at.Operating {
		measured.Operating = append(measured.Operating, tfmodel.OperatingCard{
			MaxFalseAccepts: point.MaxFAR, Threshold: point.Threshold, FalseAccepts: point.FAR, FalseRejects: point.FRR,
		})
	}
	return measured, nil
}

// replaceVerification puts a measurement in the place of an earlier one of the
// same kind of pairs.
func replaceVerification(list []tfmodel.VerificationCard, measured tfmodel.VerificationCard) []tfmodel.VerificationCard {
	var kept []tfmodel.VerificationCard
	for _, earlier := range list {
		if earlier.Data != measured.Data || earlier.HeldOut != measured.HeldOut || earlier.Negatives != measured.Negatives {
			kept = append(kept, earlier)
		}
	}
	return append(kept, measured)
}
