// Package evaluation is the commands that measure models: `siamese eval`, and `siamese
// calibrate`, which makes of what it measures another model.
package evaluation

import "siamese/cmd/siamese/internal/evaluation/strokes"

// Command is `siamese eval`: it measures what a model is worth.
type Command struct {
	OneShot   oneShotCommand     `cmd:"" name:"oneshot" help:"Measure one-shot runs: which of these drawings is of the same character?"`
	Verify    verifyCommand      `cmd:"" help:"Measure verification: are these two of one class?"`
	Folds     foldsCommand       `cmd:"" help:"Measure a recipe over folds: networks each of which has not seen its part of the data, one-shot and verification on all of it, by alphabet."`
	Kinds     kindsCommand       `cmd:"" help:"Measure pairs by kind: same things and edited copies against strangers, same things against neighbours, and how far similarities are from probabilities."`
	Robust    robustCommand      `cmd:"" name:"robustness" help:"Measure how far similarities move when a picture is turned, shifted or saved as JPEG."`
	Retrieval retrievalCommand   `cmd:"" help:"Measure retrieval: do images of a class find each other among others? R@1, mAP, UKBench's four-in-four."`
	Copies    copiesCommand      `cmd:"" help:"Measure edited copies: are they recognised after the attacks of Copydays, made as it goes?"`
	Familiar  familiarityCommand `cmd:"" name:"familiarity" help:"Measure what is familiar: which share of pictures that it should know, and of others, is foreign to the model."`
	Strokes   strokes.Command    `cmd:"" help:"Tell how well strokes stand for drawings, and show what train --redraw and --twins make of them."`
	MakeRuns  makeRunsCommand    `cmd:"" help:"Draw one-shot runs from data, in the layout of Omniglot's own."`
}

// partFlags choose classes by name.
type partFlags struct {
	Of        []string `help:"Measures these classes, kinds or domains alone, by name or pattern: they are what is asked for. Empty: all." placeholder:"PATTERN"`
	Forbidden string   `help:"Names a file of classes that must not count as different (docs/training.md). Empty: none." placeholder:"FILE"`
}
