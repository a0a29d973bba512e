// Command siamese-webcam shows a camera's picture with its similarity to given
// references, or with the best things of a gallery.
package main

import (
	"context"
	"time"

	"siamese/cmd/internal/cli"
	"siamese/cmd/internal/dial"
	"siamese/cmd/internal/reference"
)

func main() {
	quieten()
	program().Main()
}

func program() cli.Program {
	return cli.Program{
		Name: "siamese-webcam", Description: description, Environment: "SIAMESE_WEBCAM",
		Commands: &flags{}, Variables: variables(), About: about,
	}
}

// flags are the command line. They can also come from the environment, named in
// the help.
type flags struct {
	Server        string   `help:"Names the server's address." default:"127.0.0.1:50051"`
	Reference     []string `help:"Names an image file to compare with; repeat the flag for more." sep:"none" short:"r" placeholder:"FILE"`
	Source        string   `help:"Names what to show: a camera's number, a video or image file, numbered image files (img_%03d.png), or a GStreamer pipeline that ends in appsink." default:"0"`
	Model         string   `help:"Names the server's model: model, model/version, model/label, or auto, the one to which the pictures are the most familiar. Empty: the server's default." placeholder:"NAME"`
	Gallery       string   `help:"Looks the picture up in this gallery of the server instead of comparing it with references. Empty: in none." placeholder:"NAME"`
	Top           int      `help:"Tells this many things of the gallery at most, 1 to 100; the window has room for five." default:"3" placeholder:"N"`
	MinSimilarity float32  `help:"Tells things of the gallery alone whose best entry has at least this similarity, 0 to 1." default:"0" placeholder:"N"`
	Filter        []string `help:"Looks among entries of the gallery alone that have this key=value in their metadata; may be repeated." sep:"none" placeholder:"KEY=VALUE"`

	Loop bool    `help:"Plays a file again from the beginning when it ends."`
	FPS  float64 `help:"Plays a file at this many pictures a second. 0: at its own rate." name:"fps" default:"0"`
	ROI  string  `help:"Chooses the part to score: x,y,w,h in pixels, centre, or full. The mouse draws another." name:"roi" default:"full"`

	Headless  bool     `help:"Writes JSON lines to standard output instead of opening a window."`
	Record    string   `help:"Writes what is shown to this video file (.mp4, .mkv or .avi). Empty: to none." placeholder:"FILE"`
	CSV       string   `help:"Writes the scores to this table: lines of time,frame,reference,similarity,smoothed,same,threshold,lag_ms,foreign,entry, where reference is the thing's name with --gallery, and entry its best entry there. Empty: to none." name:"csv" placeholder:"FILE"`
	Snapshots string   `help:"Names the folder for snapshots, which must be there." default:"." placeholder:"FOLDER"`
	Threshold *float32 `help:"Sets the similarity, 0 to 1, from which the verdict is \"same\". Empty: the model's."`

	TestTime       int           `help:"Scores this many views of each picture, 1 to 16, and gives the mean: the picture itself and small shifts, turns and scales of it. Each costs the server one more encoding. 1: the picture alone." name:"test-time" default:"1" placeholder:"N"`
	Size           int           `help:"Shrinks the part to at least this many pixels on its shorter side. 0: sends it as it is." default:"210"`
	Quality        int           `help:"Sets the JPEG quality of what is sent, 1 to 100. 0: PNG, without loss." default:"90"`
	Window         int           `help:"Limits the pictures in flight. More make up for a slow network; each adds an encode of lag." default:"1"`
	ConnectTimeout time.Duration `help:"Gives up after this time without a server. 0s: never." default:"0s"`

	cli.DocumentFlags

	Dial dial.Flags `embed:""`
}

const description = `A camera's picture with its similarity to given references, or the best things of a gallery, as a server scores it.

Keys: r take the region as a reference, n next reference, p pause, s snapshot, c clear the drawn region, q quit.
Exit codes: 0 the source has ended or the user has, 1 a failure, 2 a command line that does not work.`

// Run writes what describes the program, where that is asked for, and else runs it.
func (c *flags) Run(ctx context.Context, program reference.Program, s cli.Streams) error {
	if done, err := c.Write(program, s); done {
		return err
	}
	if err := c.checkGallery(); err != nil {
		return cli.Usage(err)
	}
	return c.run(ctx, s)
}

// variables let flags that mean the same to siamese come from its variables, too.
func variables() map[string]cli.Variable {
	shared := make(map[string]cli.Variable)
	for _, flag := range []string{"server", "model", "threshold", "tls", "tls-ca", "tls-cert", "tls-key", "token-file"} {
		shared[flag] = cli.Variable{Own: "SIAMESE_WEBCAM", Shared: true}
	}
	return shared
}

// about is what the reference has beside the flags.
var about = cli.About{
	Examples: map[string][]reference.Example{"": {
		{Line: "siamese-webcam", Does: "The first camera in a window: r takes what is in it as a reference."},
		{Line: "siamese-webcam --reference cat.jpg --source film.mp4 --loop", Does: "A film instead of a camera."},
		{Line: "siamese-webcam --gallery pets --top 3", Does: "Which things of a gallery the camera shows."},
		{Line: "siamese-webcam --reference a.jpg --source film.mp4 --headless --record out.mp4 --csv out.csv", Does: "Without a window: a line of JSON for each scored frame, a film and a table."},
	}},
	Environment: []reference.Entry{
		{Term: "OPENCV_LOG_LEVEL", Meaning: "What OpenCV writes to standard error. Where it is not set, nothing."},
	},
	SeeAlso: []string{"siamese-serve", "siamese-gallery"},
}
