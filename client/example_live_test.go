package client_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"siamese/client"
)

func ExampleClient_Live() {
	c, err := client.New("localhost:50051")
	if err != nil {
		slog.Error("client", "err", err)
		return
	}
	defer c.Close()
	face, _ := os.ReadFile("face.png")
	live, err := c.Live(context.Background(), client.LiveConfig{
		References: []client.Reference{{Name: "face", Image: face}},
	})
	if err != nil {
		slog.Error("live", "err", err)
		return
	}
	defer live.Close()
	go func() { // a camera, at its own pace
		for id := int64(1); ; id++ {
			picture, err := os.ReadFile("camera.jpg")
			if err != nil {
				return
			}
			live.Offer(client.Frame{ID: id, Captured: time.Now(), Image: picture})
			time.Sleep(time.Second / 30)
		}
	}()
	for update := range live.Updates() {
		switch {
		case update.Result != nil:
			for _, score := range update.Result.Scores {
				fmt.Printf("frame %d, %s: %.3f, same: %t\n", update.Result.FrameID, score.Reference, score.Similarity, score.Same)
			}
		case update.State != nil && update.State.Phase == client.Waiting:
			slog.Warn("server away", "err", update.State.Err, "retry_in", update.State.RetryIn)
		case update.ReferenceError != nil:
			slog.Error("reference", "err", update.ReferenceError)
		}
	}
}

func ExampleClient_LiveGallery() {
	c, err := client.New("localhost:50051")
	if err != nil {
		slog.Error("client", "err", err)
		return
	}
	defer c.Close()
	live, err := c.LiveGallery(context.Background(), client.LiveGalleryConfig{
		Gallery: "shelf", Options: client.IdentifyOptions{TopK: 3},
	})
	if err != nil {
		slog.Error("live gallery", "err", err)
		return
	}
	defer live.Close()
	picture, err := os.ReadFile("camera.jpg")
	if err != nil {
		slog.Error("camera", "err", err)
		return
	}
	live.Offer(client.Frame{ID: 1, Captured: time.Now(), Image: picture}) // and so on, as they come
	for update := range live.Updates() {
		switch {
		case update.Result != nil && update.Result.Found != nil:
			for _, match := range update.Result.Found.Matches {
				fmt.Printf("frame %d, %s: %.3f, same: %t\n", update.Result.FrameID, match.Thing, match.Similarity, match.Same)
			}
		case update.State != nil && update.State.Phase == client.Waiting:
			slog.Warn("server or gallery away", "err", update.State.Err, "retry_in", update.State.RetryIn)
		}
	}
}
