package main

import (
	"siamese/cmd/internal/cli"
	"siamese/cmd/internal/reference"
)

// about is what the reference has beside the command line. Tests hold the examples
// against the parser.
var about = cli.About{
	Examples:    examples,
	Environment: environment,
	Files:       files,
	SeeAlso:     []string{"siamese-bench", "siamese-webcam"},
}

var examples = map[string][]reference.Example{
	"": {
		{Line: "siamese compare cat.jpg copy.jpg", Does: "How alike two pictures are."},
		{Line: "siamese serve", Does: "The server, on 127.0.0.1:50051, and a page on http://127.0.0.1:8080."},
	},
	"serve": {
		{Line: "siamese serve", Does: "The built-in models for this machine."},
		{Line: "siamese serve --model omniglot --model parts=models/mine", Does: "Two models: calls name one, or parts/2, or a label of it."},
		{Line: "siamese serve --addr :50051 --tls-cert server.crt --tls-key server.key --tokens tokens.txt", Does: "For other machines, by TLS, to callers with a token."},
		{Line: "siamese serve --health-addr 127.0.0.1:9090 --log-format json", Does: "With health and metrics at a port of their own."},
		{Line: "siamese serve --print-config > siamese.json", Does: "All settings as a file that --config takes."},
	},
	"compare": {
		{Line: "siamese compare a.png b.png", Does: "A similarity from 0 to 1, and a verdict."},
		{Line: "siamese compare a.png b.png --json", Does: "The same as JSON."},
		{Line: "siamese compare a.png b.png --server 127.0.0.1:50051", Does: "By a server."},
	},
	"rank":  {{Line: "siamese rank query.jpg photos --top 10 --csv", Does: "The ten most alike below a folder."}},
	"batch": {{Line: "siamese batch pairs.tsv -o answers.csv", Does: "Two paths a line; a bad line has its own error."}},
	"embed": {{Line: "siamese embed photos -o embeddings.npy", Does: "An embedding for each picture below a folder."}},
	"dedupe": {
		{Line: "siamese dedupe photos --html doubles.html", Does: "A page with the copies and near-doubles below a folder."},
		{Line: "siamese dedupe photos --move doubles --dry-run", Does: "Which files would be moved."},
		{Line: "siamese dedupe photos --exact", Does: "Files of the same bytes alone, without a model."},
	},
	"gallery create":   {{Line: "siamese gallery create products --keep-pictures", Does: "An empty gallery that can be moved to another model."}},
	"gallery enroll":   {{Line: "siamese gallery enroll shelf -g products", Does: "The pictures below a folder; their folders name things."}, {Line: "siamese gallery enroll --csv list.csv -g products", Does: "Pictures, things and metadata of a list."}},
	"gallery identify": {{Line: "siamese gallery identify photo.jpg -g products --top 3", Does: "The three things that a picture may show."}},
	"gallery backup":   {{Line: "siamese gallery backup products.bak -g products", Does: "A file that siamese gallery restore takes."}},
	"watch":            {{Line: "siamese watch incoming -g products --remove", Does: "Keeps a gallery as a folder is, until Ctrl-C."}},
	"train":            {{Line: "siamese train --data classes --run runs/first", Does: "On a folder that has one folder a class."}, {Line: "siamese train --resume runs/first", Does: "Go on after Ctrl-C as if nothing had happened."}},
	"token":            {{Line: "siamese token alice --out alice.token >> tokens.txt", Does: "A token for alice, and its line for serve's --tokens."}},
	"worker":           {{Line: "siamese worker --cluster 127.0.0.1:2222,127.0.0.1:2223 --number 1", Does: "The second of two workers."}},
	"eval verify":      {{Line: "siamese eval verify classes --model runs/first/best_epoch_weights.h5", Does: "How often pairs are told right."}},
	"model info":       {{Line: "siamese model info weights.h5", Does: "What a weight file is, and its digest."}},
	"models":           {{Line: "siamese models --server 127.0.0.1:50051", Does: "What a server serves."}},
	"export":           {{Line: "siamese export --model weights.h5 models/mine/1", Does: "A SavedModel for siamese serve or TensorFlow Serving."}},
	"doctor": {
		{Line: "siamese doctor", Does: "What is wrong here for the defaults, and what mends it."},
		{Line: "siamese doctor --addr :50051 --insecure --model models/mine --json", Does: "The same for other settings, as JSON."},
	},
	"man": {{Line: "siamese man --out ~/.local/share/man/man1", Does: "Man pages where man finds them."}},
	"completion": {
		{Line: "siamese completion bash > ~/.local/share/bash-completion/completions/siamese", Does: "For bash, from the next shell on."},
		{Line: "siamese completion zsh > ~/.zsh/completions/_siamese", Does: "For zsh, where fpath has that folder before compinit."},
		{Line: "siamese completion fish > ~/.config/fish/completions/siamese.fish", Does: "For fish."},
	},
}

var environment = []reference.Entry{
	{Term: "SIAMESE_FLAG", Meaning: "The value of a flag, such as SIAMESE_ADDR of --addr. The command line beats it, and it beats the file of --config."},
	{Term: "TF_CPP_MIN_LOG_LEVEL", Meaning: "What TensorFlow writes to standard error: 0 all, 3 nothing. Where it is not set, what needs attention."},
	{Term: "GOMEMLIMIT", Meaning: "The bytes of memory that Go's runtime keeps to. Where it is not set, siamese serve sets it by the limit of the container or machine."},
	{Term: "GOGC", Meaning: "How much garbage gathers until Go's runtime collects it, in percent of the memory that is in use. Where it is not set, siamese serve lets 192 MB gather at most."},
	{Term: "OTEL_EXPORTER_OTLP_ENDPOINT", Meaning: "OpenTelemetry's own variables apply to --otlp-endpoint."},
	{Term: "TMPDIR", Meaning: "The folder that models are unpacked to while they are loaded. Where it is not set, /tmp."},
	{Term: "CUDA_VISIBLE_DEVICES", Meaning: "The GPUs that TensorFlow sees."},
}

var files = []reference.Entry{
	{Term: "/tmp/siamese-*", Meaning: "A model as it is loaded; it is gone a moment later. Where the folder can't be written, the same below ~/.cache; --cache names another."},
	{Term: "DIR/.siamese-index", Meaning: "What siamese dedupe keeps of a folder's pictures, so that the next run encodes only what is new. It can be removed at any time."},
	{Term: "~/.local/share/siamese/galleries", Meaning: "The galleries of siamese gallery, watch and serve, a file each; below $XDG_DATA_HOME where that is set."},
	{Term: "/etc/siamese/siamese.json", Meaning: "What the systemd unit has siamese serve read by --config."},
}
